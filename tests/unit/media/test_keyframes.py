"""When a publisher is asked for a keyframe."""

from server.media.ingest.keyframes import Keyframes


class Asked:
    """Runs the policy ten times a second, with a publisher that answers or does not."""

    def __init__(self, *, cadence: bool = True, starving: bool = False) -> None:
        self.keyframes = Keyframes()
        self.cadence = cadence
        self.starving = starving
        self.at: list[float] = []
        self.warned: list[float] = []
        self.tenths = 0

    def run(self, seconds: float, *, answers: bool = False, every: float | None = None) -> None:
        """``every``: a keyframe comes by itself."""
        for _ in range(round(seconds * 10)):
            now = self.tenths / 10
            if every is not None and self.tenths % round(every * 10) == 0:
                self.keyframes.came(now)
            if self.keyframes.due(now, cadence=self.cadence, starving=self.starving):
                self.at.append(now)
                if answers:
                    self.keyframes.came(now + 0.05)
            if self.keyframes.warns(now):
                self.warned.append(now)
            self.tenths += 1


def test_keyframes_are_asked_for_every_two_seconds() -> None:
    asked = Asked()
    asked.run(10, answers=True)
    gaps = [b - a for a, b in zip(asked.at, asked.at[1:], strict=False)]
    assert asked.at[0] == 0
    assert all(2.0 <= gap <= 2.2 for gap in gaps)
    assert len(asked.at) == 5
    assert not asked.warned


def test_nobody_is_asked_who_sends_them_anyway() -> None:
    asked = Asked()
    asked.keyframes.came(0.0)
    asked.run(20, every=1.9)
    assert asked.at == []


def test_without_cadence_only_wishes_count() -> None:
    asked = Asked(cadence=False)
    asked.run(5)
    assert asked.at == []
    asked.keyframes.want()
    asked.run(5)
    assert asked.at == [5.0]


def test_wishes_are_gathered() -> None:
    asked = Asked(cadence=False)
    for _ in range(20):
        asked.keyframes.want()
        asked.run(0.1)
    assert len(asked.at) == 4
    assert all(b - a >= 0.5 for a, b in zip(asked.at, asked.at[1:], strict=False))


def test_a_keyframe_grants_every_wish() -> None:
    asked = Asked(cadence=False)
    asked.keyframes.want()
    asked.run(0.1)
    asked.keyframes.want()
    asked.keyframes.came(0.2)
    asked.run(3)
    assert asked.at == [0.0]


def test_insisting_is_asking_three_times_until_one_comes() -> None:
    asked = Asked(cadence=False)
    asked.keyframes.insist()
    asked.run(5)
    assert asked.at == [0.0, 0.5, 1.0]
    asked.keyframes.insist()
    asked.run(0.6, answers=True)
    assert asked.at[3:] == [5.0]


def test_who_starves_is_fed() -> None:
    asked = Asked(cadence=False, starving=True)
    asked.run(5, answers=True)
    assert asked.at == [0.0, 2.0, 4.0]


def test_what_is_not_answered_is_asked_again() -> None:
    asked = Asked()
    asked.run(2)
    assert asked.at == [0.0, 0.7, 1.4]


def test_a_publisher_that_does_not_listen_is_told_of_once() -> None:
    asked = Asked()
    asked.run(30, every=8.3)
    assert len(asked.warned) == 1
    assert 4.0 < asked.warned[0] < 4.5
    assert asked.keyframes.gop_seconds is not None
    assert abs(asked.keyframes.gop_seconds - 8.3) < 0.01


def test_a_long_group_of_pictures_that_nobody_asked_to_be_short_is_no_fault() -> None:
    asked = Asked(cadence=False)
    asked.run(30, every=10)
    assert asked.warned == []


def test_who_did_better_for_a_while_is_told_of_again() -> None:
    asked = Asked()
    asked.run(10, every=20)
    asked.run(2, every=20)
    assert len(asked.warned) == 1
    asked.run(8, every=2)
    asked.run(10, every=100)
    assert len(asked.warned) == 2
