"""What an event changes. Total: an event that refers to nothing known changes nothing."""

from typing import assert_never

from protocol.events import AnyEvent
from protocol.features.artifacts import ArtifactEvent
from protocol.features.assets import AssetEvent
from protocol.features.board import BoardEvent
from protocol.features.chat import ChatEvent
from protocol.features.destinations import DestinationEvent
from protocol.features.hands import HandEvent
from protocol.features.marks import MarkEvent
from protocol.features.participants import ParticipantEvent
from protocol.features.polls import PollEvent
from protocol.features.publisher import PublisherEvent
from protocol.features.questions import QuestionEvent
from protocol.features.recordings import RecordingEvent
from protocol.features.replays import ReplayEvent
from protocol.features.scenes import SceneEvent
from protocol.features.session import SessionEvent
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
    publisher,
    questions,
    recordings,
    replays,
    scenes,
)
from server.classroom.changes import When
from server.classroom.state import Classroom


def evolve(
    state: Classroom, event: AnyEvent, *, sequence: int, at: str, by: str | None
) -> Classroom:
    """Return the state after ``event``."""
    when = When(sequence, at, by)
    if isinstance(event, SessionEvent):
        return lifecycle.evolve(state, event, at)
    if isinstance(event, ParticipantEvent):
        return people.evolve(state, event)
    if isinstance(event, HandEvent):
        return hands.evolve(state, event)
    if isinstance(event, ChatEvent):
        return chat.evolve(state, event, when)
    if isinstance(event, QuestionEvent):
        return questions.evolve(state, event, by)
    if isinstance(event, PollEvent):
        return polls.evolve(state, event, when)
    if isinstance(event, SceneEvent):
        return scenes.evolve(state, event, sequence)
    if isinstance(event, AssetEvent):
        return assets.evolve(state, event, sequence)
    if isinstance(event, BoardEvent):
        return board.evolve(state, event, by)
    if isinstance(event, MarkEvent):
        return marks.evolve(state, event, when)
    if isinstance(event, DestinationEvent):
        return destinations.evolve(state, event, at)
    if isinstance(event, PublisherEvent):
        return publisher.evolve(state, event)
    if isinstance(event, RecordingEvent):
        return recordings.evolve(state, event)
    if isinstance(event, ArtifactEvent):
        return artifacts.evolve(state, event, when)
    if isinstance(event, ReplayEvent):
        return replays.evolve(state, event)
    assert_never(event)
