"""Strokes on a whiteboard, or on the pages of slides."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from protocol.features.assets import Page
from protocol.ids import AssetId, StrokeId
from protocol.messages import Command, Event

Coordinate = Annotated[int, Meta(ge=0, le=10_000)]


class Stroke(Struct, frozen=True, forbid_unknown_fields=True):
    """A line through ``points``: x and y in turn, in 1/10,000 of the board's width and height.

    ``width`` is in 1/10,000 of the board's width.
    """

    points: Annotated[tuple[Coordinate, ...], Meta(min_length=2, max_length=1024)]
    colour: Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}(?!\n)$")] = "#000000"
    width: Annotated[int, Meta(ge=1, le=1_000)] = 30
    tool: Literal["pen", "highlighter", "eraser"] = "pen"
    page: Page = 1


class BoardDraw(Command, frozen=True):
    """Draw a stroke."""

    op = "board.draw"
    asset: AssetId
    stroke: Stroke


class BoardUndo(Command, frozen=True):
    """Take one's own last stroke back."""

    op = "board.undo"
    asset: AssetId


class BoardClear(Command, frozen=True):
    """Wipe a board."""

    op = "board.clear"
    asset: AssetId


class BoardDrawn(Event, frozen=True):
    """A stroke was drawn."""

    type = "board.drawn"
    asset: AssetId
    id: StrokeId
    stroke: Stroke


class BoardUndone(Event, frozen=True):
    """A stroke was taken back."""

    type = "board.undone"
    asset: AssetId
    id: StrokeId


class BoardCleared(Event, frozen=True):
    """A board was wiped."""

    type = "board.cleared"
    asset: AssetId


BoardCommand: TypeAlias = BoardDraw | BoardUndo | BoardClear
BoardEvent: TypeAlias = BoardDrawn | BoardUndone | BoardCleared
