"""The fuzzer's judge: each rule is broken once, and seen to be broken."""

import json

import pytest

from load.fuzz.due import ENDS, NOTHING, Due
from load.fuzz.judge import FENCE, MARK, Judge

ME, OTHER = "01900000-0000-7000-9000-000000000001", "01900000-0000-7000-9000-000000000002"
WELCOME = Due(is_hello=True)


def answer_to(number):
    return Due(ids=frozenset((number,)))


def welcome(view="student", recovery="snapshot"):
    return {
        "type": "welcome", "connection": "c", "session": ME, "log": "l", "epoch": 1, "head": 3,
        "me": {"user": ME, "name": "Ann", "role": "student", "grants": []}, "view": view,
        "recovery": recovery, "heartbeat": {"interval_ms": 1, "timeout_ms": 1},
        "limits": {"frame_bytes": 1, "commands_per_second": 1, "burst": 1, "in_flight": 1},
        "token_expires_at": "x", "now": "x",
    }  # fmt: skip


def ack(number):
    return {"type": "ack", "id": number, "key": "k", "sequence": [4, 4], "duplicate": False}


def nack(number, code, **more):
    return {
        "type": "nack", "id": number, "key": "k", "code": code, "message": "m",
        "retryable": False, "retry_ms": None, "field": None, "detail": None, **more,
    }  # fmt: skip


def events(first, last, *sequences, kind="hand.raised", **data):
    return {"type": "events", "from": first, "to": last, "events": [
        {"sequence": number, "type": kind, "version": 1, "at": "x", "by": None, "data": data}
        for number in sequences
    ]}  # fmt: skip


def bye(code, retry_ms=None):
    return {"type": "bye", "code": code, "reason": "r", "retry_ms": retry_ms}


class Heard:
    """A judge, and a short way to tell it things."""

    def __init__(self, *, resumed=3, view="student", explains=()):
        self.judge = Judge(ME, lambda code, _: code in explains, resumed=resumed)
        self.judge.sent(WELCOME)
        self.hear(welcome(view, "live"))

    def hear(self, *frames):
        for frame in frames:
            self.judge.text(json.dumps(frame).encode())
        return self

    @property
    def violations(self):
        return self.judge.violations


@pytest.fixture
def heard():
    return Heard()


def test_answers_in_order_are_right(heard):
    for number in (1, 2, FENCE):
        heard.judge.sent(answer_to(number))
    heard.hear(ack(1), nack(2, "forbidden"), nack(FENCE, "unknown_op"))
    assert heard.judge.is_settled
    assert heard.violations == []


@pytest.mark.parametrize("answers", [[2, 1], [2], [1, 1], [3], [1, 2, 3]])
def test_answers_out_of_order_twice_or_to_nothing_are_not(heard, answers):
    heard.judge.sent(answer_to(1))
    heard.judge.sent(answer_to(2))
    heard.hear(*map(ack, answers))
    assert heard.violations


@pytest.mark.parametrize(
    "refusal",
    [
        nack(1, "internal"),
        nack(1, "unavailable"),
        nack(1, "nobody_knows"),
        nack(1, "rate_limited"),
        nack(1, "bad_request"),
    ],
)
def test_a_code_that_is_not_documented_or_lacks_what_goes_with_it_is_not(heard, refusal):
    heard.judge.sent(answer_to(1))
    heard.hear(refusal)
    assert len(heard.violations) == 1


def test_what_must_end_the_connection_may_not_be_passed_over(heard):
    heard.judge.sent(ENDS)
    heard.judge.sent(answer_to(FENCE))
    heard.hear(nack(FENCE, "unknown_op"))
    assert heard.violations


def test_the_end_that_is_due_is_right(heard):
    heard.judge.sent(answer_to(1))
    heard.judge.sent(ENDS)
    heard.hear(bye(4501))
    heard.judge.closed(4501)
    assert heard.violations == []


@pytest.mark.parametrize("code", [1000, 1006, 1011, 4501, 4503, 4999])
def test_an_end_for_nothing_is_not(heard, code):
    if code > 4000:
        heard.hear(bye(code))
    heard.judge.closed(code)
    assert heard.violations


def test_what_others_did_explains_an_end():
    heard = Heard(explains=(4503,)).hear(bye(4503))
    heard.judge.closed(4503)
    assert heard.violations == []


def test_goodbye_and_close_frame_must_agree(heard):
    heard.judge.sent(ENDS)
    heard.hear(bye(4501))
    heard.judge.closed(1000)
    assert heard.violations


def test_nothing_comes_after_the_goodbye(heard):
    heard.judge.sent(ENDS)
    heard.hear(bye(4501), events(4, 4, 4))
    assert heard.violations


def test_a_connection_that_is_lost_is_a_violation(heard):
    heard.judge.lost()
    assert heard.violations


def test_ranges_join(heard):
    heard.hear(events(4, 6, 5), events(6, 9, 6, 9), events(10, 10))
    assert heard.violations == []


@pytest.mark.parametrize(
    "frame", [events(5, 6, 5), events(4, 4, 5), events(4, 6, 6, 5), events(4, 6, 4, 4)]
)
def test_a_gap_or_a_range_that_does_not_hold_is_seen(heard, frame):
    heard.hear(frame)
    assert len(heard.violations) == 1


def test_a_position_that_we_claimed_is_no_gap(heard):
    heard.judge.sent(Due(silence=True, claims=50))
    heard.hear(events(51, 51, 51))
    assert heard.violations == []


def test_a_student_reads_no_staff_text_but_their_own(heard):
    heard.hear(events(4, 4, 4, text=f"{MARK}{ME} mine"))
    assert heard.violations == []
    heard.hear(events(5, 5, 5, text=f"{MARK}{OTHER} not mine"))
    assert len(heard.violations) == 1


def test_staff_read_it():
    heard = Heard(view="staff").hear(events(4, 4, 4, text=f"{MARK}{OTHER} text"))
    assert heard.violations == []


def test_a_student_is_shown_no_attendance(heard):
    heard.hear(events(4, 4, 4, kind="participant.joined"))
    assert heard.violations


def test_the_lobby_is_shown_nothing():
    assert Heard(view="lobby").hear(events(4, 5)).violations == []
    assert Heard(view="lobby").hear(events(4, 5, 4)).violations


def test_what_follows_a_welcome_has_an_order(heard):
    heard.hear({"type": "presence", "revision": 1, "count": 0, "full": []})
    assert heard.violations


def test_every_ping_has_one_pong(heard):
    pong = {"type": "pong", "head": 3, "now": "x"}
    heard.judge.sent(Due(silence=True, pongs=1))
    heard.judge.sent(answer_to(FENCE))
    assert heard.hear(pong, ack(FENCE)).violations == []
    heard.hear(pong)
    assert heard.violations


def test_nothing_is_due_after_a_frame_without_consequences(heard):
    heard.judge.sent(NOTHING)
    assert heard.judge.due_now() == "nothing"
