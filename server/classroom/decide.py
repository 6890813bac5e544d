"""Which events a command leads to.

::

    access ── may they, now? ──▶ the feature's module ── does it make sense? ──▶ events
"""

from typing import assert_never

from protocol import commands as cmd
from protocol import events as ev
from server.classroom import (
    access,
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
from server.classroom.state import Actor, Classroom


def decide(
    state: Classroom,
    who: Actor,
    command: cmd.AnyCommand,
    *,
    new_id: str,
    at: str,
    expect: int | None = None,
) -> tuple[ev.AnyEvent, ...]:
    """Return the events that ``command`` leads to; an empty tuple means nothing changes.

    ``new_id`` becomes the id of whatever the command creates, ``at`` is the time of its events.
    ``expect`` is the sequence at which the sender last saw touched what the command edits.

    Raises:
        Refusal: If ``who`` may not do this, or not in this state.

    """
    access.check(state, who, command.op, at)
    match command:
        case cmd.SessionStart() | cmd.SessionEnd() | cmd.SessionLock() | cmd.SessionUnlock():
            return lifecycle.decide(state, command)
        case (
            cmd.ParticipantAdmit()
            | cmd.ParticipantDeny()
            | cmd.ParticipantRemove()
            | cmd.ParticipantBan()
            | cmd.ParticipantUnban()
            | cmd.ParticipantMute()
            | cmd.ParticipantUnmute()
            | cmd.ParticipantSetRole()
            | cmd.ParticipantSetGrants()
        ):
            return people.decide(state, who, command, at)
        case cmd.HandRaise() | cmd.HandLower() | cmd.HandLowerAll():
            return hands.decide(state, who, command)
        case (
            cmd.ChatPost()
            | cmd.ChatRemove()
            | cmd.ChatRestore()
            | cmd.ChatPin()
            | cmd.ChatUnpin()
            | cmd.ChatConfigure()
        ):
            return chat.decide(state, who, command, new_id, at)
        case (
            cmd.QuestionAsk()
            | cmd.QuestionUpvote()
            | cmd.QuestionUnvote()
            | cmd.QuestionPresent()
            | cmd.QuestionAnswer()
            | cmd.QuestionDismiss()
            | cmd.QuestionReopen()
        ):
            return questions.decide(state, who, command, new_id)
        case cmd.PollOpen() | cmd.PollVote() | cmd.PollClose() | cmd.PollPublish():
            return polls.decide(state, who, command, new_id, expect)
        case cmd.SceneCreate() | cmd.SceneUpdate() | cmd.SceneRemove() | cmd.SceneSwitch():
            return scenes.decide(state, command, new_id, expect)
        case cmd.AssetAdd() | cmd.AssetRemove() | cmd.AssetShow() | cmd.AssetHide():
            return assets.decide(state, command, new_id, expect)
        case cmd.BoardDraw() | cmd.BoardUndo() | cmd.BoardClear():
            return board.decide(state, who, command, new_id)
        case (
            cmd.FeedbackMark()
            | cmd.CaptionAdd()
            | cmd.ChapterMark()
            | cmd.HighlightMark()
            | cmd.NoteAdd()
        ):
            return marks.decide(state, who, command, new_id, at)
        case cmd.DestinationEnable() | cmd.DestinationDisable() | cmd.DestinationRetry():
            return destinations.decide(state, command)
        case cmd.RecordingStart() | cmd.RecordingStop():
            return recordings.decide(state, command, new_id)
        case cmd.ArtifactAdd() | cmd.ArtifactEdit() | cmd.ArtifactRemove():
            return artifacts.decide(state, command, new_id, expect)
        case cmd.ReplaySchedule() | cmd.ReplayPublish() | cmd.ReplayUnpublish():
            return replays.decide(state, command, new_id, at)
        case _:
            assert_never(command)


def observe(state: Classroom, event: ev.FromMedia) -> tuple[ev.AnyEvent, ...]:
    """Return what to keep of a report of the media worker; what refers to nothing known, nothing.

    A report is a fact of the outside world: it is never refused, also after the class has ended.
    """
    match event:
        case ev.RecordingFinalized() | ev.RecordingFailed():
            return (event,) if event.recording in state.recordings else ()
        case ev.PublisherLost():
            # The loss of a publisher that was replaced meanwhile is no news.
            return (event,) if event.user == state.publisher else ()
        case (
            ev.PublisherConnected()
            | ev.PublisherResumed()
            | ev.PublisherReplaced()
            | ev.PublisherWarning()
        ):
            return (event,)
        case ev.DestinationFailed():
            # A failure that was overtaken by the teacher's "off" is no news.
            is_enabled = state.destinations.get(event.destination) == "enabled"
            return (event,) if is_enabled else ()
        case (
            ev.DestinationConnecting()
            | ev.DestinationLive()
            | ev.DestinationDegraded()
            | ev.DestinationRecovered()
            | ev.DestinationSwitched()
            | ev.DestinationRetryScheduled()
            | ev.DestinationStopped()
        ):
            return (event,) if event.destination in state.destinations else ()
        case _:
            assert_never(event)
