"""What the stage shows: scenes made of sources. Geometry is in 1/10,000 of the stage."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from protocol.ids import SceneId, ShortText
from protocol.messages import Command, Event


class SceneItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One source on the stage; geometry in 1/10,000 of its width and height."""

    source: Literal["camera", "screen", "slide", "board", "title"]
    x: Annotated[int, Meta(ge=0, le=10_000)] = 0
    y: Annotated[int, Meta(ge=0, le=10_000)] = 0
    width: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    height: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    text: ShortText | None = None


class SceneLayout(Struct, frozen=True, forbid_unknown_fields=True):
    """What a scene shows, from the back to the front."""

    items: Annotated[tuple[SceneItem, ...], Meta(min_length=1, max_length=8)]


class SceneCreate(Command, frozen=True):
    """Add a scene to the studio."""

    op = "scene.create"
    name: ShortText
    layout: SceneLayout


class SceneUpdate(Command, frozen=True):
    """Give a scene another name and layout."""

    op = "scene.update"
    scene: SceneId
    name: ShortText
    layout: SceneLayout


class SceneRemove(Command, frozen=True):
    """Take a scene that is not on air out of the studio."""

    op = "scene.remove"
    scene: SceneId


class SceneSwitch(Command, frozen=True):
    """Put a scene on air."""

    op = "scene.switch"
    scene: SceneId


class SceneCreated(Event, frozen=True):
    """The studio has one more scene."""

    type = "scene.created"
    scene: SceneId
    name: str
    layout: SceneLayout


class SceneUpdated(Event, frozen=True):
    """A scene has another name or layout; on air, too, if it is."""

    type = "scene.updated"
    scene: SceneId
    name: str
    layout: SceneLayout


class SceneRemoved(Event, frozen=True):
    """The studio has one scene less."""

    type = "scene.removed"
    scene: SceneId


class SceneChanged(Event, frozen=True):
    """Another scene is on air."""

    type = "scene.changed"
    scene: SceneId


SceneCommand: TypeAlias = SceneCreate | SceneUpdate | SceneRemove | SceneSwitch
SceneEvent: TypeAlias = SceneCreated | SceneUpdated | SceneRemoved | SceneChanged
