"""The checker finds each planted fault, and nothing where there is none."""

from typing import get_args

import pytest

from load.checker import Checker
from load.ledger import FOR_STAFF, Ledger, made_at_ns
from load.report import Report
from protocol import codec
from protocol.events import AnyEvent
from protocol.frames import (
    Ack,
    EventsFrame,
    Heartbeat,
    Limits,
    LogEvent,
    Me,
    SnapshotFrame,
    Welcome,
)
from protocol.snapshot import Hand, State
from server.classroom import view

ANN = "00000000-0000-7000-8000-00000000000a"
BEN = "00000000-0000-7000-8000-00000000000b"
POST = "00000000-0000-7000-8000-00000000000c"
AT = "2026-11-22T09:00:00.100Z"
AT_MS = 1_795_338_000_100


class Watched:
    """One person's checker, fed as a server would."""

    def __init__(self, ledger=None, report=None, user=ANN, once=False):
        self.report = report or Report()
        self.user = user
        self.checker = Checker(
            "Ann",
            self.report,
            ledger or Ledger(made_at_ns),
            lambda: (AT_MS + 7) * 1_000_000,
            alone=True,
            once=once,
        )

    def welcome(self, head=0, recovery="snapshot", log="log"):
        me = Me(self.user, "Ann", "student", ())
        self.checker.frame(
            codec.encode(
                Welcome(
                    *("c", POST, log, 1, head, me, "student", recovery),
                    *(Heartbeat(25_000, 10_000), Limits(65_536, 10, 20, 32), AT, AT),
                )
            )
        )
        return self

    def snapshot(self, sequence):
        self.checker.frame(codec.encode(SnapshotFrame(sequence, State())))
        return self

    def events(self, first, last, *events):
        self.checker.frame(codec.encode(EventsFrame(first, last, events)))
        return self

    def ack(self, op, *sequence, key="k", duplicate=False):
        self.checker.answered(op, Ack(1, key, sequence or None, duplicate))
        return self


def joined(**kwargs):
    return Watched(**kwargs).welcome().snapshot(0)


def said(sequence, by=ANN, at=AT):
    data = b'{"message":"%s","name":"Ann","text":"Hi","to":"everyone"}' % POST.encode()
    return LogEvent(sequence, "chat.posted", 1, at, by, codec.msgspec.Raw(data))


def hand(sequence, by=ANN):
    data = b'{"user":"%s","name":"Ann"}' % by.encode()
    return LogEvent(sequence, "hand.raised", 1, AT, by, codec.msgspec.Raw(data))


def test_a_faultless_class_has_no_violation():
    it = joined().events(1, 1, said(1)).ack("chat.post", 1, 1)
    it.ack("hand.raise", 3, 3, key="k2").events(2, 3, hand(3))  # 2 is hidden from this view
    it.welcome(head=3, recovery="live")
    it.checker.settle(3, unanswered=0)
    it.checker.compare(State(), State(), 3)
    assert it.report.violations == 0
    assert it.report.counts["events applied"] == 2
    assert it.report.deliveries.percentile(50) == pytest.approx(7, rel=0.01)


def test_a_gap_is_found():
    assert joined().events(2, 2, said(2, BEN)).report.kept == [
        "Ann: a gap: 2…2 came after 0",
    ]


def test_a_range_that_begins_early_is_no_gap_and_its_events_count_once():
    it = joined().events(1, 2, said(1, BEN), said(2, BEN))
    it.events(1, 3, said(1, BEN), said(2, BEN), said(3, BEN))
    assert it.report.violations == 0
    assert it.report.counts["events applied"] == 3
    assert it.report.counts["events repeated"] == 2


def test_where_each_event_must_come_once_a_repetition_is_found():
    it = joined(once=True).events(1, 2, said(1, BEN), said(2, BEN)).events(2, 2, said(2, BEN))
    assert joined().events(1, 2).events(2, 2).report.violations == 0
    assert it.report.kinds == {"duplicated": 1}


