"""What the rules know of a class: the fold of all its events. Frozen; ``evolve`` makes the next."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from protocol.ids import Role

Status = Literal["scheduled", "live", "ended", "archived"]


class Actor(Struct, frozen=True):
    """Who is asking, with the role that holds in this class."""

    user: str
    name: str
    role: Role


class Member(Struct, frozen=True):
    """Somebody who has come to the class at least once."""

    name: str
    role: Role
    present: bool = True
    removed: bool = False


class Question(Struct, frozen=True):
    """A question and who voted for it."""

    status: Literal["open", "answered"] = "open"
    voters: frozenset[str] = frozenset()


class Poll(Struct, frozen=True):
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


class StaffMessage(Struct, frozen=True):
    """What somebody wrote to staff alone; it is shown to its author in ``mine``."""

    message: str
    at: str
    text: str


class Classroom(Struct, frozen=True):
    """The state of one session, as the rules see it."""

    status: Status = "scheduled"
    people: Mapping[str, Member] = {}
    hands: tuple[str, ...] = ()
    messages: Mapping[str, Literal["everyone", "staff"]] = {}
    """For whom the last messages were: what one may reply to."""
    to_staff: Mapping[str, tuple[StaffMessage, ...]] = {}
    questions: Mapping[str, Question] = {}
    polls: Mapping[str, Poll] = {}
    scenes: Mapping[str, int] = {}
    """Scene to the sequence of the last event that touched it."""
    scene: str | None = None
    destinations: Mapping[str, Literal["enabled", "disabled", "failed"]] = {}
    recording: str | None = None
    """The recording that is running."""
    recordings: frozenset[str] = frozenset()
    """Every recording that is not finalized or failed yet."""
    publisher: str | None = None
