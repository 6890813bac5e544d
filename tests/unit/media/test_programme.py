"""What goes onto the bus: publishers that come, stall, vanish and replace each other.

The clock is a number. Pictures are marked with who sent them; slate and AAC are real.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from protocol.features.publisher import DEFECTS
from server.media import h264
from server.media.bus import Bus
from server.media.fabric import EventData
from server.media.ingest.assembler import AccessUnit, AudioPacket
from server.media.ingest.audio import AacTranscoder
from server.media.ingest.contributor import Contributor
from server.media.ingest.defects import Defect
from server.media.ingest.geometry import Geometry
from server.media.ingest.life import HOLD_SECONDS, Phase
from server.media.ingest.programme import Programme
from server.media.ingest.slate import STANDARD, Sign, film
from server.media.unit import EncodedUnit, Kind
from server.media.unit_queue import QueueLimits
from tests.unit.media.test_audio import opus_packets

EVERYTHING = QueueLimits(lag_ms=None, overflow_ms=None, overflow_bytes=1 << 40)
SMALL, LARGE = (640, 360), (1280, 720)
OPUS = opus_packets(1)[0]
ANN, BOB = "ann", "bob"


class TickingClock:
    """A clock that is only a number."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now_ms(self) -> int:
        return round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class Aac:
    """Sound, encoded where it is called: no thread."""

    def __init__(self, programme: Programme) -> None:
        self._transcoder = AacTranscoder()
        self._programme = programme

    def put(self, opus: bytes, at: int) -> None:
        self._give(self._transcoder.feed(opus, at))

    def fill(self, until: int) -> None:
        self._give(self._transcoder.fill(until))

    def _give(self, frames: list[tuple[int, bytes]]) -> None:
        for at, frame in frames:
            self._programme.encoded(at, frame)


class Deaf:
    """Takes sound and makes nothing of it."""

    def put(self, opus: bytes, at: int) -> None:
        pass

    def fill(self, until: int) -> None:
        pass


@dataclass(eq=False)
class Studio:
    """A publisher's connection, as the programme knows it, and a browser at its other end."""

    user: str = ANN
    geometry: Geometry = SMALL
    has_picture: bool = True
    has_sound: bool = True
    codec: str = "H264"
    key_every: float | None = None
    """Without: a keyframe when asked for, and only then."""
    mute: bool = False
    blind: bool = False
    """No picture comes, though its sound does."""
    last_rtp: float | None = None
    origins: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    wants_key: bool = True
    frames: int = 0
    drift: float = 1.0

    def settled(self) -> bool:
        return True

    def restart(self, origin: float) -> None:
        self.origins.append(origin)


