"""The transcoder as its parent sees it: a child process that is kept running while it is needed.

``feed`` never waits: what a slow child leaves lying is bounded, and what is beyond that is left
out up to the next keyframe.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

import structlog

from server.media import h264
from server.media.ingest.assembler import AccessUnit
from server.media.ingest.pipe import KEYFRAME_WISH, Frame, Reader, pack, rate_wish

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MAX_WAITING_BYTES = 1 << 20
PAUSES_SECONDS = (0.2, 1.0, 5.0)
"""Before a child that ended by itself is started again."""
STEADY_SECONDS = 30.0
READ_BYTES = 1 << 16
# Of our environment it needs where Python finds things, and no secret.
_KEPT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME", "LANG")


class TranscoderProcess:
    """Turn VP8 frames into H.264 access units, beside the event loop.

    The units take no more than ``most_kbps``. ``on_unit`` gets each with its time; ``on_crash`` is
    called when the child ended by itself; ``on_hungry`` when only a keyframe of the publisher
    helps.
    """

    def __init__(
        self,
        most_kbps: int,
        *,
        on_unit: Callable[[AccessUnit, int], None],
        on_crash: Callable[[], None],
        on_hungry: Callable[[], None],
    ) -> None:
        self._on_unit = on_unit
        self._on_crash = on_crash
        self._on_hungry = on_hungry
        self._most_kbps = most_kbps
        self._process: asyncio.subprocess.Process | None = None
        self._waits_for_key = True
        self._parameters: h264.VideoParameters | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self) -> None:
        """Keep a child running until cancelled; then it is ended."""
        loop = asyncio.get_running_loop()
        crashes = 0
        while True:
            started = loop.time()
            await self._live()
            self._on_crash()
            crashes = 0 if loop.time() - started > STEADY_SECONDS else crashes
            pause = PAUSES_SECONDS[min(crashes, len(PAUSES_SECONDS) - 1)]
            log.error("transcoder_ended", restart_seconds=pause)
            await asyncio.sleep(pause)
            crashes += 1

    def feed(self, frame: Frame) -> None:
        """Transcode a VP8 frame, as soon as there is a child; never waits."""
        if self._waits_for_key and not frame.key:
            return
        self._waits_for_key = not self._write(frame)
        if self._waits_for_key:
            self._on_hungry()

    def want_key(self) -> None:
        """Have a keyframe made soon."""
        self._write(KEYFRAME_WISH)

    def limit(self, most_kbps: int) -> None:
        """Have the units take no more than ``most_kbps`` from now on."""
        if most_kbps != self._most_kbps:
            self._most_kbps = most_kbps
            self._write(rate_wish(most_kbps))

    def _write(self, frame: Frame) -> bool:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return False
        # Wishes are small and rare, and none is left out.
        if frame.data and process.stdin.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
            return False
        process.stdin.write(pack(frame))
        return True

    async def _live(self) -> None:
        """Start a child and read what it makes until it ends."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server.media.ingest.transcode",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            start_new_session=True,
        )
        self._process = process
        self._write(rate_wish(self._most_kbps))
        self._waits_for_key = True
        self._on_hungry()
        log.info("transcoder_started", pid=process.pid)
        try:
            assert process.stdout is not None
            reader = Reader()
            while data := await process.stdout.read(READ_BYTES):
                for frame in reader.feed(data):
                    self._take(frame)
            await process.wait()
        finally:
            self._process = None
            await _end(process)

    def _take(self, frame: Frame) -> None:
        nals = h264.split_annexb(frame.data)
        kinds = {h264.nal_type(nal): nal for nal in nals}
        if h264.SPS in kinds and h264.PPS in kinds:
            self._parameters = h264.parameters(kinds[h264.SPS], kinds[h264.PPS])
        slices = tuple(n for n in nals if h264.nal_type(n) in (h264.SLICE, h264.IDR))
        if self._parameters is not None and slices:
            self._on_unit(AccessUnit(frame.ms, slices, frame.key, self._parameters), frame.ms)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a child, which has nothing that it would have to finish."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
