"""The programme: what a session puts on its bus, whoever publishes, and when nobody does.

::

    contributors ──▶ is it on air? ──▶ Output: one time line ──▶ Bus
                             slate ──────▲    ▲────── silence

A contributor is a publisher's connection. The newest one goes on air with its first keyframe that
will do; until then the one before stays, so that a replacement leaves no gap. Everything here
happens on the event loop and waits for nothing: what time alone brings about, :meth:`tick` does.
"""

from collections.abc import Callable

from server.clock import Clock
from server.media import aac, h264
from server.media.bus import Bus
from server.media.fabric import Emit
from server.media.ingest import life
from server.media.ingest.assembler import AccessUnit, AudioPacket
from server.media.ingest.contributor import Contributor, Sound
from server.media.ingest.defects import Defect
from server.media.ingest.geometry import RESUME_SECONDS, Geometry, GeometryGate
from server.media.ingest.keyframes import Keyframes
from server.media.ingest.life import Action, Life, Phase, Signal
from server.media.ingest.output import Output
from server.media.ingest.slate import Films, Sign
from server.media.ingest.timeline import Timeline

# Who is heard for so long without being seen is not going to be.
PICTURE_MISSED_SECONDS = 2.0
PICTURE_LOST_SECONDS = 5.0
STALL_TOLD_SECONDS = 10.0


