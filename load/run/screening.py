"""Picture and sound in some of the classes of a run, for some of the students.

Who watches costs the generator a hundred times what a student in the class does (ICE, DTLS, a
thousand packets a second), so a sample watches: the teachers of the first classes publish 720p at
2.5 Mb/s by WHIP, and so many of their students watch by WHEP, reading headers without decrypting.
Everybody of the sample is counted from when all are connected.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from load.media import clip
from load.media.child import Child, child
from load.run.result import Seen
from load.run.venue import Class


class Screening:
    """Publishers and viewers, each class of them in processes of its own."""

    def __init__(self, classes: Sequence[Class], viewers: int) -> None:
        self._classes = classes
        self._viewers = viewers
        self._stack = AsyncExitStack()
        self._watching: list[Child] = []
        self._before: list[dict[str, Any]] = []
        self._connect_ms = 0.0

    async def begin(self) -> None:
        """Publish in each class and let everybody connect.

        Raises:
            BenchError: If the server does not take a publisher or a viewer.

        """
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        file = directory / "clip"
        (await asyncio.to_thread(clip.encode)).save(file)
        for held in self._classes:
            source = await self._stack.enter_async_context(child("load.media.source", str(file)))
            await source.ask("whip", url=held.place.whip_url, token=held.teacher)
            watching = await self._stack.enter_async_context(child("load.media.viewers"))
            self._watching.append(watching)
            url = held.place.whip_url.removesuffix("whip") + "whep"
            for token in held.students[: self._viewers]:
                took = await watching.ask("whep", url=url, token=token, count=1)
                self._connect_ms = max(self._connect_ms, took * 1000)
        self._before = [await each.ask("counts") for each in self._watching]

    async def seen(self) -> Seen:
        """Return what was seen until now.

        Raises:
            BenchError: If those who watch are gone.

        """
        pictures, packets, gaps, seconds = 1.0, 0, 0, 0.0
        viewers = 0
        for each, before in zip(self._watching, self._before, strict=True):
            after = await each.ask("counts")
            seconds = max(seconds, after["at"] - before["at"])
            due = (after["at"] - before["at"]) * clip.FPS
            for was, now in zip(before["viewers"], after["viewers"], strict=True):
                viewers += 1
                pictures = min(pictures, (now["pictures"] - was["pictures"]) / max(1.0, due))
                packets += now["packets"] - was["packets"]
                gaps += now["gaps"] - was["gaps"]
        loss = gaps / (packets + gaps) if packets + gaps else 1.0
        return Seen(viewers, seconds, self._connect_ms, pictures, loss)

    async def end(self) -> None:
        """End everything."""
        await self._stack.aclose()