def test_what_was_overtaken_is_told_from_what_was_lost():
    late = joined(once=True).events(2, 2, said(2, BEN)).events(1, 1, said(1, BEN))
    late.events(1, 2, said(1, BEN), said(2, BEN))  # the answer to the client's question
    assert late.report.kinds == {"gap": 1, "reordered": 1}
    lost = joined(once=True).events(2, 2, said(2, BEN)).events(1, 2, said(1, BEN), said(2, BEN))
    assert lost.report.kinds == {"gap": 1, "lost": 1}
    again = joined(once=True).events(2, 2, said(2, BEN)).events(1, 1, said(1, BEN))
    again.events(2, 2, said(2, BEN)).events(3, 3)  # the answer in two parts
    assert again.report.kinds == {"gap": 1, "lost": 1}
    gone = joined(once=True).events(2, 2, said(2, BEN)).snapshot(3)
    assert gone.report.kinds == {"gap": 1, "lost": 1}


def test_after_a_gap_the_answer_may_begin_early_and_nothing_else():
    it = joined(once=True).events(1, 2).events(4, 4).events(1, 4).events(5, 5)
    assert it.report.kinds == {"gap": 1, "lost": 1}
    assert it.events(5, 6).report.kinds["duplicated"] == 1


def test_the_first_range_of_a_connection_may_begin_early():
    it = joined(once=True).events(1, 2).welcome(head=2, recovery="live").events(2, 3)
    assert it.report.violations == 0
    assert it.events(3, 4).report.kinds == {"duplicated": 1}


def test_a_gap_that_nothing_fills_is_a_loss_at_the_end():
    it = joined().events(2, 2)
    it.checker.settle(0, unanswered=0)
    assert it.report.kinds == {"gap": 1, "lost": 1}


def test_a_range_that_lacks_what_others_were_told_is_found():
    ledger, report = Ledger(made_at_ns), Report()
    joined(ledger=ledger, report=report).events(1, 2, said(1, BEN), said(2, BEN))
    joined(ledger=ledger, report=report).events(1, 2, said(2, BEN))
    assert report.kinds == {"lost": 1}


def test_what_is_for_staff_is_found_where_students_are_told_it():
    vote = b'{"poll":"%s","choices":[1],"anonymous":false}' % POST.encode()
    poll = (
        b'{"poll":"%s","prompt":"?","options":["a","b"],"multiple":false,"anonymous":false,'
        b'"results":"live","correct":[1]}' % POST.encode()
    )
    private = said(3, BEN)
    private = LogEvent(
        *(3, "chat.posted", 1, AT, BEN),
        codec.msgspec.Raw(bytes(private.data).replace(b"everyone", b"staff")),
    )
    it = joined()
    it.events(1, 1, LogEvent(1, "poll.voted", 1, AT, BEN, codec.msgspec.Raw(vote)))
    it.events(2, 2, LogEvent(2, "poll.opened", 1, AT, BEN, codec.msgspec.Raw(poll)))
    it.events(3, 3, private)
    assert it.report.kinds == {"leak": 3}


def test_what_is_for_staff_is_what_the_server_means_to_hide():
    hidden = {kind.type for kind in get_args(AnyEvent) if kind in view._STAFF_ONLY}
    assert hidden == FOR_STAFF


def keyed(sequence, key, by=BEN):
    event = said(sequence, by)
    return LogEvent(sequence, event.type, 1, AT, by, event.data, key)


def test_an_event_of_another_class_of_the_run_is_found():
    ledger = Ledger(made_at_ns, mark="run.1.", marks="run.")
    it = joined(ledger=ledger)
    it.events(1, 3, keyed(1, "run.1.a"), keyed(2, "somebody else"), keyed(3, "run.2.a"))
    assert it.report.kept == ["Ann: chat.posted 3 belongs to another class"]


def test_a_command_of_somebody_else_that_was_done_twice_is_found():
    it = joined().events(1, 2, keyed(1, "a"), keyed(2, "b")).events(3, 3, keyed(3, "a"))
    assert it.report.kinds == {"duplicated": 1}


