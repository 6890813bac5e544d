"""Which events a command leads to.

::

    access ── may they, now? ──▶ the feature's module ── does it make sense? ──▶ events
"""

from typing import assert_never

from protocol import commands as cmd
from protocol import events as ev
from protocol.features.artifacts import ArtifactCommand
from protocol.features.assets import AssetCommand
from protocol.features.board import BoardCommand
from protocol.features.chat import ChatCommand
from protocol.features.destinations import DestinationCommand
from protocol.features.hands import HandCommand
from protocol.features.marks import MarkCommand
from protocol.features.participants import ParticipantCommand
from protocol.features.polls import PollCommand
from protocol.features.publisher import PublisherEvent
from protocol.features.questions import QuestionCommand
from protocol.features.recordings import RecordingCommand
from protocol.features.replays import ReplayCommand
from protocol.features.scenes import SceneCommand
from protocol.features.session import SessionCommand
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
    publisher,
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
    if isinstance(command, SessionCommand):
        return lifecycle.decide(state, command)
    if isinstance(command, ParticipantCommand):
        return people.decide(state, who, command, at)
    if isinstance(command, HandCommand):
        return hands.decide(state, who, command)
    if isinstance(command, ChatCommand):
        return chat.decide(state, who, command, new_id, at)
    if isinstance(command, QuestionCommand):
        return questions.decide(state, who, command, new_id)
    if isinstance(command, PollCommand):
        return polls.decide(state, who, command, new_id, expect)
    if isinstance(command, SceneCommand):
        return scenes.decide(state, command, new_id, expect)
    if isinstance(command, AssetCommand):
        return assets.decide(state, command, new_id, expect)
    if isinstance(command, BoardCommand):
        return board.decide(state, who, command, new_id)
    if isinstance(command, MarkCommand):
        return marks.decide(state, who, command, new_id, at)
    if isinstance(command, DestinationCommand):
        return destinations.decide(state, command, at)
    if isinstance(command, RecordingCommand):
        return recordings.decide(state, command, new_id)
    if isinstance(command, ArtifactCommand):
        return artifacts.decide(state, command, new_id, expect)
    if isinstance(command, ReplayCommand):
        return replays.decide(state, command, new_id, at)
    assert_never(command)


def observe(state: Classroom, event: ev.FromWorkers) -> tuple[ev.AnyEvent, ...]:
    """Return what to keep of a worker's report; of what refers to nothing known, nothing.

    A report is a fact of the outside world: it is never refused, also after the class has ended.
    """
    match event:
        case ev.ArtifactCreated() | ev.ArtifactRemoved():
            return artifacts.observe(state, event)
        case ev.ReplayPublished():
            return replays.observe(state, event)
        case ev.RecordingFinalized() | ev.RecordingFailed():
            return (event,) if event.recording in state.recordings else ()
        case ev.DestinationFailed():
            # A failure that was overtaken by the teacher's "off" is no news.
            is_enabled = state.destinations.get(event.destination) == "enabled"
            return (event,) if is_enabled else ()
        case _:
            if isinstance(event, PublisherEvent):
                return publisher.observe(state, event)
            return (event,) if event.destination in state.destinations else ()