class Control:
    """A control room: a programme, its bus, and hundredths of a second that pass."""

    def __init__(self, *, consumed: bool = True, encodes: bool = False) -> None:
        """``encodes``: AAC is made, which takes most of a test's time."""
        self.clock = TickingClock()
        self.bus = Bus()
        self.told: list[tuple[str, EventData]] = []
        self.relieved: list[Contributor] = []
        self.programme = Programme(
            bus=self.bus,
            clock=self.clock,
            emit=lambda kind, data: self.told.append((kind.removeprefix("publisher."), data)),
            films=film,
            ask=self._ask,
            relieve=self.relieved.append,
        )
        self.bus.want_keyframe = self.programme.want_keyframe
        self.programme.consumed = consumed
        self.aac = Aac(self.programme) if encodes else Deaf()
        self.subscription = self.bus.subscribe(frozenset(Kind), EVERYTHING, from_keyframe=False)
        self.studios: list[Studio] = []
        self.units: list[EncodedUnit] = []
        self._start = self.clock.seconds
        self._hundredths = 0

    def publish(self, studio: Studio) -> Studio:
        self.studios.append(studio)
        studio.origins.append(self.programme.timeline.origin)
        self.programme.arrive(studio)
        return studio

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self._hundredths += 1
            self.clock.seconds = self._start + self._hundredths / 100
            for studio in self.studios:
                self._send(studio)
            if self._hundredths % 10 == 0:
                self.programme.tick(self.clock.seconds, self.aac)
            while (unit := self.subscription.queue.pop()) is not None:
                self.units.append(unit)

    def leave(self, studio: Studio, reason: str = "ended") -> None:
        self.studios.remove(studio)
        self.programme.leave(studio, reason, self.studios[-1] if self.studios else None)

    @property
    def now(self) -> float:
        return self.clock.seconds

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]

    def pictures(self, since: float = 0.0) -> list[EncodedUnit]:
        after = self.programme.timeline.ms(since)
        return [u for u in self.units if u.kind is Kind.VIDEO and u.dts_ms >= after]

    def whose(self, since: float = 0.0) -> list[str]:
        """Whose pictures were shown, each turn once."""
        turns: list[str] = []
        for unit in self.pictures(since):
            data = next(h264.split_lengths(unit.data))
            who = data[1:].decode() if data[1:4] in (b"ann", b"bob") else "slate"
            turns += [who] if turns[-1:] != [who] else []
        return turns

    def check_times(self) -> None:
        """Times grow strictly, and there is no hole in the sound."""
        for kind in Kind:
            times = [unit.dts_ms for unit in self.units if unit.kind is kind]
            assert all(a < b for a, b in pairwise(times)), kind
        sound = [unit.dts_ms for unit in self.units if unit.kind is Kind.AUDIO]
        if isinstance(self.aac, Aac):
            assert max(b - a for a, b in pairwise(sound)) <= 100

    def _ask(self, who: Contributor) -> None:
        assert isinstance(who, Studio)
        who.asked.append(self.now)
        who.wants_key = who.key_every is None

    def _send(self, studio: Studio) -> None:
        if studio.mute:
            return
        elapsed = (self.now - studio.origins[-1]) * studio.drift
        if self._hundredths % 4 == 0 and studio.has_picture and not studio.blind:
            studio.last_rtp = self.now
            self._picture(studio, elapsed)
        if self._hundredths % 2 == 0 and studio.has_sound:
            studio.last_rtp = self.now
            packet = AudioPacket(0, OPUS)
            self.programme.sound(studio, packet, round(elapsed * 48_000), self.aac)

    def _picture(self, studio: Studio, elapsed: float) -> None:
        key = studio.wants_key
        if studio.key_every is not None:
            key = studio.frames % round(studio.key_every * 25) == 0
        studio.frames += 1
        studio.wants_key = False
        head = bytes([0x65 if key else 0x41])
        parameters = h264.VideoParameters(b"sps", b"pps", *studio.geometry)
        unit = AccessUnit(0, (head + studio.user.encode(),), key, parameters)
        self.programme.picture(studio, unit, round(elapsed * 1000))


def test_a_publisher_is_seen_at_once_and_ready_after_two_seconds() -> None:
    control = Control()
    control.publish(Studio())
    control.run(1.9)
    assert control.told == [
        ("connected", {"user": ANN, "width": 640, "height": 360, "codec": "H264"})
    ]
    assert len(control.pictures()) > 40
    assert not control.bus.ready.is_set()
    control.run(0.3)
    assert control.bus.ready.is_set()
    control.check_times()


def test_platforms_wait_while_the_size_changes_but_not_for_ever() -> None:
    control = Control()
    studio = control.publish(Studio(key_every=0.2))
    for number in range(7):
        studio.geometry = (LARGE, SMALL)[number % 2]
        control.run(1)
        assert not control.bus.ready.is_set()
    control.run(1.2)
    assert control.bus.ready.is_set()


