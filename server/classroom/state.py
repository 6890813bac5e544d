"""What the rules know of a class: the fold of all its events. Frozen; ``evolve`` makes the next.

What there are thousands of is nothing for the garbage collector (``gc=False``): it is made of what
was there before, so it is never part of a cycle.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from protocol.features.artifacts import ArtifactType
from protocol.features.assets import AssetType
from protocol.features.chat import For
from protocol.frames import Note, StaffMessage
from protocol.ids import Role

Status = Literal["scheduled", "live", "ended", "archived"]
Standing = Literal["admitted", "waiting", "denied", "removed", "banned"]


class Actor(Struct, frozen=True):
    """Who is asking, with the role that holds in this class."""

    user: str
    name: str
    role: Role


class Member(Struct, frozen=True, gc=False):
    """Somebody who has come to the class, or to its lobby, at least once."""

    name: str
    role: Role
    status: Standing = "admitted"
    present: bool = True
    is_muted: bool = False
    muted_until: str | None = None
    """The end of the mute, None for one without an end; times compare as text."""
    grants: Mapping[str, bool] = {}
    """Operation → whether they may, other than their role says."""

    @property
    def is_out(self) -> bool:
        """Whether they may not come back by themselves."""
        return self.status in ("denied", "removed", "banned")


class Chat(Struct, frozen=True):
    """How the chat works."""

    enabled: bool = True
    slow_mode_s: int = 0
    staff_only: bool = False
    before_start: bool = False


class Message(Struct, frozen=True, gc=False):
    """A chat message that may still be replied to, removed, restored or pinned.

    ``sequences`` are of the events that hold its text.
    """

    by: str | None
    name: str
    at: str
    text: str
    to: For
    sequences: tuple[int, ...]
    removed: bool = False


class Question(Struct, frozen=True, gc=False):
    """A question and who voted for it."""

    status: Literal["open", "answered", "dismissed"] = "open"
    voters: frozenset[str] = frozenset()


class Poll(Struct, frozen=True, gc=False):
    """A poll, everybody's vote, and the sum of them per option."""

    options: int
    multiple: bool
    anonymous: bool
    results: Literal["live", "published"]
    correct: tuple[int, ...] | None
    touched: int
    tally: tuple[int, ...]
    status: Literal["open", "closed", "published"] = "open"
    votes: Mapping[str, tuple[int, ...]] = {}


class Asset(Struct, frozen=True):
    """Slides, a whiteboard or media of the class."""

    asset_type: AssetType
    pages: int | None
    touched: int


class Artifact(Struct, frozen=True):
    """Something that the class leaves behind."""

    artifact_type: ArtifactType
    touched: int
    by_hand: bool = True
    """Whether a person made or edited it: what was made by itself may be made anew."""


class Replay(Struct, frozen=True):
    """The replay of the class."""

    replay: str
    status: Literal["draft", "published"] = "draft"
    publish_at: str | None = None


class Classroom(Struct, frozen=True):
    """The state of one session, as the rules see it."""

    status: Status = "scheduled"
    started_at: str | None = None
    locked: bool = False
    people: Mapping[str, Member] = {}
    hands: tuple[str, ...] = ()
    chat: Chat = Chat()
    messages: Mapping[str, Message] = {}
    """The last ones."""
    pinned: frozenset[str] = frozenset()
    blanked: frozenset[int] = frozenset()
    """The events whose text nobody is shown any more: that of a message removed by now."""
    last_post: Mapping[str, str] = {}
    """When each student last wrote, while the chat is slowed down."""
    to_staff: Mapping[str, tuple[StaffMessage, ...]] = {}
    questions: Mapping[str, Question] = {}
    presented: str | None = None
    """The question on the stage."""
    polls: Mapping[str, Poll] = {}
    scenes: Mapping[str, int] = {}
    """Scene to the sequence of the last event that touched it."""
    scene: str | None = None
    assets: Mapping[str, Asset] = {}
    shown: tuple[str, int] | None = None
    """The asset that everybody sees, and its page."""
    strokes: Mapping[str, tuple[tuple[str, str], ...]] = {}
    """Asset to the strokes that may still be taken back: each one's id and author."""
    destinations: Mapping[str, Literal["enabled", "disabled", "failed"]] = {}
    enables: Mapping[str, tuple[str, ...]] = {}
    """Destination to when it was enabled, the last few times."""
    retries: Mapping[str, int] = {}
    """Destination to how often somebody asked to connect again at once."""
    recording: str | None = None
    """The recording that is running."""
    recordings: frozenset[str] = frozenset()
    """Every recording that is not finalized or failed yet."""
    finalized: frozenset[str] = frozenset()
    publisher: str | None = None
    notes: Mapping[str, tuple[Note, ...]] = {}
    artifacts: Mapping[str, Artifact] = {}
    replay: Replay | None = None
