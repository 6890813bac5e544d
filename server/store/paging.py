"""Pages of lists: keyset pagination, so that what is added meanwhile moves nothing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from protocol.codec import timestamp
from protocol.rest import Page

Item = TypeVar("Item")


def page(
    rows: Sequence[Any], limit: int, make: Callable[[Any], Item], *, key: str = "id"
) -> Page[Item]:
    """Return the first ``limit`` of ``rows``; one row more than that says that there is a next."""
    shown = rows[:limit]
    return Page(tuple(map(make, shown)), shown[-1][key] if len(rows) > limit else None)


def optional_timestamp(milliseconds: int | None) -> str | None:
    """Return a time as it goes over the wire, None for never."""
    return None if milliseconds is None else timestamp(milliseconds)
