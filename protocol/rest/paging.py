"""Lists, page by page: a cursor says where the next one begins."""

from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from msgspec import Meta

from protocol.ids import SessionId
from protocol.rest.shapes import Answer, Body

Cursor: TypeAlias = Annotated[SessionId, Meta(description="``next`` of the page before.")]

Order: TypeAlias = Annotated[
    Literal["oldest", "newest"],
    Meta(description="Which comes first, by the making of its session."),
]

Item = TypeVar("Item")


class Page(Answer, Generic[Item], frozen=True):
    """A part of a list; ``next`` goes into ``after`` of the next request, null at the end."""

    items: tuple[Item, ...]
    next: str | None


class PageQuery(Body, frozen=True):
    """Where a page begins and how long it is."""

    after: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
