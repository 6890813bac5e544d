"""The last comparison finds what the clients could not know."""

import hashlib

import pytest

from load.ledger import digest, state_bytes
from load.report import Report
from load.run.messages import FullState
from load.run.verify import Log, _compare_states, _compare_told

from .events import Q1, asked, event, said

EVENTS = (said(1), said(3, "Hello"), asked(4, Q1))
LOG = Log(EVENTS, head=5)


def told(*numbers):
    return [[number for pair in numbers for number in pair]]


@pytest.fixture
def report():
    return Report()


def test_what_was_told_as_it_is_in_the_log_is_right(report):
    whole = told((1, digest(EVENTS[0])), (2, 0), (3, digest(EVENTS[1])), (4, digest(EVENTS[2])))
    _compare_told(report, "class 0", LOG, whole)
    assert report.violations == 0
    assert report.counts["places in the log compared"] == 4


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ((3, 0), "lost"),
        ((2, digest(said(2))), "mismatch"),
        ((3, digest(said(3, "Bye"))), "mismatch"),
        ((6, 0), "mismatch"),
    ],
    ids=["an event told to nobody", "one that is not there", "another one", "beyond the end"],
)
def test_what_is_otherwise_in_the_log_is_found(report, place, kind):
    _compare_told(report, "class 0", LOG, told(place))
    assert report.kinds == {kind: 1}


def test_a_text_that_was_removed_since_is_the_same_event(report):
    _compare_told(report, "class 0", Log((said(1, ""),), 1), told((1, digest(said(1, "Rude")))))
    assert report.violations == 0


def test_keys_of_the_data_have_no_order():
    data = {"poll": "p", "choices": [1], "anonymous": False}
    backwards = dict(reversed(data.items()))
    one, other = event(1, "poll.voted", **data), event(1, "poll.voted", **backwards)
    assert bytes(one.data) != bytes(other.data)
    assert digest(one) == digest(other)
    assert digest(one) != digest(event(1, "poll.voted", **data | {"choices": [2]}))


def states(position, digest_of):
    told_digest = hashlib.blake2b(state_bytes(digest_of), digest_size=16).hexdigest()
    return [FullState("Ann", "student", position, told_digest)]


def test_a_state_must_be_the_fold_of_the_log_at_its_position(report):
    folded = LOG.states([1, 3, 5])
    assert [len(folded[position].messages) for position in (1, 3, 5)] == [1, 2, 2]
    assert len(folded[5].questions) == 1
    _compare_states(report, "class 0", LOG, states(3, folded[3]))
    assert report.violations == 0
    _compare_states(report, "class 0", LOG, states(3, folded[1]))
    assert report.kinds == {"mismatch": 1}
    assert report.kept == ["Ann: the state at 3 is not the fold of the log"]
