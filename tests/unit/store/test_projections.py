"""Each type of event is folded in one place, and names the person whose row others refer to."""

from collections import Counter
from typing import get_args

import pytest

from protocol.events import EVENTS, ChatPosted, NoteAdded, ParticipantWaiting, SessionLocked
from server.store.projections import (
    LogOnly,
    Occasion,
    dictionary,
    library,
    output,
    people,
    person,
    polls,
    project,
    stage,
    talk,
)

ANN, BOB = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"


def test_every_event_is_folded_in_one_place():
    places = (LogOnly, *(module.Event for module in (people, talk, polls, stage, output, library)))
    assert Counter(kind for place in places for kind in get_args(place)) == Counter(EVENTS.values())


def test_what_is_of_the_log_alone_changes_nothing():
    on = Occasion("tenant", "session", 7, "english", 0, None)
    assert project(SessionLocked(), on) is None


def test_a_person_is_known_by_name_where_the_event_has_it():
    assert person(ParticipantWaiting(ANN, "Ann", "student"), None) == (ANN, "Ann")
    assert person(ParticipantWaiting(ANN, "Ann", "student"), BOB) == (ANN, "Ann")
    assert person(ChatPosted("m", "Bob", "hello", "everyone"), BOB) == (BOB, "Bob")
    assert person(NoteAdded("a", "Bob", "text", 0), BOB) == (BOB, "Bob")
    assert person(ChatPosted("m", "Bob", "hello", "everyone"), None) is None
    assert person(SessionLocked(), BOB) == (BOB, "")
    assert person(SessionLocked(), None) is None


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "english"), ("de-AT", "german"), ("PT-br", "portuguese"), ("ja", "simple")],
)
def test_words_are_searched_in_their_language(language, words):
    assert dictionary(language) == words