class Programme:
    """Decide what is on air, and put it on the bus."""

    def __init__(
        self,
        *,
        bus: Bus,
        clock: Clock,
        emit: Emit,
        films: Films,
        ask: Callable[[Contributor], None],
        relieve: Callable[[Contributor], None],
    ) -> None:
        """``ask`` sends for a keyframe; ``relieve`` ends who is not needed any more."""
        self.newest: Contributor | None = None
        self.on_air: Contributor | None = None
        """Whose sound goes out, and whose picture unless the slate stands in for it."""
        self.consumed = False
        """Whether anything but viewers consumes: that needs keyframes at even intervals."""
        self.timeline = Timeline(clock.monotonic())
        self.keyframes = Keyframes()
        """Of the newest."""
        self._bus = bus
        self._clock = clock
        self._emit = emit
        self._out = Output(bus, self.timeline, films)
        self._ask_for_key = ask
        self._relieve = relieve
        self._life = Life()
        self._entry = GeometryGate(RESUME_SECONDS)
        """Of the newest while it is not shown."""
        self._user = ""
        self._announced: tuple[str, Geometry, str] | None = None
        """User, geometry and codec that the log knows of."""
        self._seen_at = 0.0
        self._heard_since: float | None = None
        """When the newest, not on air yet, was first heard."""
        self._told_stall_at: float | None = None

    @property
    def phase(self) -> Phase:
        """What is on air."""
        return self._life.phase

    def arrive(self, who: Contributor) -> None:
        """Take note of the newest contributor: from now on, nobody else gets on air."""
        if self.on_air is not None and self._announced is not None:
            self._emit("publisher.replaced", {"user": who.user})
        self.newest = who
        self._expect()

    def leave(self, who: Contributor, reason: str, instead: Contributor | None = None) -> None:
        """Take note that a contributor's connection has ended, or will.

        ``instead`` is who is there still, and the newest again if the newest left.
        """
        if who is self.newest:
            self.newest = instead
            self._expect()
        if self.newest is None:
            self._signal(Signal.GONE, self._clock.monotonic(), reason)
        # If somebody is about to take over, two seconds are left for that.

    def end(self) -> None:
        """Say that nothing is on air any more; no slate follows."""
        if self.on_air is not None:
            self._emit("publisher.lost", {"user": self._user, "reason": "ended"})
        self.newest = self.on_air = None
        self._life = Life()
        self._take_off_slate()
        self._bus.ready.clear()

    def picture(
        self, who: Contributor, unit: AccessUnit, ms: int, read_at: float | None = None
    ) -> None:
        """Take a picture and its time by the contributor's clock."""
        now = self._clock.monotonic()
        geometry = unit.parameters.geometry
        if unit.key:
            self._note_key(who, geometry, now)
        if not self._is_shown(who):
            if not (unit.key and self._may_enter(who, geometry, now)):
                return
            self._take(who, geometry, None, now)
        elif unit.key:
            self._announce(who, geometry, who.codec)
        self._seen_at = now
        self.timeline.follow(ms, now)
        self._out.show(ms, unit.key, h264.join_lengths(unit.nals), unit.parameters, now, read_at)

    def notice(self, who: Contributor, geometry: Geometry | None) -> None:
        """Take note of a picture that nobody needs; of a keyframe with its geometry."""
        now = self._clock.monotonic()
        if geometry is not None:
            self._note_key(who, geometry, now)
            if not self._is_shown(who) and self._may_enter(who, geometry, now):
                self._take(who, geometry, None, now)
        if who is self.on_air:
            self._seen_at = now

    def sound(self, who: Contributor, packet: AudioPacket, sample: int, out: Sound) -> None:
        """Take a packet of sound and its position by the contributor's clock."""
        now = self._clock.monotonic()
        if who is not self.on_air:
            if not self._is_only_heard(who, now):
                return
            self._take(who, self._out.geometry, Sign.SOUND, now)
        ms = round(sample / aac.PER_MS)
        self.timeline.follow(ms, now)
        self._out.hear(packet, ms)
        out.put(packet.data, sample)

    def encoded(self, sample: int, frame: bytes) -> None:
        """Take an AAC frame, of sound or of silence."""
        self._out.encoded(sample, frame)

    def warn(self, defect: Defect) -> None:
        """Tell staff of a defect."""
        self._emit("publisher.warning", {"code": defect.value})

    def want_keyframe(self) -> None:
        """Have a keyframe soon, however many ask at once."""
        if not self._out.want_keyframe():
            self.keyframes.want()
            self._ask(self._clock.monotonic())

    def tick(self, now: float, out: Sound) -> None:
        """Do what is due; ten times a second."""
        heard = self.on_air if self.on_air is not None else self.newest
        while signal := life.due(self._life, now, heard.last_rtp if heard else None):
            self._signal(signal, now, "silence")
            heard = self.on_air if self.on_air is not None else self.newest
        self._miss_picture(now)
        self._ask(now)
        self._out.roll(now)
        if self.phase is not Phase.WAITING:
            self._out.fill(now, out)
        on_air = self.on_air
        if on_air is not None and on_air.settled() and self._out.is_steady(now):
            self._bus.ready.set()

    # Who is on air.

    def _is_shown(self, who: Contributor) -> bool:
        return who is self.on_air and self._out.sign is None

    def _may_enter(self, who: Contributor, geometry: Geometry, now: float) -> bool:
        """Say whether the picture of ``who`` goes on air with this keyframe."""
        if who is not self.newest:
            return False
        is_as_before = who.user == self._user and geometry == self._out.geometry
        return self.phase is Phase.WAITING or is_as_before or self._entry.is_open(now)

    def _is_only_heard(self, who: Contributor, now: float) -> bool:
        """Say whether ``who`` goes on air without a picture."""
        if who is not self.newest or self._entry.geometry is not None:
            return False
        if self._heard_since is None:
            self._heard_since = now
        return not who.has_picture or now - self._heard_since >= PICTURE_LOST_SECONDS

    def _take(self, who: Contributor, geometry: Geometry, sign: Sign | None, now: float) -> None:
        """Put ``who`` on air, with its own picture or with a sign."""
        relieved, self.on_air = self.on_air, who
        is_back = self._life.on_slate and who.user == self._user
        self._user = who.user
        self._seen_at = now
        self._bus.on_slate = False
        self._out.put_up(sign)
        self._signal(Signal.TAKEN, now)
        self._announce(who, geometry, who.codec if sign is None else "opus")
        if is_back:
            self._emit("publisher.resumed", {"user": who.user})
        if relieved is not None and relieved is not who:
            self._relieve(relieved)

    def _announce(self, who: Contributor, geometry: Geometry, codec: str) -> None:
        """Tell, if that is news, who is on air and how."""
        announcement = (who.user, geometry, codec)
        if announcement == self._announced:
            return
        self._announced = announcement
        width, height = geometry
        self._emit(
            "publisher.connected",
            {"user": who.user, "width": width, "height": height, "codec": codec},
        )

    def _expect(self) -> None:
        """Judge the newest anew: nothing is known of it, or nothing that still holds."""
        self.keyframes = Keyframes()
        self._entry = GeometryGate(RESUME_SECONDS)
        self._heard_since = None

    # What happens to who is on air.

    def _signal(self, signal: Signal, now: float, reason: str = "") -> None:
        self._life, action = life.step(self._life, signal, now)
        match action:
            case Action.WARN:
                self._tell_stall(now)
            case Action.LOSE:
                self._lose(now, reason)
            case Action.RESUME:
                self._bus.on_slate = False
            case Action.RELEASE:
                self._take_off_slate()
                # Who comes next begins, even if it is who was lost.
                self._announced = None
                self._out.begin_anew()
            case None:
                pass

    def _tell_stall(self, now: float) -> None:
        if self.on_air is not self.newest:
            # Its time is over anyway.
            return
        self.keyframes.insist()
        if self._told_stall_at is None or now - self._told_stall_at >= STALL_TOLD_SECONDS:
            self._told_stall_at = now
            self.warn(Defect.STALLED)

    def _lose(self, now: float, reason: str) -> None:
        lost, self.on_air = self.on_air, None
        self._emit("publisher.lost", {"user": self._user, "reason": reason})
        self._bus.on_slate = True
        self._out.put_up(Sign.PAUSE)
        if lost is not None and lost is self.newest:
            lost.restart(self.timeline.origin)
            self._expect()
        self._out.roll(now)

    def _miss_picture(self, now: float) -> None:
        """Put a sign in the place of a picture that does not come, though its sound does."""
        missed = now - self._seen_at
        is_shown = self.phase is Phase.STEADY and self._out.sign is None
        if is_shown and missed > PICTURE_LOST_SECONDS:
            self._out.put_up(Sign.SOUND)
            self._expect()
            self.warn(Defect.PICTURE)

    def _take_off_slate(self) -> None:
        self._bus.on_slate = False
        self._out.put_up(None)

    # Keyframes.

    def _note_key(self, who: Contributor, geometry: Geometry, now: float) -> None:
        if who is self.newest:
            self.keyframes.came(now)
            self._entry.key(geometry, now)

    def _ask(self, now: float) -> None:
        newest = self.newest
        if newest is None or not newest.has_picture or newest.last_rtp is None:
            return
        is_shown = self._is_shown(newest)
        if not is_shown and self._entry.is_open(now):
            # All it needs to go on air.
            self.keyframes.want()
        starving = self._bus.starving or now - self._seen_at > PICTURE_MISSED_SECONDS
        if self.keyframes.due(now, cadence=self.consumed, starving=starving):
            self._ask_for_key(newest)
        judged = self.consumed and is_shown and self.phase is Phase.STEADY
        if judged and self.keyframes.warns(now):
            self.warn(Defect.GOP)
