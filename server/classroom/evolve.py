"""What an event changes. Total: an event that refers to nothing known changes nothing."""

from collections.abc import Mapping
from typing import TypeVar, assert_never

from msgspec.structs import replace

from protocol import events as ev
from server.classroom.chat import REPLIES_REACH_BACK, STAFF_MESSAGES_KEPT
from server.classroom.state import Classroom, Member, Poll, Question, StaffMessage

K = TypeVar("K")
V = TypeVar("V")


def evolve(
    state: Classroom, event: ev.AnyEvent, *, sequence: int, at: str, by: str | None
) -> Classroom:
    """Return the state after ``event``."""
    match event:
        case ev.SessionStarted():
            return replace(state, status="live")
        case ev.SessionEnded():
            return replace(state, status="ended", hands=())
        case ev.ParticipantJoined():
            member = Member(event.name, event.role)
            return replace(state, people=_with(state.people, event.user, member))
        case ev.ParticipantLeft() | ev.ParticipantRemoved():
            return _gone(state, event)
        case ev.HandRaised():
            return replace(state, hands=(*_without(state.hands, event.user), event.user))
        case ev.HandLowered():
            return replace(state, hands=_without(state.hands, event.user))
        case ev.HandAllLowered():
            return replace(state, hands=())
        case ev.ChatPosted():
            return _posted(state, event, at, by)
        case ev.QuestionAsked():
            return replace(state, questions=_with(state.questions, event.question, Question()))
        case ev.QuestionUpvoted() | ev.QuestionUnvoted() | ev.QuestionAnswered():
            return _questioned(state, event, by)
        case ev.PollOpened() | ev.PollVoted() | ev.PollClosed() | ev.PollPublished():
            return _polled(state, event, sequence, by)
        case ev.SceneCreated():
            return replace(state, scenes=_with(state.scenes, event.scene, sequence))
        case ev.SceneChanged():
            return replace(state, scene=event.scene)
        case ev.DestinationEnabled():
            return _destination(state, event.destination, "enabled")
        case ev.DestinationDisabled():
            return _destination(state, event.destination, "disabled")
        case ev.DestinationFailed():
            if event.destination not in state.destinations:
                return state
            return _destination(state, event.destination, "failed")
        case ev.PublisherConnected() | ev.PublisherResumed():
            return replace(state, publisher=event.user)
        case ev.PublisherLost():
            return replace(state, publisher=None)
        case ev.RecordingStarted():
            running = state.recordings | {event.recording}
            return replace(state, recording=event.recording, recordings=running)
        case ev.RecordingStopped():
            return replace(state, recording=None)
        case ev.RecordingFinalized() | ev.RecordingFailed():
            recording = None if state.recording == event.recording else state.recording
            left = state.recordings - {event.recording}
            return replace(state, recording=recording, recordings=left)
        case (
            ev.DestinationConnecting()
            | ev.DestinationLive()
            | ev.DestinationDegraded()
            | ev.DestinationRecovered()
            | ev.DestinationSwitched()
            | ev.DestinationRetryScheduled()
            | ev.DestinationStopped()
            | ev.PublisherReplaced()
            | ev.PublisherWarning()
        ):
            return state  # no rule depends on it
        case _:
            assert_never(event)


def _with(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return {**mapping, key: value}


def _without(hands: tuple[str, ...], user: str) -> tuple[str, ...]:
    return tuple(hand for hand in hands if hand != user)


def _gone(state: Classroom, event: ev.ParticipantLeft | ev.ParticipantRemoved) -> Classroom:
    member = state.people.get(event.user)
    if member is None:
        return state
    if isinstance(event, ev.ParticipantLeft):
        return replace(
            state, people=_with(state.people, event.user, replace(member, present=False))
        )
    removed = replace(member, present=False, removed=True)
    return replace(
        state,
        people=_with(state.people, event.user, removed),
        hands=_without(state.hands, event.user),
    )


def _posted(state: Classroom, event: ev.ChatPosted, at: str, by: str | None) -> Classroom:
    messages = {**state.messages, event.message: event.to}
    if len(messages) > REPLIES_REACH_BACK:
        del messages[next(iter(messages))]
    if event.to != "staff" or by is None:
        return replace(state, messages=messages)
    own = (*state.to_staff.get(by, ()), StaffMessage(event.message, at, event.text))
    to_staff = _with(state.to_staff, by, own[-STAFF_MESSAGES_KEPT:])
    return replace(state, messages=messages, to_staff=to_staff)


def _questioned(
    state: Classroom,
    event: ev.QuestionUpvoted | ev.QuestionUnvoted | ev.QuestionAnswered,
    by: str | None,
) -> Classroom:
    question = state.questions.get(event.question)
    if question is None:
        return state
    match event:
        case ev.QuestionAnswered():
            question = replace(question, status="answered")
        case ev.QuestionUpvoted():
            question = replace(question, voters=question.voters | {by or ""})
        case ev.QuestionUnvoted():
            question = replace(question, voters=question.voters - {by or ""})
        case _:
            assert_never(event)
    return replace(state, questions=_with(state.questions, event.question, question))


def _polled(
    state: Classroom,
    event: ev.PollOpened | ev.PollVoted | ev.PollClosed | ev.PollPublished,
    sequence: int,
    by: str | None,
) -> Classroom:
    if isinstance(event, ev.PollOpened):
        poll = Poll(
            options=len(event.options),
            multiple=event.multiple,
            anonymous=event.anonymous,
            results=event.results,
            correct=event.correct,
            touched=sequence,
            tally=(0,) * len(event.options),
        )
        return replace(state, polls=_with(state.polls, event.poll, poll))
    known = state.polls.get(event.poll)
    if known is None:
        return state
    match event:
        case ev.PollVoted():
            poll = _voted(known, by or "", event.choices)
        case ev.PollClosed():
            poll = replace(known, status="closed", touched=sequence)
        case ev.PollPublished():
            poll = replace(known, status="published", touched=sequence)
        case _:
            assert_never(event)
    return replace(state, polls=_with(state.polls, event.poll, poll))


def _voted(poll: Poll, user: str, choices: tuple[int, ...]) -> Poll:
    tally = list(poll.tally)
    for choice in poll.votes.get(user, ()):
        tally[choice] -= 1
    for choice in choices:
        tally[choice] += 1
    return replace(poll, tally=tuple(tally), votes=_with(poll.votes, user, choices))


def _destination(state: Classroom, destination: str, status: str) -> Classroom:
    return replace(state, destinations=_with(state.destinations, destination, status))
