"""Strokes on a whiteboard, or on the pages of slides."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.board import BoardCommand, BoardEvent
from protocol.limits import SNAPSHOT_STROKES
from server.classroom.assets import check_page, find
from server.classroom.changes import drop, put
from server.classroom.state import Actor, Classroom


def decide(
    state: Classroom, who: Actor, command: BoardCommand, new_id: str
) -> tuple[ev.AnyEvent, ...]:
    """Return what happens on a board; undoing takes back one's own last stroke only."""
    asset = find(state, command.asset)
    strokes = state.strokes.get(command.asset, ())
    match command:
        case cmd.BoardDraw(stroke=stroke):
            if asset.asset_type == "media":
                raise Refusal("conflict", "Nobody draws on media.", field="asset")
            if len(stroke.points) % 2:
                text = "Points are pairs of x and y."
                raise Refusal("bad_request", text, field="stroke.points")
            check_page(asset, stroke.page, field="stroke.page")
            return (ev.BoardDrawn(command.asset, new_id, stroke),)
        case cmd.BoardUndo():
            own = [stroke for stroke, by in strokes if by == who.user]
            return (ev.BoardUndone(command.asset, own[-1]),) if own else ()
        case cmd.BoardClear():
            return (ev.BoardCleared(command.asset),) if strokes else ()
        case _:
            assert_never(command)


def evolve(state: Classroom, event: BoardEvent, by: str | None) -> Classroom:
    """Return the state after ``event``; who drew it may take a stroke back while it is known."""
    name = event.asset
    strokes = state.strokes.get(name, ())
    match event:
        case ev.BoardDrawn():
            strokes = (*strokes, (event.id, by or ""))[-SNAPSHOT_STROKES:]
        case ev.BoardUndone():
            strokes = tuple(each for each in strokes if each[0] != event.id)
        case ev.BoardCleared():
            return replace(state, strokes=drop(state.strokes, name))
        case _:
            assert_never(event)
    if name not in state.assets:
        return state
    return replace(state, strokes=put(state.strokes, name, strokes))
