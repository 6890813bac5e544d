"""Record a session as fMP4 segments with an HLS playlist, in the object store.

::

    bus ──▶ segment (≥ 2 s, cut at a keyframe) ──▶ put segment ──▶ put playlist

A segment is there before the playlist names it, so that a playlist never promises what is
missing. What the store refuses for a moment is tried again; meanwhile the queue holds 32 MiB.
"""

import asyncio
from typing import Protocol

import structlog

from server.errors import NotFoundError, UnavailableError
from server.media.aac import FRAME, RATE
from server.media.bus import RECORDER_LIMITS, Bus, EncodedUnit, Kind
from server.media.fabric import Emit, RecordingTarget
from server.media.h264 import VideoParameters
from server.media.hls import fmp4, playlist

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SEGMENT_MS = 2_000
GAP_MS = 1_000
FRAME_MS = 33
PUT_SECONDS = 10.0
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0)
FINISH_SECONDS = 20.0
PLAYLIST = "index.m3u8"
_PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
_SEGMENT_TYPE = "video/iso.segment"
_INIT_TYPE = "video/mp4"


class ObjectStore(Protocol):
    """What the recorder needs of an object store."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, replacing an earlier one.

        Raises:
            UnavailableError: If it could not be stored; trying again may help.

        """

    async def get(self, key: str) -> bytes:
        """Return an object.

        Raises:
            NotFoundError: If there is none.
            UnavailableError: If the store is away.

        """


