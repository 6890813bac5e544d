"""What a room is asked, and what it answers."""

from collections.abc import Callable
from typing import NamedTuple

from protocol.commands import AnyCommand
from protocol.errors import Refusal
from protocol.events import FromWorkers
from protocol.ids import Role


class Who(NamedTuple):
    """The person behind a connection or request, as their token says."""

    user: str
    name: str
    role: Role


class Committed(NamedTuple):
    """The command's events are durable, from ``first`` to ``last``."""

    first: int
    last: int
    is_duplicate: bool = False


class Unchanged(NamedTuple):
    """The command was allowed and had nothing to change."""


Outcome = Committed | Unchanged | Refusal


class Perform(NamedTuple):
    """Do what ``who`` wishes. ``connection`` is the id of the one by which it came, if any."""

    who: Who
    key: str
    command: AnyCommand
    expect: int | None
    answer: Callable[[Outcome], None]
    connection: str = ""


class Report(NamedTuple):
    """Keep what a worker saw or made; ``key`` is the id that it gave the report."""

    key: str
    event: FromWorkers
    answer: Callable[[Outcome], None]


class Arrive(NamedTuple):
    """Somebody has a connection now."""

    who: Who


class Depart(NamedTuple):
    """Somebody has had no connection for longer than the grace."""

    user: str


Ask = Perform | Report | Arrive | Depart


def unavailable() -> Refusal:
    """Return the answer that asks for a resend with the same key."""
    return Refusal("unavailable", "Not stored, or not certain: send it again.", retry_ms=500)
