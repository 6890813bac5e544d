"""Slides, whiteboards and media that are shown to the class, page by page."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.ids import AssetId, ShortText
from protocol.messages import Command, Event

AssetType: TypeAlias = Literal["slide", "whiteboard", "media"]
Page: TypeAlias = Annotated[int, Meta(ge=1, le=2000, description="A page, counted from 1.")]
Uri: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        pattern=r"^[!-~]+(?!\n)$",
        description="Where the content is: an address, or a key in the object store.",
    ),
]


class AssetAdd(Command, frozen=True):
    """Add slides, a whiteboard or media to the class."""

    op = "asset.add"
    asset_type: AssetType
    uri: Uri
    name: ShortText
    pages: Page | None = None


class AssetRemove(Command, frozen=True):
    """Take an asset out of the class; one that is shown is hidden first."""

    op = "asset.remove"
    asset: AssetId


class AssetShow(Command, frozen=True):
    """Show an asset, or another page of it."""

    op = "asset.show"
    asset: AssetId
    page: Page | None = None


class AssetHide(Command, frozen=True):
    """Show this asset no more."""

    op = "asset.hide"
    asset: AssetId


class AssetAdded(Event, frozen=True):
    """The class has one more asset."""

    type = "asset.added"
    asset: AssetId
    asset_type: AssetType
    uri: str
    name: str
    pages: int | None = None


class AssetRemoved(Event, frozen=True):
    """The class has one asset less."""

    type = "asset.removed"
    asset: AssetId


class AssetShown(Event, frozen=True):
    """Everybody sees this page of this asset."""

    type = "asset.shown"
    asset: AssetId
    page: int


class AssetHidden(Event, frozen=True):
    """This asset is shown no more."""

    type = "asset.hidden"
    asset: AssetId


AssetCommand: TypeAlias = AssetAdd | AssetRemove | AssetShow | AssetHide
AssetEvent: TypeAlias = AssetAdded | AssetRemoved | AssetShown | AssetHidden
