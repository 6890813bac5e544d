"""What is to be seen: scenes, assets, strokes, and the teacher's picture."""

from functools import cached_property
from typing import assert_never

from msgspec import Struct

from protocol import events as ev
from protocol import limits
from protocol.commands import SceneLayout, Stroke
from protocol.features.assets import AssetType
from protocol.features.publisher import PublisherEvent
from protocol.features.scenes import SceneEvent
from protocol.ids import UserId
from protocol.trimming import fit, json_bytes


class Scene(Struct):
    """A scene of the studio."""

    scene: str
    name: str
    layout: SceneLayout
    touched: int

    @property
    def weight(self) -> int:
        """The constant of its kind, the name, and each item's constant and text."""
        items = sum(limits.SCENE_ITEM_WEIGHT + json_bytes(item.text) for item in self.layout.items)
        return limits.SCENE_WEIGHT + json_bytes(self.name) + items


class Asset(Struct):
    """Slides, a whiteboard or media of the class."""

    asset: str
    asset_type: AssetType
    uri: str
    name: str
    pages: int | None
    touched: int

    @property
    def weight(self) -> int:
        """The constant of its kind, the address and the name."""
        return limits.ASSET_WEIGHT + json_bytes(self.uri) + json_bytes(self.name)


class Shown(Struct):
    """The page of the asset that everybody sees."""

    asset: str
    page: int


class Drawn(Struct, frozen=True, dict=True):
    """A stroke on a board. It never changes, so that it is weighed but once."""

    asset: str
    id: str
    by: UserId | None
    stroke: Stroke

    @cached_property
    def weight(self) -> int:
        """The constant of its kind, and each number of its points with a comma."""
        return limits.STROKE_WEIGHT + sum(len(str(point)) + 1 for point in self.stroke.points)


class Publisher(Struct):
    """Whether the teacher's media arrives."""

    user: UserId
    live: bool
    width: int
    height: int


def fold_scenes(
    scenes: list[Scene], event: SceneEvent, sequence: int, on_air: str | None
) -> list[Scene]:
    """Return the scenes after ``event``; the one on air goes last when there are too many."""
    match event:
        case ev.SceneCreated():
            scenes = [*scenes, Scene(event.scene, event.name, event.layout, sequence)]
        case ev.SceneUpdated():
            for scene in scenes:
                if scene.scene == event.scene:
                    scene.name, scene.layout, scene.touched = event.name, event.layout, sequence
        case ev.SceneRemoved():
            scenes = [scene for scene in scenes if scene.scene != event.scene]
        case ev.SceneChanged():
            return scenes
        case _:
            assert_never(event)
    return fit(scenes, limits.SCENES_BYTES, last=lambda scene: scene.scene == on_air)


def fold_assets(
    assets: list[Asset],
    event: ev.AssetAdded | ev.AssetRemoved | ev.AssetShown,
    sequence: int,
    shown: Shown | None,
) -> list[Asset]:
    """Return the assets after ``event``; the shown one goes last when there are too many."""
    match event:
        case ev.AssetAdded():
            added = Asset(
                event.asset, event.asset_type, event.uri, event.name, event.pages, sequence
            )
            on_show = None if shown is None else shown.asset
            return fit(
                [*assets, added], limits.ASSETS_BYTES, last=lambda each: each.asset == on_show
            )
        case ev.AssetRemoved():
            return [each for each in assets if each.asset != event.asset]
        case ev.AssetShown():
            for asset in assets:
                if asset.asset == event.asset:
                    asset.touched = sequence
            return assets
        case _:
            assert_never(event)


def fold_publisher(publisher: Publisher | None, event: PublisherEvent) -> Publisher | None:
    """Return whether the teacher's media arrives after ``event``."""
    match event:
        case ev.PublisherConnected():
            return Publisher(event.user, True, event.width, event.height)
        case ev.PublisherLost() | ev.PublisherResumed():
            if publisher is not None:
                publisher.live = isinstance(event, ev.PublisherResumed)
            return publisher
        case ev.PublisherReplaced() | ev.PublisherWarning():
            return publisher  # told once and not kept
        case _:
            assert_never(event)
