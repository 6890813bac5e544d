"""What a programme puts on the bus: one line of pictures and one of sound, each later than before.

What no contributor sends is made here: the slate's pictures while a sign is up, and silence.
"""

from server.media import aac, h264
from server.media.bus import Bus
from server.media.ingest.assembler import AudioPacket
from server.media.ingest.contributor import Sound
from server.media.ingest.geometry import READY_SECONDS, Geometry, GeometryGate
from server.media.ingest.slate import STANDARD, Films, Reel, Sign
from server.media.ingest.timeline import Timeline
from server.media.unit import EncodedUnit, Kind

SOUND_LATE_MS = 500
"""Sound may come later than its picture; when it comes this much later, silence takes its place."""
SOUND_BEHIND_MS = 200
OPUS_MS = 20


class Output:
    """Publish on ``bus`` in the order of ``timeline``."""

    def __init__(self, bus: Bus, timeline: Timeline, films: Films) -> None:
        self.sign: Sign | None = None
        """What the slate says, while it is shown instead of a contributor's picture."""
        self._bus = bus
        self._timeline = timeline
        self._films = films
        self._reel: Reel | None = None
        self._steady = GeometryGate(READY_SECONDS)
        self._last_video_ms = -1
        self._last_audio_ms = -1
        self._last_opus_ms = -1
        self._sound_until_ms: int | None = None

    @property
    def geometry(self) -> Geometry:
        """The size that everybody has been told."""
        return STANDARD if self._bus.parameters is None else self._bus.parameters.geometry

    def put_up(self, sign: Sign | None) -> None:
        """Show the slate with ``sign`` from the next :meth:`roll` on; None: take it off."""
        self.sign = sign
        self._reel = None

    def is_steady(self, now: float) -> bool:
        """Say whether the picture's size may be relied on."""
        return self._steady.is_open(now)

    def begin_anew(self) -> None:
        """Send nobody anything before the picture's size is steady again."""
        self._bus.ready.clear()
        self._steady = GeometryGate(READY_SECONDS)

    def want_keyframe(self) -> bool:
        """Have one soon if the pictures are those of the slate; say whether they are."""
        if self._reel is None:
            return False
        self._reel.want_key()
        return True

    def show(
        self,
        ms: int,
        key: bool,
        data: bytes,
        parameters: h264.VideoParameters,
        now: float,
        read_at: float | None = None,
    ) -> None:
        """Publish a picture, later than the one before."""
        ms = self._last_video_ms = max(ms, self._last_video_ms + 1)
        if key:
            self._steady.key(parameters.geometry, now)
            # To be at hand when it is needed.
            self._films(parameters.geometry, Sign.PAUSE)
        self._bus.publish(EncodedUnit(Kind.VIDEO, ms, key, data, parameters, read_at))

    def hear(self, packet: AudioPacket, ms: int) -> None:
        """Publish a packet of sound, unless what came before covers it."""
        self._sound_until_ms = ms + OPUS_MS
        if ms > self._last_opus_ms:
            # What one contributor's sound and the next one's have in common is heard once.
            self._last_opus_ms = ms
            self._bus.publish(EncodedUnit(Kind.OPUS, ms, False, packet.data))

    def encoded(self, sample: int, frame: bytes) -> None:
        """Publish an AAC frame, of sound or of silence, later than the one before."""
        ms = self._last_audio_ms = max(round(sample / aac.PER_MS), self._last_audio_ms + 1)
        self._bus.publish(EncodedUnit(Kind.AUDIO, ms, False, frame))

    def roll(self, now: float) -> None:
        """Show what is due of the slate."""
        if self.sign is None:
            return
        now_ms = self._timeline.ms(now)
        if self._reel is None:
            film = self._films(self.geometry, self.sign)
            if film is None:
                return
            self._reel = Reel(film, max(int(now_ms), self._last_video_ms + 1))
        for ms, key, data in self._reel.due(now_ms):
            self.show(ms, key, data, self._reel.film.parameters, now)

    def fill(self, now: float, out: Sound) -> None:
        """Be silent where no sound comes."""
        now_ms = int(self._timeline.ms(now))
        if self._sound_until_ms is None or now_ms - self._sound_until_ms > SOUND_LATE_MS:
            self._sound_until_ms = now_ms - SOUND_BEHIND_MS
            out.fill(self._sound_until_ms * aac.PER_MS)
