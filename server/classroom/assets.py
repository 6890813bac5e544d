"""What is shown to the class beside the stage: slides, whiteboards, media."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.assets import AssetCommand, AssetEvent
from server.classroom.changes import drop, put
from server.classroom.state import Asset, Classroom

MOST_ASSETS = 200


def decide(
    state: Classroom, command: AssetCommand, new_id: str, expect: int | None
) -> tuple[ev.AnyEvent, ...]:
    """Return a new asset, or the change to one; what is so already changes nothing."""
    if isinstance(command, cmd.AssetAdd):
        if len(state.assets) >= MOST_ASSETS:
            raise Refusal("conflict", f"A class has at most {MOST_ASSETS} assets.")
        return (
            ev.AssetAdded(new_id, command.asset_type, command.uri, command.name, command.pages),
        )
    name = command.asset
    asset = find(state, name)
    if expect is not None and expect != asset.touched:
        raise Refusal("conflict", "The asset has changed meanwhile.", touched=asset.touched)
    is_shown = state.shown is not None and state.shown[0] == name
    match command:
        case cmd.AssetRemove():
            removed = ev.AssetRemoved(name)
            return (ev.AssetHidden(name), removed) if is_shown else (removed,)
        case cmd.AssetShow(page=page):
            if page is None:
                page = state.shown[1] if is_shown and state.shown else 1
            check_page(asset, page, field="page")
            return () if state.shown == (name, page) else (ev.AssetShown(name, page),)
        case cmd.AssetHide():
            return (ev.AssetHidden(name),) if is_shown else ()
        case _:
            assert_never(command)


def find(state: Classroom, name: str) -> Asset:
    """Return the asset of this id.

    Raises:
        Refusal: ``not_found``.

    """
    asset = state.assets.get(name)
    if asset is None:
        raise Refusal("not_found", "There is no such asset.", field="asset")
    return asset


def check_page(asset: Asset, page: int, *, field: str) -> None:
    """Do nothing if the asset has this page; one without a number of pages has them all.

    Raises:
        Refusal: ``bad_request``.

    """
    if asset.pages is not None and page > asset.pages:
        raise Refusal("bad_request", f"The last page is {asset.pages}.", field=field)


def evolve(state: Classroom, event: AssetEvent, sequence: int) -> Classroom:
    """Return the state after ``event``; with an asset its strokes go."""
    name = event.asset
    if isinstance(event, ev.AssetAdded):
        asset = Asset(event.asset_type, event.pages, sequence)
        return replace(state, assets=put(state.assets, name, asset))
    known = state.assets.get(name)
    if known is None:
        return state
    match event:
        case ev.AssetRemoved():
            assets, strokes = drop(state.assets, name), drop(state.strokes, name)
            return replace(state, assets=assets, strokes=strokes)
        case ev.AssetShown():
            assets = put(state.assets, name, replace(known, touched=sequence))
            return replace(state, assets=assets, shown=(name, event.page))
        case ev.AssetHidden():
            is_shown = state.shown is not None and state.shown[0] == name
            return replace(state, shown=None) if is_shown else state
        case _:
            assert_never(event)
