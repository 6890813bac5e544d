"""What a view sees of a class, and how each event changes it.

Both sides run this very fold: the server to keep the snapshot of each view at hand, the client to
follow the events. A snapshot is therefore the fold of all events before it *by construction*,
trimmed as it goes by constants of ``protocol.limits``. ``state.js`` is its twin; the vectors in
``protocol/vectors`` hold both to it.

Rules: the fold is total (an unknown type or reference changes nothing but the position), it looks
at the event alone, and whatever a view may not see never reaches it.
"""

from typing import Any, Literal

from msgspec import Struct, field

from protocol import events as ev
from protocol.commands import SceneLayout
from protocol.ids import Timestamp, UserId
from protocol.limits import SNAPSHOT_FINISHED_POLLS, SNAPSHOT_MESSAGES, SNAPSHOT_QUESTIONS


class Hand(Struct):
    """A raised hand; the list is in the order of raising."""

    user: UserId
    name: str
    at: Timestamp


class Message(Struct):
    """A chat message."""

    message: str
    by: UserId
    name: str
    at: Timestamp
    text: str
    to: Literal["everyone", "staff"]
    reply_to: str | None = None


class Question(Struct):
    """A question for the teacher; its votes are in the counters."""

    question: str
    by: UserId
    name: str
    at: Timestamp
    prompt: str
    status: Literal["open", "answered"] = "open"
    answer: str | None = None


class Poll(Struct):
    """A poll; while it runs its tally is in the counters."""

    poll: str
    prompt: str
    options: tuple[str, ...]
    multiple: bool
    anonymous: bool
    results: Literal["live", "published"]
    correct: tuple[int, ...] | None
    touched: int
    status: Literal["open", "closed", "published"] = "open"
    tally: tuple[int, ...] | None = None


class Scene(Struct):
    """A scene of the studio."""

    scene: str
    name: str
    layout: SceneLayout
    touched: int


class Destination(Struct):
    """Where the class is streamed to (staff view)."""

    status: Literal["enabled", "disabled", "failed"]
    phase: str
    code: str | None = None
    attempt: int = 0


class Recording(Struct):
    """The newest recording of the class."""

    recording: str
    status: Literal["recording", "stopped", "finalized", "failed"]


class Publisher(Struct):
    """Whether the teacher's media arrives."""

    user: UserId
    live: bool
    width: int
    height: int


class Person(Struct):
    """Somebody who has come to the class (staff view: it is attendance)."""

    name: str
    role: str
    present: bool


class State(Struct):
    """The state of one view of one session."""

    status: Literal["scheduled", "live", "ended", "archived"] = "scheduled"
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    people: dict[str, Person] = field(default_factory=dict)
    hands: list[Hand] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=list)
    scene: str | None = None
    destinations: dict[str, Destination] = field(default_factory=dict)
    publisher: Publisher | None = None
    recording: Recording | None = None


def fold(
    state: State, event: ev.AnyEvent, *, sequence: int, at: Timestamp, by: UserId | None
) -> None:
    """Change ``state`` in place by one event of its view."""
    match event:
        case ev.SessionStarted():
            state.status, state.started_at = "live", at
        case ev.SessionEnded():
            state.status, state.ended_at = "ended", at
            state.hands = []
        case ev.ParticipantJoined():
            state.people[event.user] = Person(event.name, event.role, present=True)
        case ev.ParticipantLeft():
            if person := state.people.get(event.user):
                person.present = False
        case ev.ParticipantRemoved():
            state.people.pop(event.user, None)
            _lower(state, event.user)
        case ev.HandRaised():
            _lower(state, event.user)
            state.hands.append(Hand(event.user, event.name, at))
        case ev.HandLowered():
            _lower(state, event.user)
        case ev.HandAllLowered():
            state.hands = []
        case ev.ChatPosted():
            state.messages.append(
                Message(
                    event.message, by or "", event.name, at, event.text, event.to, event.reply_to
                )
            )
            del state.messages[:-SNAPSHOT_MESSAGES]
        case ev.QuestionAsked():
            state.questions.append(Question(event.question, by or "", event.name, at, event.prompt))
            del state.questions[:-SNAPSHOT_QUESTIONS]
        case ev.QuestionAnswered():
            for question in state.questions:
                if question.question == event.question:
                    question.status, question.answer = "answered", event.text
        case ev.SceneCreated():
            state.scenes.append(Scene(event.scene, event.name, event.layout, sequence))
        case ev.SceneChanged():
            state.scene = event.scene
        case ev.PollOpened() | ev.PollClosed() | ev.PollPublished():
            _fold_poll(state, event, sequence)
        case (
            ev.DestinationEnabled()
            | ev.DestinationDisabled()
            | ev.DestinationConnecting()
            | ev.DestinationLive()
            | ev.DestinationDegraded()
            | ev.DestinationRecovered()
            | ev.DestinationRetryScheduled()
            | ev.DestinationFailed()
            | ev.DestinationStopped()
        ):
            _fold_destination(state, event)
        case ev.PublisherConnected():
            state.publisher = Publisher(event.user, True, event.width, event.height)
        case ev.PublisherLost() | ev.PublisherResumed():
            if state.publisher is not None:
                state.publisher.live = isinstance(event, ev.PublisherResumed)
        case ev.RecordingStarted():
            state.recording = Recording(event.recording, "recording")
        case ev.RecordingStopped() | ev.RecordingFinalized() | ev.RecordingFailed():
            if state.recording is not None and state.recording.recording == event.recording:
                state.recording.status = _RECORDING_STATUS[event.type]
        case (
            ev.PollVoted()
            | ev.QuestionUpvoted()
            | ev.QuestionUnvoted()
            | ev.DestinationSwitched()
            | ev.PublisherReplaced()
            | ev.PublisherWarning()
        ):
            pass  # counted in the counters, or told once and not kept


_RECORDING_STATUS: dict[str, Literal["stopped", "finalized", "failed"]] = {
    ev.RecordingStopped.type: "stopped",
    ev.RecordingFinalized.type: "finalized",
    ev.RecordingFailed.type: "failed",
}


def _lower(state: State, user: str) -> None:
    state.hands = [hand for hand in state.hands if hand.user != user]


def _fold_poll(
    state: State, event: ev.PollOpened | ev.PollClosed | ev.PollPublished, sequence: int
) -> None:
    if isinstance(event, ev.PollOpened):
        state.polls.append(
            Poll(
                event.poll,
                event.prompt,
                event.options,
                event.multiple,
                event.anonymous,
                event.results,
                event.correct,
                sequence,
            )
        )
        return
    for poll in state.polls:
        if poll.poll == event.poll:
            poll.touched = sequence
            if isinstance(event, ev.PollPublished):
                poll.status, poll.tally, poll.correct = "published", event.tally, event.correct
            else:
                poll.status = "closed"
    finished = [poll for poll in state.polls if poll.status != "open"]
    for poll in finished[:-SNAPSHOT_FINISHED_POLLS]:
        state.polls.remove(poll)


def _fold_destination(state: State, event: Any) -> None:
    if isinstance(event, ev.DestinationEnabled):
        state.destinations[event.destination] = Destination("enabled", "enabled")
        return
    destination = state.destinations.get(event.destination)
    if destination is None:
        return
    destination.phase = event.type.removeprefix("destination.")
    destination.code = getattr(event, "code", None)
    destination.attempt = getattr(event, "attempt", destination.attempt)
    if isinstance(event, ev.DestinationDisabled):
        destination.status = "disabled"
    elif isinstance(event, ev.DestinationFailed):
        destination.status = "failed"
