"""Those who publish in a session: their connections, and the programme made of what they send.

Publishers come and go; the time line, the bus and those who consume it stay.
"""

import asyncio

from server.clock import Clock
from server.media import sdp
from server.media.bus import Bus
from server.media.fabric import Emit
from server.media.ingest.audio import AudioThread
from server.media.ingest.contributor import Contributor
from server.media.ingest.defects import Defect
from server.media.ingest.geometry import Geometry
from server.media.ingest.health import UplinkSample
from server.media.ingest.life import SILENT_SECONDS
from server.media.ingest.pipe import Frame
from server.media.ingest.programme import Programme
from server.media.ingest.reorder import Statistics
from server.media.ingest.slate import Film, Sign, film
from server.media.ingest.transcoder import TranscoderProcess
from server.media.ingest.vp8 import Vp8Frame
from server.media.ingest.whip import REMB_CAP, REMB_FLOOR, Publisher
from server.media.network import EVERYWHERE, Network
from server.media.peer import CONNECT_SECONDS
from server.tasks import Supervisor

IDLE_SECONDS = 2.0
"""A transcoder that nobody needs is kept for so long: viewers come and go."""
FILMS = 4
"""How many slates are kept: of the sizes and signs that were asked for last."""


class Source:
    """Whoever publishes in a session."""

    def __init__(
        self,
        *,
        bus: Bus,
        clock: Clock,
        emit: Emit,
        tasks: Supervisor,
        network: Network = EVERYWHERE,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._tasks = tasks
        self._network = network
        self._publishers: dict[str, Publisher] = {}
        """By the name of their resource: the newest, and until it is on air the one before."""
        self._publishing = asyncio.Lock()
        self._cap = REMB_CAP
        self._films = _Films(tasks)
        self._programme = Programme(
            bus=bus,
            clock=clock,
            emit=emit,
            films=self._films,
            ask=self._ask,
            relieve=self._relieve,
        )
        bus.want_keyframe = self._programme.want_keyframe
        self._audio = AudioThread(self._programme.encoded)
        self._transcoding: _Transcoding | None = None

    @property
    def consumed(self) -> bool:
        """Whether anything but viewers consumes: that needs keyframes at even intervals."""
        return self._programme.consumed

    @consumed.setter
    def consumed(self, consumed: bool) -> None:
        self._programme.consumed = consumed

    @property
    def zero_ms(self) -> int:
        """The wall clock at the zero of the time line."""
        return self._clock.now_ms() - round(self._programme.timeline.ms(self._clock.monotonic()))

    def limit(self, max_kbps: int | None) -> None:
        """Pass on no more than ``max_kbps`` of pictures; None: as much as we take at all."""
        self._cap = REMB_CAP if max_kbps is None else min(REMB_CAP, max_kbps * 1000)
        for publisher in self._publishers.values():
            self._bound(publisher)
        if self._transcoding is not None:
            self._transcoding.process.limit(self._cap // 1000)

    async def publish(self, user: str, offer: bytes) -> tuple[Publisher, str]:
        """Answer a publisher; it takes the place of the one before.

        Raises:
            UnacceptableOfferError: With what to answer instead; nothing has changed.

        """
        async with self._publishing:
            publisher = Publisher(
                user,
                clock=self._clock,
                origin=self._programme.timeline.origin,
                on_picture=lambda unit, ms, read_at: self._programme.picture(
                    publisher, unit, ms, read_at
                ),
                on_frame=lambda frame, ms: self._on_frame(publisher, frame, ms),
                on_sound=lambda packet, sample: self._programme.sound(
                    publisher, packet, sample, self._audio
                ),
                on_closed=lambda: self._end(publisher, "closed"),
                network=self._network,
            )
            self._bound(publisher)
            text = sdp.answer(await publisher.answer(offer))
            self._tasks.keep("repair", publisher.repair)
            on_air = self._programme.on_air
            for older in list(self._publishers.values()):
                if older is not on_air:
                    self._end(older, "closed")
            self._publishers[publisher.id] = publisher
            self._programme.arrive(publisher)
            return publisher, text

    @property
    def is_published(self) -> bool:
        """Whether anybody is connected to publish."""
        return bool(self._publishers)

    @property
    def is_on_air(self) -> bool:
        """Whether a publisher's picture or sound goes out."""
        return self._programme.on_air is not None

    def publisher(self, resource: str) -> Publisher | None:
        """Return the publisher behind a resource."""
        return self._publishers.get(resource)

    def of_user(self, user: str) -> list[Publisher]:
        """Return what ``user`` publishes."""
        return [each for each in self._publishers.values() if each.user == user]

    async def leave(self, publisher: Publisher) -> None:
        """End a publisher, as it or somebody asked for."""
        self._forget(publisher, "ended")
        await publisher.close()

    async def close(self) -> None:
        """End every publisher, the programme, and what was made of it."""
        self._programme.end()
        publishers = list(self._publishers.values())
        self._publishers.clear()
        await asyncio.gather(*(publisher.close() for publisher in publishers))
        if self._transcoding is not None:
            running = self._transcoding.running
            self._stop_transcoding()
            await asyncio.wait({running})
        await self._audio.close()

    def sample(self, now: float) -> UplinkSample:
        """Return what was counted until now."""
        who = self._programme.on_air or self._programme.newest
        publisher = who if isinstance(who, Publisher) else None
        heard = publisher.last_rtp if publisher is not None else None
        video = audio = Statistics()
        missed = 0
        if publisher is not None:
            is_vp8 = publisher.codec == "VP8"
            video = publisher.vp8.statistics if is_vp8 else publisher.video.statistics
            audio = publisher.audio.statistics
            missed = publisher.nacks.missed
        return UplinkSample(
            at=now,
            bytes=video.bytes + audio.bytes,
            pictures=video.units,
            packets=video.packets + audio.packets,
            lost=missed + audio.lost,
            connected=heard is not None and now - heard < SILENT_SECONDS,
            has_picture=publisher is not None and publisher.has_picture,
        )

    def tick(self, now: float) -> None:
        """Notice silence, ask for keyframes, show the slate; ten times a second."""
        for publisher in list(self._publishers.values()):
            if publisher.last_rtp is None and now - publisher.created_at > CONNECT_SECONDS:
                self._end(publisher, "closed")
            for defect in publisher.tick(now):
                self._programme.warn(defect)
        self._transcode_as_needed(now)
        self._programme.tick(now, self._audio)

    def _bound(self, publisher: Publisher) -> None:
        publisher.bounds.cap = self._cap
        publisher.bounds.floor = min(REMB_FLOOR, self._cap)

    def _end(self, publisher: Publisher, reason: str) -> None:
        """End a publisher without waiting for it."""
        self._forget(publisher, reason)
        self._tasks.start("close", publisher.close())

    def _forget(self, publisher: Publisher, reason: str) -> None:
        """Let the programme go on without a publisher. Idempotent."""
        if self._publishers.pop(publisher.id, None) is not None:
            instead = next(reversed(self._publishers.values()), None)
            self._programme.leave(publisher, reason, instead)

    def _relieve(self, who: Contributor) -> None:
        """End who was on air before."""
        assert isinstance(who, Publisher)
        self._publishers.pop(who.id, None)
        self._tasks.start("close", who.close())

    def _ask(self, who: Contributor) -> None:
        """Send for a keyframe to where the picture that goes out is encoded."""
        assert isinstance(who, Publisher)
        if self._transcoding is not None and self._transcoding.publisher is who:
            self._transcoding.process.want_key()
        else:
            self._request_keyframe(who)

    def _request_keyframe(self, publisher: Publisher) -> None:
        self._tasks.start("pli", publisher.request_keyframe())

    # A publisher without H.264.

    def _on_frame(self, publisher: Publisher, frame: Vp8Frame, ms: int) -> None:
        transcoding = self._transcoding
        if transcoding is None or transcoding.publisher is not publisher:
            self._programme.notice(publisher, frame.geometry)
            return
        transcoding.process.feed(Frame(ms, frame.key, frame.data))

    def _transcode_as_needed(self, now: float) -> None:
        """Have the newest VP8 publisher transcoded while anybody takes pictures."""
        newest = self._programme.newest
        publisher = newest if isinstance(newest, Publisher) and newest.codec == "VP8" else None
        transcoding = self._transcoding
        if transcoding is not None and transcoding.publisher is not publisher:
            self._stop_transcoding()
            transcoding = None
        if publisher is None:
            return
        if self._programme.consumed or self._bus.watched:
            if transcoding is None and publisher.last_rtp is not None:
                transcoding = self._transcoding = self._start_transcoding(publisher, now)
            if transcoding is not None:
                transcoding.needed_at = now
        elif transcoding is not None and now - transcoding.needed_at > IDLE_SECONDS:
            self._stop_transcoding()

    def _start_transcoding(self, publisher: Publisher, now: float) -> "_Transcoding":
        process = TranscoderProcess(
            self._cap // 1000,
            on_unit=lambda unit, ms: self._programme.picture(publisher, unit, ms),
            on_crash=lambda: self._programme.warn(Defect.TRANSCODER),
            on_hungry=lambda: self._request_keyframe(publisher),
        )
        running = self._tasks.keep("transcoder", process.run)
        return _Transcoding(publisher, process, running, now)

    def _stop_transcoding(self) -> None:
        transcoding, self._transcoding = self._transcoding, None
        if transcoding is not None:
            transcoding.running.cancel()


class _Transcoding:
    """One publisher's transcoder, while there is one."""

    def __init__(
        self,
        publisher: Publisher,
        process: TranscoderProcess,
        running: asyncio.Task[None],
        needed_at: float,
    ) -> None:
        self.publisher = publisher
        self.process = process
        self.running = running
        self.needed_at = needed_at


class _Films:
    """The films of slates: made in a thread, when they are first asked for."""

    def __init__(self, tasks: Supervisor) -> None:
        self._tasks = tasks
        self._made: dict[tuple[Geometry, Sign], Film] = {}
        """The oldest first."""
        self._is_making = False

    def __call__(self, geometry: Geometry, sign: Sign) -> Film | None:
        made = self._made.get((geometry, sign))
        if made is None and not self._is_making:
            # One at a time: a publisher may change its size with every picture.
            self._is_making = True
            self._tasks.start("slate", self._make(geometry, sign))
        return made

    async def _make(self, geometry: Geometry, sign: Sign) -> None:
        try:
            self._made[geometry, sign] = await asyncio.to_thread(film, geometry, sign)
        finally:
            self._is_making = False
        if len(self._made) > FILMS:
            del self._made[next(iter(self._made))]