def test_the_same_bytes_are_judged_once_and_held_against_the_server_for_each():
    ledger, report = Ledger(made_at_ns), Report()
    people = [joined(ledger=ledger, report=report) for _ in range(3)]
    for person in people:
        person.events(1, 1, keyed(5, "a"))
    assert report.kinds == {"reordered": 3}


@pytest.mark.parametrize("order", [(2, 1), (1, 1), (1, 4)])
def test_events_out_of_order_or_outside_their_range_are_found(order):
    assert joined().events(1, 3, *(said(number, BEN) for number in order)).report.violations > 0


def test_another_event_in_the_place_of_one_that_others_saw_is_found():
    ledger, report = Ledger(made_at_ns), Report()
    joined(ledger=ledger, report=report).events(1, 1, said(1, BEN))
    joined(ledger=ledger, report=report).events(1, 1, hand(1, BEN))
    assert report.kept == ["Ann: another event at 1 than others have seen"]


def test_a_command_that_was_made_into_two_events_is_found():
    it = joined().events(1, 2, said(1), said(2)).ack("chat.post", 1, 1)
    it.checker.settle(2, unanswered=0)
    assert it.report.kept == ["Ann: chat.posted 2 is mine, and no command of mine made it"]


def test_an_event_whose_ack_is_still_due_is_not_held_against_the_server():
    it = joined().events(1, 1, said(1))
    it.checker.settle(1, unanswered=1)
    assert it.report.violations == 0


def test_an_acked_event_that_never_comes_is_found():
    it = joined().ack("chat.post", 1, 1)
    assert it.report.violations == 0
    it.checker.settle(0, unanswered=0)
    assert "was acked" in it.report.kept[0]


def test_an_acked_event_that_its_range_leaves_out_is_found():
    it = joined().ack("chat.post", 1, 1).events(1, 2, said(2, BEN))
    assert it.report.kept == ["Ann: chat.post was acked as 1, which came without it"]


def test_an_acked_event_inside_a_snapshot_has_come():
    it = joined().ack("chat.post", 1, 1).welcome(head=5).snapshot(5)
    it.checker.settle(5, unanswered=0)
    assert it.report.violations == 0


def test_an_ack_that_names_an_event_of_another_kind_is_found():
    assert joined().events(1, 1, hand(1)).ack("chat.post", 1, 1).report.violations == 1


def test_two_answers_to_one_key_must_agree():
    it = joined().ack("poll.vote", 1, 1).ack("poll.vote", 1, 1, duplicate=True)
    assert it.report.violations == 0
    assert it.ack("poll.vote", 2, 2).report.violations == 1


def test_two_keys_never_share_an_event():
    it = joined().ack("poll.vote", 1, 1).ack("poll.vote", 1, 1, key="other")
    assert it.report.kept == ["Ann: two keys were acked with 1"]


def test_a_snapshot_older_than_what_was_seen_is_found():
    it = joined().events(1, 5).welcome(head=5).snapshot(4)
    assert it.report.kept == ["Ann: a snapshot of 4 after 5"]


def test_a_log_that_lost_its_end_is_found():
    assert joined().events(1, 5).welcome(head=4, recovery="live").report.violations == 1


def test_another_log_starts_from_the_beginning():
    assert joined().events(1, 5).welcome(head=2, log="restored").snapshot(2).report.violations == 0


def test_a_recovery_without_a_snapshot_needs_something_to_recover():
    assert Watched().welcome(head=3, recovery="live").report.violations == 1


def test_a_state_that_differs_names_its_parts():
    it = joined()
    it.checker.compare(State(), State(status="live", hands=[Hand(ANN, "Ann", AT)]), 9)
    assert it.report.kept == ["Ann: the folded state at 9 differs in status, hands"]


@pytest.mark.parametrize("data", [b"{", b'{"type":"nonsense"}', b"[]"])
def test_what_is_no_frame_is_found(data):
    it = joined()
    it.checker.frame(data)
    assert it.report.violations == 1


def test_an_event_without_its_data_is_found():
    bad = LogEvent(1, "chat.posted", 1, AT, BEN, codec.msgspec.Raw(b"{}"))
    assert joined().events(1, 1, bad).report.violations == 1
