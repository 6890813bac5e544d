"""Record a session as HLS: fMP4 segments and a playlist in the object store.

::

    bus ──▶ segmenter ──▶ spool (each fragment, on the disk) ──▶ uploader ──▶ object store

What is here neither waits for the object store nor makes anybody wait for the disk: the bus has a
queue for it. A recording is continued after whatever ended a recorder; what its spool still holds
is uploaded first. It is over when the class says so, not when a recorder ends
(:mod:`server.media.recording.recordings`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from server.media.bus import Bus
from server.media.fabric import RecordingTarget
from server.media.hls import fmp4
from server.media.hls.playlist import init_name
from server.media.hls.segmenter import Closed, Fragment, Opened, Output, Segmenter
from server.media.recording.spool import Header, Left, Spool, SpoolError
from server.media.recording.uploader import Uploader
from server.media.unit import Kind
from server.media.unit_queue import RECORDER_LIMITS
from server.outages import Outage

CLAIM_SECONDS = 0.2

_outage = Outage("spool")

MakeUploader = Callable[[], Uploader]


class Recorder:
    """Record until stopped. :meth:`run` returns once all is uploaded; each is called once.

    ``zero_ms`` is the wall clock at the zero of the session's time line.
    """

    def __init__(
        self,
        target: RecordingTarget,
        *,
        bus: Bus,
        spool: Spool,
        make_uploader: MakeUploader,
        zero_ms: int,
    ) -> None:
        self.target = target
        self._bus = bus
        self._spool = spool
        self._make_uploader = make_uploader
        self._zero_ms = zero_ms
        self._subscription = bus.subscribe(
            frozenset({Kind.VIDEO, Kind.AUDIO}), RECORDER_LIMITS, replay=True
        )
        self.uploader: Uploader | None = None
        """Where segments go, once the spool is claimed."""
        self._open: _Open | None = None
        """The segment that is written, or the last one that was."""

    def stop(self) -> None:
        """Record no more; what is there is still written and uploaded. Idempotent."""
        self._bus.unsubscribe(self._subscription)

    async def run(self) -> str | None:
        """Record until stopped, then upload all that is left; return why it failed, if it did."""
        try:
            await claimed(self._spool)
            async with asyncio.TaskGroup() as tasks:
                self.uploader = self._make_uploader()
                uploading = tasks.create_task(self.uploader.run())
                try:
                    code = await self._record(self.uploader)
                except SpoolError:
                    code = "disk_full"
                if code is not None:
                    uploading.cancel()
                self.uploader.close()
        except SpoolError:
            code = "disk_full"
        finally:
            self.stop()
            await asyncio.to_thread(self._spool.release)
        return code

    async def _record(self, uploader: Uploader) -> str | None:
        """Write what is published until stopped; return why that ended, if it should not.

        Raises:
            SpoolError: If neither the disk nor memory takes more.

        """
        segmenter = Segmenter()
        while (unit := await self._subscription.get()) is not None:
            for output in segmenter.push(unit):
                await self._write(output, uploader)
            if segmenter.needs_keyframe:
                self._bus.want_keyframe()
        for output in segmenter.close():
            await self._write(output, uploader)
        return "overflow" if self._subscription.queue.overflowed else None

    async def _write(self, output: Output, uploader: Uploader) -> None:
        match output:
            case Opened(parameters, start_ms, discontinuity):
                init = fmp4.init_segment(parameters)
                # What a recorder begins with does not follow on what another one wrote.
                jumps = discontinuity or self._open is None
                header = Header(self._zero_ms + start_ms, init_name(init), jumps)
                self._open = _Open(header, init)
                await self._spooled(lambda: self._spool.begin(header, init))
            case Fragment(data=data):
                assert self._open is not None
                self._open.data += data
                if self._open.is_spooled:
                    await self._spooled(lambda: self._spool.append(data))
            case Closed(end_ms):
                assert self._open is not None
                await asyncio.to_thread(self._spool.close)
                segment = self._open
                duration_ms = self._zero_ms + end_ms - segment.header.starts_at_ms
                left = Left(segment.header, bytes(segment.data), duration_ms)
                uploader.put(left, segment.init, spooled=segment.is_spooled)

    async def _spooled(self, write: Callable[[], None]) -> None:
        """Write to the disk; a segment that it does not take stays in memory."""
        assert self._open is not None
        try:
            await asyncio.to_thread(write)
        except SpoolError as error:
            _outage.failed(error.__cause__)
            self._open.is_spooled = False
        else:
            _outage.worked()


@dataclass(slots=True)
class _Open:
    header: Header
    init: bytes
    data: bytearray = field(default_factory=bytearray)
    is_spooled: bool = True


async def claimed(spool: Spool) -> None:
    """Return once nobody else has the spool.

    Raises:
        SpoolError: If there can be none.

    """
    while True:
        if await asyncio.to_thread(spool.claim):
            return
        # Another process may have it: only the file says so.
        await asyncio.sleep(CLAIM_SECONDS)
