"""Progress, lag and stalls of one connection, second by second."""

from server.media.codes import Code
from server.media.destinations.delivery import Delivery, DeliverySample, Finding

RATE = 300_000


class Connection:
    """Takes a sample each half second."""

    def __init__(self) -> None:
        self.at, self.offered, self.acked, self.dropped = 100.0, 50_000, 4_000, 0
        self.window = 60_000
        self.delivery = Delivery(self.sample(0))

    def sample(self, lag_ms: int) -> DeliverySample:
        allowed = self.acked + self.window
        return DeliverySample(self.at, self.offered, self.acked, allowed, lag_ms, self.dropped)

    def run(
        self,
        seconds: float,
        *,
        takes: float = 1.0,
        reads: float | None = None,
        rate: int = RATE,
        lag_ms: int = 0,
        drops: int = 0,
    ) -> Finding:
        for _ in range(round(seconds * 2)):
            self.at += 0.5
            self.offered += rate // 2
            taken = round(rate / 2 * takes)
            self.acked += taken
            # What is taken and not read waits in the peer's kernel, which has less room for more.
            unread = taken - round(rate / 2 * (takes if reads is None else reads))
            self.window = max(0, self.window - unread)
            self.dropped += drops
            found = self.delivery.add(self.sample(lag_ms))
        return found


def test_four_kibibytes_are_progress() -> None:
    connection = Connection()
    assert not connection.run(0.5, takes=0).has_progressed
    assert not connection.run(0.5, takes=4_096 / 150_000).has_progressed
    assert connection.run(0.5, takes=0.1).has_progressed


def test_a_peer_that_takes_nothing_for_eight_seconds_has_stalled() -> None:
    connection = Connection()
    connection.run(5)
    assert not connection.run(7.5, takes=0).has_stalled
    assert connection.run(0.5, takes=0).has_stalled
    assert connection.delivery.waited == 8


def test_a_peer_whose_kernel_takes_what_nobody_reads_has_stalled_as_soon() -> None:
    connection = Connection()
    connection.window = 200_000
    connection.run(5, rate=24_000)
    # What fits into the window lasts longer than that.
    assert not connection.run(7.5, rate=24_000, reads=0).has_stalled
    assert connection.run(0.5, rate=24_000, reads=0).has_stalled
    assert connection.window > 0


def test_a_peer_that_reads_half_of_it_has_not() -> None:
    connection = Connection()
    found = connection.run(30, takes=0.5)
    assert not found.has_stalled
    assert found.trouble is Code.STALL, "it is slow"


def test_a_window_that_is_told_in_large_steps_is_no_stall() -> None:
    connection = Connection()
    # Of what is too little to see in such steps, what was taken says enough.
    assert not connection.run(60, rate=4_000, reads=0).has_stalled


def test_acknowledgements_without_media_are_no_progress() -> None:
    connection = Connection()
    connection.run(5)
    assert connection.run(8, takes=4_000 / RATE / 8).has_stalled


def test_silence_is_no_stall_and_neither_is_what_follows_it() -> None:
    connection = Connection()
    connection.run(5)
    assert not connection.run(60, rate=0).has_stalled
    assert not connection.run(0.5, takes=0).has_stalled
    assert not connection.run(7, takes=0).has_stalled
    assert connection.run(1, takes=0).has_stalled


def test_a_still_picture_is_no_stall() -> None:
    connection = Connection()
    found = connection.run(60, rate=400)
    assert not found.has_stalled
    assert found.trouble is None


def test_lag_is_trouble_after_two_seconds() -> None:
    connection = Connection()
    connection.run(5)
    assert connection.run(2, lag_ms=1_200).trouble is None
    assert connection.run(0.5, lag_ms=1_200).trouble is Code.STALL
    assert connection.run(0.5, lag_ms=900).trouble is None
    assert connection.run(2, lag_ms=1_200).trouble is None


def test_a_drop_is_trouble_at_once() -> None:
    connection = Connection()
    assert connection.run(0.5, drops=3).trouble is Code.OVERFLOW


def test_less_than_nine_tenths_of_ten_seconds_is_trouble() -> None:
    connection = Connection()
    connection.run(20)
    assert connection.run(20, takes=0.92).trouble is None
    connection.run(20)
    assert connection.run(6, takes=0.85).trouble is None
    assert connection.run(5, takes=0.85).trouble is Code.STALL


def test_fifteen_seconds_without_trouble_are_clean() -> None:
    connection = Connection()
    connection.run(5)
    connection.run(0.5, drops=1)
    assert not connection.run(14.5).is_clean
    assert connection.run(0.5).is_clean