def test_silence_is_told_then_covered_by_the_slate_within_two_and_a_half_seconds() -> None:
    control = Control(encodes=True)
    studio = control.publish(Studio())
    control.run(5)
    studio.mute = True
    silent = control.now
    control.run(0.9)
    assert control.told[-1] == ("warning", {"code": "stalled"})
    control.run(1.6)
    assert control.told[-1] == ("lost", {"user": ANN, "reason": "silence"})
    slate = control.pictures(silent)[1]
    assert control.whose(silent + 0.1) == ["slate"]
    assert slate.dts_ms <= control.programme.timeline.ms(silent) + 2_500
    assert control.bus.on_slate
    assert control.bus.ready.is_set()
    control.run(10)
    assert control.bus.ready.is_set()
    pictures = control.pictures(silent + 2.2)
    assert {b.dts_ms - a.dts_ms for a, b in pairwise(pictures)} == {200}
    assert {unit.parameters.geometry for unit in pictures} == {SMALL}
    keys = [unit.dts_ms for unit in pictures if unit.key]
    assert all(b - a == 2_000 for a, b in pairwise(keys))
    # Three, while there was still hope.
    assert len([at for at in studio.asked if silent < at < silent + 2]) == 3
    control.check_times()


def test_the_same_publisher_resumes_with_its_first_keyframe() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(5)
    studio.mute = True
    control.run(20)
    studio.mute = False
    studio.wants_key = True
    back = control.now
    control.run(0.3)
    assert control.told[-1] == ("resumed", {"user": ANN})
    assert control.whose(back - 1) == ["slate", ANN]
    assert not control.bus.on_slate
    control.run(3)
    control.check_times()
    assert control.names.count("lost") == 1


def test_a_publisher_that_reloads_its_page_resumes_at_once() -> None:
    control = Control(encodes=True)
    studio = control.publish(Studio())
    control.run(5)
    control.leave(studio)
    gone = control.now
    control.run(3)
    assert control.told[-1] == ("lost", {"user": ANN, "reason": "ended"})
    slate = next(u for u in control.pictures(gone) if u.key)
    assert slate.dts_ms - control.programme.timeline.ms(gone) < 200
    control.publish(Studio())
    back = control.now
    control.run(0.2)
    assert control.told[-1] == ("resumed", {"user": ANN})
    assert control.bus.ready.is_set()
    control.run(2)
    assert control.whose(back - 1) == ["slate", ANN]
    control.check_times()


def test_another_size_resumes_when_it_has_been_steady_for_a_second() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(5)
    control.leave(studio)
    control.run(3)
    back = control.now
    studio = control.publish(Studio(geometry=LARGE))
    control.run(0.9)
    assert control.programme.phase is Phase.RESUMING
    assert control.whose(back) == ["slate"]
    control.run(0.5)
    assert control.whose(back) == ["slate", ANN]
    assert control.told[-2:] == [
        ("connected", {"user": ANN, "width": 1280, "height": 720, "codec": "H264"}),
        ("resumed", {"user": ANN}),
    ]
    # It was asked for the keyframe it needed, and not before.
    shown = next(u for u in control.pictures(back) if u.parameters.geometry == LARGE)
    assert shown.key
    assert control.bus.ready.is_set()
    control.check_times()


def test_a_replacement_leaves_no_gap_and_the_one_before_is_relieved() -> None:
    control = Control(encodes=True)
    old = control.publish(Studio())
    control.run(5)
    new = control.publish(Studio(user=BOB, geometry=LARGE))
    asked = control.now
    assert control.told[-1] == ("replaced", {"user": BOB})
    control.run(0.5)
    assert control.relieved == []
    control.run(2)
    assert control.relieved == [old]
    assert control.programme.on_air is new
    assert control.whose(asked) == [ANN, BOB]
    times = [unit.dts_ms for unit in control.pictures(asked)]
    assert max(b - a for a, b in pairwise(times)) <= 80
    assert control.names == ["connected", "replaced", "connected"]
    assert control.bus.ready.is_set()
    control.check_times()


def test_a_replaced_studio_that_leaves_by_itself_leaves_room_for_its_successor() -> None:
    control = Control()
    old = control.publish(Studio())
    control.run(5)
    control.publish(Studio())
    control.leave(old)
    since = control.now
    control.run(0.3)
    assert control.whose(since) == [ANN]
    assert "lost" not in control.names


