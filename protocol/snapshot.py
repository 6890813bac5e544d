"""What a view sees of a class, and how each event changes it.

Both sides run this very fold: the server to keep the snapshot of each view at hand, the client to
follow the events. A snapshot is therefore the fold of all events before it *by construction*.
``state.js`` is its twin; the vectors in ``protocol/vectors`` hold both to it.

Rules: the fold is total (an unknown type or reference changes nothing but the position), it looks
at the event alone, and whatever a view may not see never reaches it.

It trims as it goes, so that a snapshot never exceeds ``SNAPSHOT_BYTES`` (weights, budgets and
:func:`~protocol.trimming.fit`: ``protocol.trimming``). What goes first, when a list is over:

============  =====================================  =================================
list          trimmed after                          goes first
============  =====================================  =================================
messages      chat.posted: to 200, then to budget    the oldest
questions     question.asked: to 500, then to        the oldest answered, then the
              budget; question.answered: to budget   oldest open (to 500: the oldest)
polls         poll.closed, poll.published: to 20     the oldest not open, then the
              not open; these and poll.opened: to    oldest open
              budget
scenes        scene.created: to budget               the oldest not on air
hands         hand.raised: to budget                 the *newest*: who waits longest
                                                     keeps their place
people        participant.joined: to budget          the oldest not present, then the
                                                     oldest
destinations  any of its events: to budget           the oldest not enabled, then the
                                                     oldest
============  =====================================  =================================

*Oldest* is first in the list, or for ``people`` and ``destinations`` the key that was added first.
"""

from functools import cached_property
from typing import Any, Literal, assert_never

from msgspec import Struct, field

from protocol import events as ev
from protocol import limits
from protocol.commands import SceneLayout
from protocol.ids import Timestamp, UserId
from protocol.trimming import fit, fit_values, json_bytes


class Hand(Struct):
    """A raised hand; the list is in the order of raising."""

    user: UserId
    name: str
    at: Timestamp

    @property
    def weight(self) -> int:
        """The constant of its kind and the name."""
        return limits.HAND_WEIGHT + json_bytes(self.name)


class Message(Struct, frozen=True, dict=True):
    """A chat message. It never changes, so that it is weighed but once: chat is most events."""

    message: str
    by: UserId | None
    name: str
    at: Timestamp
    text: str
    to: Literal["everyone", "staff"]
    reply_to: str | None = None

    @cached_property
    def weight(self) -> int:
        """The constant of its kind, the name and the text."""
        return limits.MESSAGE_WEIGHT + json_bytes(self.name) + json_bytes(self.text)


class Question(Struct):
    """A question for the teacher; its votes are in the counters."""

    question: str
    by: UserId | None
    name: str
    at: Timestamp
    prompt: str
    status: Literal["open", "answered"] = "open"
    answer: str | None = None

    @property
    def weight(self) -> int:
        """The constant of its kind, the name, the prompt and the answer."""
        texts = (self.name, self.prompt, self.answer)
        return limits.QUESTION_WEIGHT + sum(map(json_bytes, texts))


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

    @property
    def weight(self) -> int:
        """The constant of its kind, the prompt, and each option with its comma."""
        options = sum(json_bytes(option) + 1 for option in self.options)
        return limits.POLL_WEIGHT + json_bytes(self.prompt) + options


class Scene(Struct):
    """A scene of the studio."""

    scene: str
    name: str
    layout: SceneLayout
    touched: int

    @property
    def weight(self) -> int:
        """The constant of its kind, the name, and each item's constant and text."""
        items = sum(limits.SCENE_ITEM_WEIGHT + json_bytes(item.text) for item in self.layout.items)
        return limits.SCENE_WEIGHT + json_bytes(self.name) + items


class Destination(Struct):
    """Where the class is streamed to (staff view)."""

    status: Literal["enabled", "disabled", "failed"]
    phase: str
    code: str | None = None
    attempt: int = 0

    @property
    def weight(self) -> int:
        """The constant of its kind, its key included, and the code."""
        return limits.DESTINATION_WEIGHT + json_bytes(self.code)


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

    @property
    def weight(self) -> int:
        """The constant of its kind, its key included, and the name."""
        return limits.PERSON_WEIGHT + json_bytes(self.name)


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
            state.people = fit_values(
                state.people, limits.PEOPLE_BYTES, last=lambda person: person.present
            )
        case ev.ParticipantLeft():
            if person := state.people.get(event.user):
                person.present = False
        case ev.ParticipantRemoved():
            state.people.pop(event.user, None)
            _lower(state, event.user)
        case ev.HandRaised():
            _lower(state, event.user)
            state.hands.append(Hand(event.user, event.name, at))
            state.hands = fit(state.hands[::-1], limits.HANDS_BYTES)[::-1]
        case ev.HandLowered():
            _lower(state, event.user)
        case ev.HandAllLowered():
            state.hands = []
        case ev.ChatPosted():
            state.messages.append(
                Message(event.message, by, event.name, at, event.text, event.to, event.reply_to)
            )
            del state.messages[: -limits.SNAPSHOT_MESSAGES]
            state.messages = fit(state.messages, limits.MESSAGES_BYTES)
        case ev.QuestionAsked() | ev.QuestionAnswered():
            _fold_question(state, event, at, by)
        case ev.SceneCreated():
            state.scenes.append(Scene(event.scene, event.name, event.layout, sequence))
            state.scenes = fit(
                state.scenes, limits.SCENES_BYTES, last=lambda scene: scene.scene == state.scene
            )
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
        case _:
            assert_never(event)


_RECORDING_STATUS: dict[str, Literal["stopped", "finalized", "failed"]] = {
    ev.RecordingStopped.type: "stopped",
    ev.RecordingFinalized.type: "finalized",
    ev.RecordingFailed.type: "failed",
}


def _lower(state: State, user: str) -> None:
    state.hands = [hand for hand in state.hands if hand.user != user]


def _fold_question(
    state: State, event: ev.QuestionAsked | ev.QuestionAnswered, at: Timestamp, by: UserId | None
) -> None:
    if isinstance(event, ev.QuestionAsked):
        state.questions.append(Question(event.question, by, event.name, at, event.prompt))
        del state.questions[: -limits.SNAPSHOT_QUESTIONS]
    else:
        for question in state.questions:
            if question.question == event.question:
                question.status, question.answer = "answered", event.text
    state.questions = fit(
        state.questions, limits.QUESTIONS_BYTES, last=lambda question: question.status == "open"
    )


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
    else:
        for poll in state.polls:
            if poll.poll == event.poll:
                poll.touched = sequence
                if isinstance(event, ev.PollPublished):
                    poll.status, poll.tally, poll.correct = "published", event.tally, event.correct
                else:
                    poll.status = "closed"
        finished = [poll for poll in state.polls if poll.status != "open"]
        for poll in finished[: -limits.SNAPSHOT_FINISHED_POLLS]:
            state.polls.remove(poll)
    state.polls = fit(state.polls, limits.POLLS_BYTES, last=lambda poll: poll.status == "open")


def _fold_destination(state: State, event: Any) -> None:
    if isinstance(event, ev.DestinationEnabled):
        state.destinations[event.destination] = Destination("enabled", "enabled")
        _fit_destinations(state)
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
    _fit_destinations(state)


def _fit_destinations(state: State) -> None:
    state.destinations = fit_values(
        state.destinations,
        limits.DESTINATIONS_BYTES,
        last=lambda destination: destination.status == "enabled",
    )
