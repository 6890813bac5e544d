"""What the class can be shown: ``studio_scenes`` and ``studio_assets``."""

from typing import TypeAlias, assert_never

import msgspec

from protocol import events as ev

from .statement import Occasion, Statement

Event: TypeAlias = (
    ev.SceneCreated
    | ev.SceneUpdated
    | ev.SceneRemoved
    | ev.SceneChanged
    | ev.AssetAdded
    | ev.AssetRemoved
)

_CREATED = """
INSERT INTO studio_scenes (tenant_id, session_id, id, name, layout, created_at)
VALUES ($1, $2, $3, $4, $5, $6)"""
_UPDATED = "UPDATE studio_scenes SET name = $3, layout = $4 WHERE session_id = $1 AND id = $2"
_REMOVED = "DELETE FROM studio_scenes WHERE session_id = $1 AND id = $2"
_SHOWN = "UPDATE studio_scenes SET shown_at = $3 WHERE session_id = $1 AND id = $2"

_ADDED = """
INSERT INTO studio_assets (tenant_id, session_id, id, asset_type, uri, name, pages, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
_TAKEN_OUT = "DELETE FROM studio_assets WHERE session_id = $1 AND id = $2"


def project(event: Event, on: Occasion) -> Statement:
    """Return what ``event`` changes."""
    match event:
        case ev.SceneCreated(scene=scene, name=name, layout=layout):
            return _CREATED, (
                on.tenant, on.session, scene, name, msgspec.json.encode(layout), on.at_ms,
            )  # fmt: skip
        case ev.SceneUpdated(scene=scene, name=name, layout=layout):
            return _UPDATED, (on.session, scene, name, msgspec.json.encode(layout))
        case ev.SceneRemoved(scene=scene):
            return _REMOVED, (on.session, scene)
        case ev.SceneChanged(scene=scene):
            return _SHOWN, (on.session, scene, on.at_ms)
        case ev.AssetAdded(asset=asset):
            return _ADDED, (
                on.tenant, on.session, asset, event.asset_type, event.uri, event.name,
                event.pages, on.at_ms,
            )  # fmt: skip
        case ev.AssetRemoved(asset=asset):
            return _TAKEN_OUT, (on.session, asset)
        case _:
            assert_never(event)