def test_a_replacement_that_gives_up_leaves_everything_as_it_was() -> None:
    control = Control()
    old = control.publish(Studio())
    control.run(5)
    new = control.publish(Studio(user=BOB, mute=True))
    control.run(3)
    since = control.now
    control.leave(new, "closed")
    control.run(10)
    assert control.whose(since) == [ANN]
    # It is asked for keyframes again.
    assert len([at for at in old.asked if at > since]) >= 4
    old.mute = True
    control.run(3)
    old.mute, old.wants_key = False, True
    control.run(0.3)
    assert control.told[-1] == ("resumed", {"user": ANN})


def test_a_replacement_that_sends_nothing_ends_in_the_slate() -> None:
    control = Control()
    old = control.publish(Studio())
    control.run(5)
    control.publish(Studio(user=BOB, mute=True))
    control.leave(old)
    control.run(2.3)
    assert control.told[-1] == ("lost", {"user": ANN, "reason": "silence"})
    assert control.bus.on_slate


def test_a_slate_that_nobody_ends_does() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(3)
    control.leave(studio)
    control.run(1)
    control._start += HOLD_SECONDS
    control.run(0.3)
    assert control.programme.phase is Phase.WAITING
    assert not control.bus.ready.is_set()
    assert not control.bus.on_slate
    shown = len(control.pictures())
    control.run(3)
    assert len(control.pictures()) == shown
    control.publish(Studio())
    control.run(1.9)
    assert not control.bus.ready.is_set()
    control.run(0.4)
    assert control.bus.ready.is_set()


def test_who_comes_back_when_the_slate_was_given_up_is_announced_anew() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(3)
    control.leave(studio)
    control.run(1)
    control._start += HOLD_SECONDS
    control.run(0.3)
    control.publish(Studio())
    control.run(3)
    assert [name for name, _ in control.told] == ["connected", "lost", "connected"]


def test_sound_alone_has_a_picture_of_ours() -> None:
    control = Control(encodes=True)
    control.publish(Studio(has_picture=False))
    control.run(0.1)
    width, height = STANDARD
    assert control.told == [
        ("connected", {"user": ANN, "width": width, "height": height, "codec": "opus"})
    ]
    control.run(4.9)
    assert control.bus.ready.is_set()
    assert not control.bus.on_slate
    assert control.pictures()[0].data == film(STANDARD, Sign.SOUND).pictures[0]
    assert 23 <= len(control.pictures()) <= 26
    assert len([u for u in control.units if u.kind is Kind.OPUS]) > 240
    control.check_times()


def test_a_picture_alone_has_silence() -> None:
    control = Control(encodes=True)
    control.publish(Studio(has_sound=False))
    control.run(6)
    sound = [unit.dts_ms for unit in control.units if unit.kind is Kind.AUDIO]
    assert sound[-1] - sound[0] > 4_900
    control.check_times()


def test_sound_of_whom_no_picture_comes_goes_out_after_five_seconds() -> None:
    control = Control()
    studio = control.publish(Studio(blind=True))
    control.run(4.9)
    assert control.names == []
    control.run(0.3)
    assert control.names == ["connected"]
    studio.blind = False
    studio.wants_key = True
    control.run(2)
    assert control.whose() == ["slate", ANN]
    assert control.told[-1][1]["codec"] == "H264"
    control.check_times()


def test_a_picture_that_stops_while_the_sound_goes_on_gives_way_to_a_sign() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(4)
    studio.blind = True
    blind = control.now
    control.run(5.4)
    assert control.told[-1] == ("warning", {"code": "picture"})
    assert control.whose(blind + 0.1) == ["slate"]
    assert not control.bus.on_slate
    studio.blind = False
    studio.wants_key = True
    control.run(0.2)
    assert control.whose(blind) == [ANN, "slate", ANN]
    assert "lost" not in control.names


