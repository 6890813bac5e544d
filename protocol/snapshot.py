"""What a view sees of a class, and how each event changes it.

Both sides run this very fold: the server to keep the snapshot of each view at hand, the client to
follow the events. A snapshot is therefore the fold of all events before it *by construction*.
``state.js`` is its twin; the vectors in ``protocol/vectors`` hold both to it. The parts of the
state are in ``protocol.state``.

Rules: the fold is total (an unknown type or reference changes nothing but the position), it looks
at the event alone, and whatever a view may not see never reaches it.

It trims as it goes, so that a snapshot never exceeds ``SNAPSHOT_BYTES`` (weights, budgets and
:func:`~protocol.trimming.fit`: ``protocol.trimming``). What goes first, when a list is over:

============  =====================================  =================================
list          trimmed after                          goes first
============  =====================================  =================================
messages      chat.posted, chat.restored: to 200,    the oldest
              to budget
pinned        chat.pinned: to budget                 the oldest
questions     question.asked: to 500, to budget;     the oldest answered or dismissed,
              any status: to budget                  then the oldest open (to 500: the
                                                     oldest)
polls         poll.closed, poll.published: to 20     the oldest not open, then the
              not open; these and poll.opened: to    oldest open
              budget
scenes        any of its events: to budget           the oldest not on air
assets        asset.added: to budget                 the oldest not shown
strokes       board.drawn: to 2,000, to budget       the oldest on what is not shown,
                                                     then the oldest
hands         hand.raised: to budget                 the *newest*: who waits longest
                                                     keeps their place
people        any of its events but left, muted,     the oldest not present, then the
              unmuted: to budget                     oldest
destinations  any of its events: to budget           the oldest not enabled, then the
                                                     oldest
captions      caption.added: to 5, to budget         the oldest
artifacts     added or edited: to budget             the oldest
============  =====================================  =================================

*Oldest* is first in the list, or for ``people`` and ``destinations`` the key that was added first.
"""

from typing import Literal, assert_never

from msgspec import Struct, field

from protocol import events as ev
from protocol import limits
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
from protocol.ids import Timestamp, UserId
from protocol.state.output import (
    Artifact,
    Caption,
    Destination,
    Recording,
    Replay,
    fold_artifacts,
    fold_captions,
    fold_destinations,
    fold_recording,
    fold_replay,
)
from protocol.state.people import Hand, Person, fold_hands, fold_people, lower_hand
from protocol.state.polls import Poll, fold_polls
from protocol.state.stage import (
    Asset,
    Drawn,
    Publisher,
    Scene,
    Shown,
    fold_assets,
    fold_publisher,
    fold_scenes,
)
from protocol.state.talk import (
    Chat,
    Message,
    Pinned,
    Question,
    fold_questions,
    moderate,
    pin,
    presented,
    unpin,
)
from protocol.trimming import total_weight, trim


class State(Struct, dict=True):
    """The state of one view of one session.

    ``title`` and ``teacher`` are what the lobby sees, and nobody else: they are in no event.
    ``strokes`` are of all boards, so that showing another costs nothing; a client draws those of
    the shown asset's page.
    """

    status: Literal["scheduled", "live", "ended", "archived"] = "scheduled"
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    title: str | None = None
    teacher: str | None = None
    locked: bool = False
    people: dict[str, Person] = field(default_factory=dict)
    hands: list[Hand] = field(default_factory=list)
    chat: Chat = field(default_factory=Chat)
    messages: list[Message] = field(default_factory=list)
    pinned: list[Pinned] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    presented: str | None = None
    polls: list[Poll] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=list)
    scene: str | None = None
    assets: list[Asset] = field(default_factory=list)
    shown: Shown | None = None
    strokes: list[Drawn] = field(default_factory=list)
    feedback: dict[str, int] = field(default_factory=dict)
    captions: list[Caption] = field(default_factory=list)
    destinations: dict[str, Destination] = field(default_factory=dict)
    publisher: Publisher | None = None
    recording: Recording | None = None
    artifacts: list[Artifact] = field(default_factory=list)
    replay: Replay | None = None


def fold(
    state: State, event: ev.AnyEvent, *, sequence: int, at: Timestamp, by: UserId | None
) -> None:
    """Change ``state`` in place by one event of its view."""
    if isinstance(event, SessionEvent):
        _fold_session(state, event, at)
    elif isinstance(event, ParticipantEvent):
        state.people = fold_people(state.people, event)
        if isinstance(event, ev.ParticipantRemoved | ev.ParticipantBanned):
            state.hands = lower_hand(state.hands, event.user)
    elif isinstance(event, HandEvent):
        state.hands = fold_hands(state.hands, event, at)
    elif isinstance(event, ChatEvent):
        _fold_chat(state, event, at, by)
    elif isinstance(event, QuestionEvent):
        state.questions = fold_questions(state.questions, event, at, by)
        state.presented = presented(state.presented, event)
    elif isinstance(event, PollEvent):
        state.polls = fold_polls(state.polls, event, sequence)
    elif isinstance(event, SceneEvent):
        state.scenes = fold_scenes(state.scenes, event, sequence, state.scene)
        if isinstance(event, ev.SceneChanged):
            state.scene = event.scene
    elif isinstance(event, AssetEvent):
        _fold_asset(state, event, sequence)
    elif isinstance(event, BoardEvent):
        _fold_board(state, event, by)
    elif isinstance(event, MarkEvent):
        _fold_mark(state, event, sequence)
    elif isinstance(event, DestinationEvent):
        state.destinations = fold_destinations(state.destinations, event)
    elif isinstance(event, PublisherEvent):
        state.publisher = fold_publisher(state.publisher, event)
    elif isinstance(event, RecordingEvent):
        state.recording = fold_recording(state.recording, event)
    elif isinstance(event, ArtifactEvent):
        state.artifacts = fold_artifacts(state.artifacts, event, sequence)
    elif isinstance(event, ReplayEvent):
        state.replay = fold_replay(state.replay, event)
    else:
        assert_never(event)


