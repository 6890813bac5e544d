"""A teacher who looks at another window for half a minute: the class goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages import composing
from tests.pages.conftest import Class, lesson, server
from tests.pages.plain_browser import plain_browser
from tests.rtmp_server import RtmpServer

__all__ = ["lesson", "server"]

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

BACKGROUND_SECONDS = 30
LEAST_RATE = 10


async def test_half_a_minute_behind_another_window_keeps_its_pace(
    lesson: Class, tmp_path: Path, report: Callable[..., None]
) -> None:
    platform = RtmpServer(tmp_path)
    platform.start()
    try:
        await composing.on_air_at(lesson, platform)
        async with plain_browser(tmp_path / "profile") as plain:
            studio = await composing.studio_behind_another_window(plain, lesson)
            async with composing.Viewer(f"{platform.url('one')}/camera") as viewer:
                await viewer.sees(lambda seen: composing.filmed(seen, 640, 330))
                seconds = [await viewer.rate(5) for _ in range(BACKGROUND_SECONDS // 5)]
                assert await studio.run("document.visibilityState") == "hidden"
    finally:
        platform.stop()
    report(frames_per_second=[round(each, 1) for each in seconds])
    assert min(seconds) >= LEAST_RATE
