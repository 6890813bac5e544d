"""What is asked while a session changes its owner waits for the next one, but not for ever."""

import pytest

from protocol.commands import HandRaise
from protocol.errors import Refusal
from server.hub.asks import Depart, Perform, Who
from server.hub.inbox import HOLD_SECONDS, INBOX, Inbox


class Time:
    seconds = 0.0

    def monotonic(self):
        return self.seconds

    def now_ms(self):
        return round(self.seconds * 1000)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def inbox(time):
    return Inbox(time)


class Asking:
    """Somebody who asks, and every answer."""

    def __init__(self, inbox):
        self.inbox = inbox
        self.answers = []

    def ask(self, key):
        who = Who("ann", "Ann", "student")
        perform = Perform(who, key, HandRaise(), None, lambda it: self.answers.append((key, it)))
        self.inbox.put(perform)
        return perform


def keys(asks):
    return [ask.key for ask in asks]


def test_a_closed_line_takes_nothing_and_a_held_one_keeps_it_in_order(inbox):
    ann = Asking(inbox)
    ann.ask("early")
    assert [(key, no.code) for key, no in ann.answers] == [("early", "unavailable")]
    inbox.open()
    for key in ("one", "two", "three"):
        ann.ask(key)
    inbox.take()
    assert keys(inbox.in_hand) == ["one", "two", "three"]
    ann.ask("four")
    inbox.hold()
    ann.ask("five")
    assert keys(inbox.give()) == ["one", "two", "three", "four", "five"]
    assert len(inbox) == 0
    assert len(ann.answers) == 1
    ann.ask("late")  # it is somebody else's line now
    assert isinstance(ann.answers[-1][1], Refusal)


def test_what_an_owner_has_not_answered_comes_before_what_was_asked_since(inbox):
    ann = Asking(inbox)
    inbox.open()
    given_back = [ann.ask(key) for key in ("one", "two")]
    inbox.give()
    inbox.hold(given_back)
    ann.ask("three")
    inbox.open()
    inbox.take()
    assert keys(inbox.in_hand) == ["one", "two", "three"]


def test_nobody_waits_for_ever(inbox, time):
    ann = Asking(inbox)
    inbox.hold()
    ann.ask("one")
    inbox.put(Depart("bob"))
    time.seconds = HOLD_SECONDS
    inbox.tick()
    assert ann.answers == []
    time.seconds += 0.1
    inbox.tick()
    assert [(key, no.code) for key, no in ann.answers] == [("one", "unavailable")]
    ann.ask("two")
    assert ann.answers[-1][1].code == "unavailable", "it is closed now"


def test_a_held_line_is_as_long_as_another(inbox):
    ann = Asking(inbox)
    inbox.hold()
    for number in range(INBOX + 1):
        ann.ask(f"{number}")
    assert [(key, no.code) for key, no in ann.answers] == [(f"{INBOX}", "overloaded")]