def _fold_session(state: State, event: SessionEvent, at: Timestamp) -> None:
    match event:
        case ev.SessionStarted():
            state.status, state.started_at = "live", at
        case ev.SessionEnded():
            state.status, state.ended_at, state.hands = "ended", at, []
        case ev.SessionArchived():
            state.status = "archived"
        case ev.SessionLocked() | ev.SessionUnlocked():
            state.locked = isinstance(event, ev.SessionLocked)
        case _:
            assert_never(event)


def _fold_mark(state: State, event: MarkEvent, sequence: int) -> None:
    match event:
        case ev.FeedbackMarked():
            state.feedback[event.kind] = state.feedback.get(event.kind, 0) + 1
        case ev.CaptionAdded():
            state.captions = fold_captions(state.captions, event)
        case ev.ChapterMarked() | ev.HighlightMarked() | ev.NoteAdded():
            state.artifacts = fold_artifacts(state.artifacts, event, sequence)
        case _:
            assert_never(event)


def _fold_chat(
    state: State,
    event: ChatEvent,
    at: Timestamp,
    by: UserId | None,
) -> None:
    match event:
        case ev.ChatPosted():
            weight = _weight_of(state, "messages")
            message = Message(
                event.message, by, event.name, at, event.text, event.to, event.reply_to
            )
            state.messages.append(message)
            _trim_messages(state, weight + message.weight)
        case ev.ChatRemoved() | ev.ChatRestored():
            state.messages = moderate(state.messages, event)
            _trim_messages(state, total_weight(state.messages))
            if isinstance(event, ev.ChatRemoved):
                state.pinned = unpin(state.pinned, event.message)
        case ev.ChatPinned():
            state.pinned = pin(state.pinned, event)
        case ev.ChatUnpinned():
            state.pinned = unpin(state.pinned, event.message)
        case ev.ChatConfigured():
            state.chat = Chat(
                event.enabled, event.slow_mode_s, event.staff_only, event.before_start
            )
        case _:
            assert_never(event)


def _trim_messages(state: State, weight: int) -> None:
    weight = trim(state.messages, weight, limits.MESSAGES_BYTES, limits.SNAPSHOT_MESSAGES)
    state.__dict__["messages_weight"] = weight


def _fold_asset(
    state: State,
    event: AssetEvent,
    sequence: int,
) -> None:
    match event:
        case ev.AssetHidden():
            if state.shown is not None and state.shown.asset == event.asset:
                state.shown = None
        case ev.AssetAdded() | ev.AssetRemoved() | ev.AssetShown():
            state.assets = fold_assets(state.assets, event, sequence, state.shown)
            if isinstance(event, ev.AssetShown):
                state.shown = Shown(event.asset, event.page)
            elif isinstance(event, ev.AssetRemoved):
                _wipe(state, event.asset)
        case _:
            assert_never(event)


def _fold_board(state: State, event: BoardEvent, by: UserId | None) -> None:
    match event:
        case ev.BoardDrawn():
            weight = _weight_of(state, "strokes")
            drawn = Drawn(event.asset, event.id, by, event.stroke)
            state.strokes.append(drawn)
            shown = None if state.shown is None else state.shown.asset
            state.__dict__["strokes_weight"] = trim(
                state.strokes,
                weight + drawn.weight,
                limits.STROKES_BYTES,
                limits.SNAPSHOT_STROKES,
                last=lambda each: each.asset == shown,
            )
        case ev.BoardUndone():
            state.strokes = [each for each in state.strokes if each.id != event.id]
            state.__dict__.pop("strokes_weight", None)
        case ev.BoardCleared():
            _wipe(state, event.asset)
        case _:
            assert_never(event)


def _wipe(state: State, asset: str) -> None:
    state.strokes = [each for each in state.strokes if each.asset != asset]
    state.__dict__.pop("strokes_weight", None)


def _weight_of(state: State, name: Literal["messages", "strokes"]) -> int:
    """Return what a long list weighs, as it was left by the last change to it."""
    weight: int | None = state.__dict__.get(f"{name}_weight")
    return total_weight(getattr(state, name)) if weight is None else weight