def test_a_publisher_that_ignores_requests_is_told_of() -> None:
    control = Control()
    studio = control.publish(Studio(key_every=10))
    control.run(9)
    assert [data for name, data in control.told if name == "warning"] == [{"code": "gop"}]
    assert studio.asked
    # Another publisher is judged afresh.
    control.publish(Studio(key_every=10))
    control.run(9)
    assert [data["code"] for name, data in control.told if name == "warning"] == ["gop", "gop"]


def test_viewers_alone_need_no_cadence() -> None:
    control = Control(consumed=False)
    studio = control.publish(Studio())
    control.run(20)
    assert studio.asked == []
    control.bus.want_keyframe()
    control.run(0.2)
    assert len(studio.asked) == 1


def test_a_wish_for_a_keyframe_is_granted_by_the_slate_too() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(3)
    control.leave(studio)
    control.run(1)
    control.bus.want_keyframe()
    since = control.now
    control.run(0.3)
    assert any(unit.key for unit in control.pictures(since))


def test_a_forced_change_of_size_is_one_change_on_the_bus() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(5)
    for geometry in (LARGE, SMALL):
        studio.geometry = geometry
        studio.wants_key = True
        control.run(4)
    told = [unit.parameters.geometry for unit in control.pictures()]
    assert [b for a, b in pairwise(told) if a != b] == [LARGE, SMALL]
    assert control.names == ["connected"] * 3


def test_who_comes_after_an_hour_of_drift_continues_where_the_other_was() -> None:
    control = Control()
    old = control.publish(Studio(drift=1.0))
    control.run(1)
    # As if its clock had run 900 ms ahead meanwhile.
    control.programme.timeline.origin -= 0.9
    old.origins.append(old.origins[-1] - 0.9)
    control.run(1)
    control.leave(old)
    control.run(3)
    control.publish(Studio())
    control.run(3)
    control.check_times()
    times = [unit.dts_ms for unit in control.pictures()]
    assert max(b - a for a, b in pairwise(times[60:])) <= 240


def test_the_line_follows_a_picture_that_has_no_sound() -> None:
    control = Control()
    studio = control.publish(Studio(has_sound=False, drift=1.01))
    control.run(30)
    control.leave(studio)
    gone = control.now
    control.run(1)
    # 300 ms ahead of our clock, and no 300 ms of standing still: one picture makes up for it.
    steps = [b.dts_ms - a.dts_ms for a, b in pairwise(control.pictures()[-10:])]
    assert control.programme.timeline.ms(gone) - (gone - 1_000.0) * 1000 > 200
    assert sorted(steps)[1] > 30
    control.check_times()


def test_who_comes_back_in_another_size_is_judged_anew() -> None:
    control = Control()
    studio = control.publish(Studio())
    control.run(5)
    studio.mute = True
    control.run(5)
    studio.mute, studio.geometry, studio.wants_key = False, LARGE, True
    back = control.now
    control.run(0.9)
    assert control.whose(back) == ["slate"]
    control.run(0.5)
    assert control.whose(back) == ["slate", ANN]


def test_every_defect_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs/publishing.md").read_text()
    assert {*DEFECTS} == {*Defect}
    for defect in Defect:
        assert f"| `{defect.value}` |" in text


def test_an_end_is_told_and_followed_by_nothing() -> None:
    control = Control()
    control.publish(Studio())
    control.run(3)
    control.studios.clear()
    control.programme.end()
    shown = len(control.units)
    assert control.told[-1] == ("lost", {"user": ANN, "reason": "ended"})
    assert not control.bus.ready.is_set()
    control.run(3)
    assert len(control.units) == shown


def test_pictures_that_nobody_needs_are_announced_all_the_same() -> None:
    control = Control(consumed=False)
    studio = Studio(codec="VP8", has_picture=True)
    control.programme.arrive(studio)
    studio.last_rtp = control.now
    control.programme.notice(studio, SMALL)
    assert control.told == [
        ("connected", {"user": ANN, "width": 640, "height": 360, "codec": "VP8"})
    ]
    assert control.programme.on_air is studio
