"""What is shown to whom. Every way out of the server goes through this file.

A view is the same for everybody in it, and what it shows of an event is a function of that event
alone: the same, nothing, or the event with a field removed. What belongs to one person goes out
in ``mine``; numbers go out in ``counters``.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from protocol import events as ev
from protocol.frames import Counters, Mine
from protocol.ids import FOREVER, Role, ViewName
from protocol.limits import SNAPSHOT_FINISHED_POLLS, SNAPSHOT_QUESTIONS
from server.classroom.access import grants
from server.classroom.artifacts import author_of_note
from server.classroom.state import Classroom, Message

T = TypeVar("T")


class Rewritten(NamedTuple):
    """The event as the view sees it. Without its author it goes out without its key, too."""

    event: ev.AnyEvent
    has_author: bool = True


Shown = Literal["same", "hidden"] | Rewritten

# By their exact types, which have no subclasses: to ask each type in turn takes 2 µs per event.
_STAFF_ONLY: frozenset[type[ev.AnyEvent]] = frozenset(
    (
        ev.ParticipantJoined,
        ev.ParticipantLeft,
        ev.ParticipantWaiting,
        ev.ParticipantAdmitted,
        ev.ParticipantDenied,
        ev.ParticipantUnbanned,
        ev.ParticipantMuted,
        ev.ParticipantUnmuted,
        ev.ParticipantRoleChanged,
        ev.ParticipantGrantsChanged,
        ev.QuestionUpvoted,
        ev.QuestionUnvoted,
        ev.QuestionDismissed,
        ev.PollVoted,
        ev.FeedbackMarked,
        ev.NoteAdded,
        ev.DestinationEnabled,
        ev.DestinationDisabled,
        ev.DestinationRetryRequested,
        ev.DestinationConnecting,
        ev.DestinationLive,
        ev.DestinationDegraded,
        ev.DestinationRecovered,
        ev.DestinationSwitched,
        ev.DestinationRetryScheduled,
        ev.DestinationFailed,
        ev.DestinationStopped,
        ev.PublisherReplaced,
        ev.PublisherWarning,
        ev.RecordingFinalized,
        ev.RecordingFailed,
    )
)


def view(event: ev.AnyEvent, of: ViewName) -> Shown:
    """Return what the view ``of`` shows of ``event``."""
    if of == "staff":
        if isinstance(event, ev.PollVoted) and event.anonymous:
            return Rewritten(event, has_author=False)
        return "same"
    if of == "lobby" or type(event) in _STAFF_ONLY:
        return "hidden"
    match event:
        case (
            ev.ChatPosted(to="staff")
            | ev.ChatRemoved(to="staff")
            | ev.ChatRestored(to="staff")
            | ev.ChatPinned(to="staff")
            | ev.ChatUnpinned(to="staff")
            | ev.ArtifactCreated(artifact_type="note")
            | ev.ArtifactEdited(artifact_type="note")
            | ev.ArtifactRemoved(artifact_type="note")
        ):
            return "hidden"
        case ev.PollOpened() if event.correct is not None:
            return Rewritten(replace(event, correct=None))
        case (
            ev.ParticipantRemoved() | ev.ParticipantBanned()
        ):  # also without a reason, or its absence would tell
            return Rewritten(replace(event, reason=None), has_author=False)
        case _:
            return "same"


def blank(event: ev.AnyEvent) -> ev.AnyEvent:
    """Return ``event`` without the text of its message, which was removed since."""
    if isinstance(event, ev.ChatPosted | ev.ChatRestored | ev.ChatPinned):
        return replace(event, text="")
    return event


def mine(state: Classroom, user: str, role: Role, sequence: int) -> Mine:
    """Return what belongs to ``user`` alone."""
    member = state.people.get(user)
    is_muted = member is not None and member.is_muted
    return Mine(
        sequence=sequence,
        role=role,
        grants=grants(state, user, role),
        lobby=member is not None and member.status == "waiting",
        hand_position=state.hands.index(user) + 1 if user in state.hands else None,
        muted_until=(member.muted_until or FOREVER) if member and is_muted else None,
        votes={
            poll_id: poll.votes[user] for poll_id, poll in state.polls.items() if user in poll.votes
        },
        upvotes=tuple(
            question_id
            for question_id, question in state.questions.items()
            if user in question.voters
        ),
        notes=state.notes.get(user, ()),
        to_staff=state.to_staff.get(user, ()),
    )


def touches(state: Classroom, event: ev.AnyEvent, by: str | None) -> frozenset[str]:
    """Return whose ``mine`` may read differently after ``event``; ``state`` is the one before."""
    author = frozenset() if by is None else frozenset((by,))
    match event:
        case (
            ev.HandRaised()
            | ev.ParticipantJoined()
            | ev.ParticipantWaiting()
            | ev.ParticipantAdmitted()
            | ev.ParticipantUnbanned()
            | ev.ParticipantMuted()
            | ev.ParticipantUnmuted()
            | ev.ParticipantRoleChanged()
            | ev.ParticipantGrantsChanged()
        ):
            return frozenset((event.user,))
        case (
            ev.HandLowered()
            | ev.ParticipantDenied()
            | ev.ParticipantRemoved()
            | ev.ParticipantBanned()
        ):
            return frozenset(state.hands) | {event.user}
        case ev.HandAllLowered() | ev.SessionEnded():
            return frozenset(state.hands)
        case ev.PollVoted() | ev.QuestionUpvoted() | ev.QuestionUnvoted() | ev.NoteAdded():
            return author
        case ev.ChatPosted(to="staff"):
            return author
        case ev.ChatRemoved(to="staff") | ev.ChatRestored(to="staff"):
            return _named(state.messages.get(event.message))
        case ev.ArtifactEdited() | ev.ArtifactRemoved():
            of_note = author_of_note(state, event.artifact)
            return frozenset() if of_note is None else frozenset((of_note,))
        case _:
            return frozenset()


def _named(message: Message | None) -> frozenset[str]:
    by = None if message is None else message.by
    return frozenset() if by is None else frozenset((by,))


def counters(
    state: Classroom, of: ViewName, *, sequence: int, online: int, reactions: dict[str, int]
) -> Counters:
    """Return the numbers that the view ``of`` may see, of what its snapshot may still show."""
    polls = _newest(state.polls, SNAPSHOT_FINISHED_POLLS, lambda poll: poll.status == "open")
    questions = _newest(state.questions, SNAPSHOT_QUESTIONS, lambda _: False)
    return Counters(
        sequence=sequence,
        online=online,
        hands=len(state.hands),
        reactions=reactions,
        polls={
            poll_id: poll.tally
            for poll_id, poll in polls
            if of == "staff" or poll.results == "live" or poll.status == "published"
        },
        questions={question_id: len(question.voters) for question_id, question in questions},
    )


def _newest(
    things: Mapping[str, T], count: int, is_kept: Callable[[T], bool]
) -> list[tuple[str, T]]:
    """Return the newest ``count``, and whatever ``is_kept`` beside them; the oldest first."""
    oldest = max(0, len(things) - count)
    return [
        item for number, item in enumerate(things.items()) if number >= oldest or is_kept(item[1])
    ]
