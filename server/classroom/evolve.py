"""What an event changes. Total: an event that refers to nothing known changes nothing."""

from typing import assert_never

from msgspec.structs import replace

from protocol import events as ev
from server.classroom import (
    artifacts,
    assets,
    board,
    chat,
    destinations,
    hands,
    lifecycle,
    marks,
    people,
    polls,
    questions,
    recordings,
    replays,
    scenes,
)
from server.classroom.changes import When
from server.classroom.state import Classroom


def evolve(
    state: Classroom, event: ev.AnyEvent, *, sequence: int, at: str, by: str | None
) -> Classroom:
    """Return the state after ``event``."""
    when = When(sequence, at, by)
    match event:
        case ev.SessionStarted() | ev.SessionEnded() | ev.SessionLocked() | ev.SessionUnlocked():
            return lifecycle.evolve(state, event, at)
        case (
            ev.ParticipantJoined()
            | ev.ParticipantLeft()
            | ev.ParticipantWaiting()
            | ev.ParticipantAdmitted()
            | ev.ParticipantDenied()
            | ev.ParticipantRemoved()
            | ev.ParticipantBanned()
            | ev.ParticipantUnbanned()
            | ev.ParticipantMuted()
            | ev.ParticipantUnmuted()
            | ev.ParticipantRoleChanged()
            | ev.ParticipantGrantsChanged()
        ):
            return people.evolve(state, event)
        case ev.HandRaised() | ev.HandLowered() | ev.HandAllLowered():
            return hands.evolve(state, event)
        case (
            ev.ChatPosted()
            | ev.ChatRemoved()
            | ev.ChatRestored()
            | ev.ChatPinned()
            | ev.ChatUnpinned()
            | ev.ChatConfigured()
        ):
            return chat.evolve(state, event, when)
        case (
            ev.QuestionAsked()
            | ev.QuestionUpvoted()
            | ev.QuestionUnvoted()
            | ev.QuestionPresented()
            | ev.QuestionAnswered()
            | ev.QuestionDismissed()
            | ev.QuestionReopened()
        ):
            return questions.evolve(state, event, by)
        case ev.PollOpened() | ev.PollVoted() | ev.PollClosed() | ev.PollPublished():
            return polls.evolve(state, event, when)
        case ev.SceneCreated() | ev.SceneUpdated() | ev.SceneRemoved() | ev.SceneChanged():
            return scenes.evolve(state, event, sequence)
        case ev.AssetAdded() | ev.AssetRemoved() | ev.AssetShown() | ev.AssetHidden():
            return assets.evolve(state, event, sequence)
        case ev.BoardDrawn() | ev.BoardUndone() | ev.BoardCleared():
            return board.evolve(state, event, by)
        case (
            ev.FeedbackMarked()
            | ev.CaptionAdded()
            | ev.ChapterMarked()
            | ev.HighlightMarked()
            | ev.NoteAdded()
        ):
            return marks.evolve(state, event, when)
        case (
            ev.DestinationEnabled()
            | ev.DestinationDisabled()
            | ev.DestinationRetryRequested()
            | ev.DestinationFailed()
        ):
            return destinations.evolve(state, event)
        case ev.PublisherConnected() | ev.PublisherResumed():
            return replace(state, publisher=event.user)
        case ev.PublisherLost():
            return replace(state, publisher=None)
        case (
            ev.RecordingStarted()
            | ev.RecordingStopped()
            | ev.RecordingFinalized()
            | ev.RecordingFailed()
        ):
            return recordings.evolve(state, event)
        case ev.ArtifactCreated() | ev.ArtifactEdited() | ev.ArtifactRemoved():
            return artifacts.evolve(state, event, sequence)
        case ev.ReplayScheduled() | ev.ReplayPublished() | ev.ReplayUnpublished():
            return replays.evolve(state, event)
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
