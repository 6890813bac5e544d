"""GStreamer publishes by WHIP: RSA certificate, x264, no browser's habits."""

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from tests.soak.interop import class_, require

__all__ = ["class_"]

PYTHON = "/usr/bin/python3"
PACKAGES = (
    "python3-gi gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
ELEMENTS = ("webrtcbin", "nicesrc", "x264enc", "opusenc", "rtph264pay")


@pytest.fixture
def gstreamer() -> None:
    inspect = require("gst-inspect-1.0", f"gstreamer1.0-tools {PACKAGES}")
    for element in ELEMENTS:
        if subprocess.run([inspect, element], stdout=subprocess.DEVNULL).returncode != 0:
            require(f"GStreamer's {element}", PACKAGES)
    if subprocess.run([PYTHON, "-c", "import gi"]).returncode != 0:
        require("python3-gi", PACKAGES)


async def test_gstreamer_publishes_and_everybody_sees_it(gstreamer, class_, report) -> None:
    script = Path(__file__).parent / "gstreamer.py"
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        PYTHON, str(script), class_.whip, await class_.publish_token(), stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(20):
            while await process.stdout.readline() != b"state connected\n":
                assert process.returncode is None
        connected = time.monotonic() - started
        assert await class_.is_seen() == (640, 360)
        gone_out = await class_.goes_out()
    finally:
        process.kill()
        await process.wait()
    report(connected_seconds=round(connected, 2), **gone_out)
