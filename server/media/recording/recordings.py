"""The recordings of one session: the one that runs, and those whose end is to be written.

The class says which is which, again and again; what it does not speak of is left as it is: a
worker that stops, or a session that moves, ends no recording. One that is over is finalised from
what its spool and the object store hold, whoever wrote that, and however that one ended.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from protocol.health import HealthState, RecordingHealth
from server.media.bus import Bus
from server.media.fabric import Emit, RecordingTarget
from server.media.hls import playlist
from server.media.recording.recorder import Recorder, claimed
from server.media.recording.spool import Spool, SpoolError
from server.media.recording.uploader import ObjectStore, Uploader
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CLOSE_SECONDS = 8.0
LATE_MS = 10_000
"""From here on staff are told that a recording waits for the object store."""


class Recordings:
    """Keep the recordings of a session as the class wants them.

    ``spool`` is the directory of the session's spools; ``zero_ms`` returns the wall clock at the
    zero of its time line.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        objects: ObjectStore,
        spool: Path,
        emit: Emit,
        tasks: Supervisor,
        zero_ms: Callable[[], int],
    ) -> None:
        self._bus = bus
        self._objects = objects
        self._spool = spool
        self._emit = emit
        self._tasks = tasks
        self._zero_ms = zero_ms
        self._recorder: Recorder | None = None
        self._recording: dict[str, asyncio.Task[None]] = {}
        self._finishing: dict[str, asyncio.Task[None]] = {}
        self._settled: set[str] = set()
        """Those whose end was told, until the class does not ask any more."""

    @property
    def is_running(self) -> bool:
        """Whether anything is to be recorded."""
        return self._recorder is not None

    def apply(self, wanted: RecordingTarget | None, over: Sequence[RecordingTarget]) -> None:
        """Record ``wanted`` and nothing else, and finalise each that is ``over``."""
        recorder = self._recorder
        if recorder is not None and recorder.target != wanted:
            # Not waited for: what it still uploads must not keep the rest back.
            recorder.stop()
            self._recorder = None
        self._settled &= {each.id for each in (*over, *filter(None, [wanted]))}
        busy = {*self._settled, *self._recording, *self._finishing}
        if wanted is not None and wanted.id not in busy:
            self._recorder = self._record(wanted)
        for target in over:
            if target.id not in self._settled and target.id not in self._finishing:
                self._finishing[target.id] = self._tasks.keep(
                    f"finish.{target.id}", partial(self._finish, target)
                )

    def health(self) -> RecordingHealth | None:
        """Return how the running recording does, in words; None if there is none."""
        recorder = self._recorder
        if recorder is None:
            return None
        uploader = recorder.uploader
        waiting_ms = uploader.waiting_ms if uploader is not None else 0
        state: HealthState = "unstable"
        if uploader is not None and uploader.failing:
            text = "The object store is away: it waits on the server's disk."
        elif waiting_ms > LATE_MS:
            text = "The object store is slow: it waits on the server's disk."
        else:
            state, text = "good", "It is being kept."
        return RecordingHealth(recorder.target.id, state, text, waiting_ms)

    async def close(self) -> None:
        """Stop, and upload what is left as far as that takes no time; the spool keeps the rest."""
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None
        working = {*self._recording.values(), *self._finishing.values()}
        if working:
            await asyncio.wait(working, timeout=CLOSE_SECONDS)

    def _record(self, target: RecordingTarget) -> Recorder:
        spool = Spool(self._spool / target.id)
        recorder = Recorder(
            target,
            bus=self._bus,
            spool=spool,
            make_uploader=lambda: Uploader(target.prefix, objects=self._objects, spool=spool),
            zero_ms=self._zero_ms(),
        )
        task = self._tasks.start(f"record.{target.id}", self._run(recorder))
        self._recording[target.id] = task
        task.add_done_callback(lambda _: self._recording.pop(target.id))
        return recorder

    async def _run(self, recorder: Recorder) -> None:
        code: str | None = "internal"
        try:
            code = await recorder.run()
        except asyncio.CancelledError:
            code = None
            raise
        finally:
            if code is not None:
                self._fail(recorder.target, code)
            if self._recorder is recorder:
                self._recorder = None

    async def _finish(self, target: RecordingTarget) -> None:
        """Write the end of a recording and tell it."""
        before = self._recording.get(target.id)
        if before is not None:
            await asyncio.wait({before})
        if target.id not in self._settled:
            await self._finalise(target)
        del self._finishing[target.id]

    async def _finalise(self, target: RecordingTarget) -> None:
        spool = Spool(self._spool / target.id)
        try:
            await claimed(spool)
        except SpoolError:
            # Nothing was spooled then: what there is is in the object store.
            log.warning("spool_refuses", recording=target.id)
        try:
            found = await Uploader(target.prefix, objects=self._objects, spool=spool).finalise()
        except ValueError:
            # Somebody else wrote into its place: nothing can be said of it, now or later.
            log.exception("recording_unreadable", recording=target.id)
            self._fail(target, "internal")
            return
        finally:
            await asyncio.to_thread(spool.release)
        if found is None:
            self._fail(target, "empty")
            return
        self._settled.add(target.id)
        self._emit(
            "recording.finalized",
            {
                "recording": target.id,
                "media_uri": f"{target.prefix}/{playlist.NAME}",
                "duration_ms": found.duration_ms,
                "bytes": found.size,
                "clock": [{"wall_ms": wall, "media_ms": media} for wall, media in found.clock],
            },
        )

    def _fail(self, target: RecordingTarget, code: str) -> None:
        log.warning("recording_failed", recording=target.id, code=code)
        self._settled.add(target.id)
        self._emit("recording.failed", {"recording": target.id, "code": code})
