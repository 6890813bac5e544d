"""What happens in a session: commands and events over HTTP."""

from typing import Annotated

from msgspec import Meta, Raw

from protocol.ids import Key
from protocol.rest.shapes import Answer, Body


class CommandRequest(Body, frozen=True):
    """One command; the same key from the same user is the same command."""

    key: Key
    op: Annotated[str, Meta(max_length=64)]
    data: Raw = Raw(b"{}")
    expect: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class CommandDone(Answer, frozen=True):
    """Committed: the range of the command's events, or null if there was nothing to change."""

    key: str
    sequence: tuple[int, int] | None
    duplicate: bool


class EventsQuery(Body, frozen=True):
    """Which part of the log: what follows ``after``, or the newest of what is before ``before``."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    before: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    types: (
        Annotated[str, Meta(max_length=2000, description="Event types, separated by commas.")]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


class LogQuery(Body, frozen=True, rename={"from_": "from"}):
    """Which range of the log, by sequence; both ends are part of it."""

    from_: Annotated[int, Meta(ge=1, le=2**53 - 1)] = 1
    to: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    """Without it, up to the end."""


class EventsPage(Answer, frozen=True, rename={"from_": "from"}):
    """The events in ``from``…``to`` that the caller may see, in order; ``head`` is the log's end.

    The range may be shorter than was asked for, and hold no event. The next page is what follows
    ``to``, or, with ``before``, what is before ``from``; an empty range is the end.
    """

    from_: int
    to: int
    head: int
    events: tuple[Raw, ...]