class Recorder:
    """Write one recording. :meth:`run` works until :meth:`finish`; each is called once.

    A recording that a crash interrupted is continued: what the playlist names stays.
    ``zero_ms`` is the wall clock at the zero of the session's time line.
    """

    def __init__(
        self,
        target: RecordingTarget,
        *,
        bus: Bus,
        objects: ObjectStore,
        emit: Emit,
        zero_ms: int,
    ) -> None:
        self.target = target
        self._bus = bus
        self._objects = objects
        self._emit = emit
        self._zero_ms = zero_ms
        self._subscription = bus.subscribe(
            frozenset({Kind.VIDEO, Kind.AUDIO}), RECORDER_LIMITS, replay=True
        )
        self._done = asyncio.Event()
        self._segments: list[playlist.Segment] = []
        self._bytes = 0
        self._inits: dict[VideoParameters, str] = {}
        self._first_init = 0
        self._video: list[EncodedUnit] = []
        self._audio: list[EncodedUnit] = []
        self._audio_at: int | None = None
        self._end_ms: int | None = None
        """Where the last segment ended."""

    async def run(self) -> None:
        """Record until finished or until the store is away for too long."""
        code = "internal"
        try:
            await self._continue()
            while (unit := await self._subscription.get()) is not None:
                await self._take(unit)
            code = "overflow" if self._subscription.queue.overflowed else await self._finalise()
        except UnavailableError:
            code = "store"
        finally:
            # Whatever happened, somebody waits for the end of this recording.
            if code:
                log.warning("recording_failed", recording=self.target.id, code=code)
                self._emit("recording.failed", {"recording": self.target.id, "code": code})
            self._bus.unsubscribe(self._subscription)
            self._done.set()

    async def finish(self) -> None:
        """Write what is there, close the playlist, and return when it is stored or failed."""
        self._bus.unsubscribe(self._subscription)
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self._done.wait()
        except TimeoutError:
            log.warning("recording_finish_timed_out", recording=self.target.id)

    async def _continue(self) -> None:
        """Take up the segments of an interrupted recording; its next one is a discontinuity."""
        try:
            async with asyncio.timeout(PUT_SECONDS):
                text = await self._objects.get(f"{self.target.prefix}/{PLAYLIST}")
        except NotFoundError:
            return
        except TimeoutError as error:
            raise UnavailableError("The object store is away.") from error
        self._segments, self._bytes = playlist.parse(text.decode())
        self._first_init = len({segment.init for segment in self._segments})
        log.info("recording_continued", recording=self.target.id, segments=len(self._segments))

    async def _take(self, unit: EncodedUnit) -> None:
        if unit.kind is Kind.AUDIO:
            self._audio.append(unit)
            return
        if self._video:
            span = unit.dts_ms - self._video[0].dts_ms
            gap = unit.dts_ms - self._video[-1].dts_ms > GAP_MS
            changed = unit.key and unit.parameters != self._video[0].parameters
            due = unit.key and span >= SEGMENT_MS
            if due or changed or gap:
                await self._cut(None if gap else unit.dts_ms)
        if self._video or unit.key:
            # A segment begins with a keyframe, also after a gap.
            self._video.append(unit)

    async def _cut(self, end_ms: int | None) -> None:
        """Store the open segment; ``end_ms`` is where the next one begins, if it follows on."""
        video, self._video = self._video, []
        start_ms = video[0].dts_ms
        if end_ms is None:
            end_ms = video[-1].dts_ms + FRAME_MS
        parameters = video[0].parameters
        assert parameters is not None
        audio = [u for u in self._audio if u.dts_ms < end_ms]
        self._audio = [u for u in self._audio if u.dts_ms >= end_ms]
        init = await self._init(parameters)
        number = len(self._segments)
        name = f"segment-{number:08}.m4s"
        data = fmp4.fragment(number + 1, _video_run(video, end_ms), self._audio_run(audio))
        await self._put(name, data, _SEGMENT_TYPE)
        follows = self._end_ms is not None and start_ms - self._end_ms <= GAP_MS
        new_init = bool(self._segments) and self._segments[-1].init != init
        self._segments.append(
            playlist.Segment(
                name,
                init,
                end_ms - start_ms,
                self._zero_ms + start_ms,
                discontinuity=bool(self._segments) and (new_init or not follows),
            )
        )
        self._end_ms = end_ms
        await self._put_playlist(ended=False)

    async def _init(self, parameters: VideoParameters) -> str:
        if parameters not in self._inits:
            name = f"init-{self._first_init + len(self._inits)}.mp4"
            await self._put(name, fmp4.init_segment(parameters), _INIT_TYPE)
            self._inits[parameters] = name
        return self._inits[parameters]

    def _audio_run(self, units: list[EncodedUnit]) -> fmp4.Run:
        """Return the sound counted in samples: milliseconds are only good to find gaps."""
        if not units:
            return fmp4.Run(0, ())
        start = units[0].dts_ms * RATE // 1000
        if self._audio_at is not None and abs(start - self._audio_at) < FRAME:
            start = self._audio_at
        self._audio_at = start + FRAME * len(units)
        return fmp4.Run(start, [fmp4.Sample(u.data, FRAME, True) for u in units])

    async def _finalise(self) -> str:
        """Close the playlist and tell so; return why there is nothing to close, if so."""
        if self._video:
            await self._cut(None)
        if not self._segments:
            return "empty"
        await self._put_playlist(ended=True)
        self._emit(
            "recording.finalized",
            {
                "recording": self.target.id,
                "media_uri": f"{self.target.prefix}/{PLAYLIST}",
                "duration_ms": sum(segment.duration_ms for segment in self._segments),
                "bytes": self._bytes,
            },
        )
        return ""

    async def _put_playlist(self, *, ended: bool) -> None:
        text = playlist.render(self._segments, self._bytes, ended=ended)
        await self._store(f"{self.target.prefix}/{PLAYLIST}", text.encode(), _PLAYLIST_TYPE)

    async def _put(self, name: str, data: bytes, content_type: str) -> None:
        await self._store(f"{self.target.prefix}/{name}", data, content_type)
        self._bytes += len(data)

    async def _store(self, key: str, data: bytes, content_type: str) -> None:
        """Put an object, again after a pause if the store is away.

        Raises:
            UnavailableError: If it stays away.

        """
        for pause in (*RETRY_SECONDS, None):
            try:
                async with asyncio.timeout(PUT_SECONDS):
                    await self._objects.put(key, data, content_type)
            except (UnavailableError, TimeoutError) as error:
                if pause is None:
                    raise UnavailableError("The object store is away.") from error
                await asyncio.sleep(pause)
            else:
                return


def _video_run(units: list[EncodedUnit], end_ms: int) -> fmp4.Run:
    ends = [unit.dts_ms for unit in units[1:]] + [end_ms]
    samples = [
        fmp4.Sample(unit.data, max(1, end - unit.dts_ms) * 90, unit.key)
        for unit, end in zip(units, ends, strict=True)
    ]
    return fmp4.Run(units[0].dts_ms * 90, samples)
