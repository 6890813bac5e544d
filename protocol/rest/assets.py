"""What a class can be shown: uploads, slides, boards and media."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.features.assets import AssetType, Page, Uri
from protocol.ids import AssetId, SessionId, ShortText, Timestamp
from protocol.rest.shapes import Answer, Body

UploadId: TypeAlias = Annotated[SessionId, Meta(description="An upload.")]
UploadType: TypeAlias = Annotated[
    Literal[
        "application/pdf",
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/gif",
        "video/mp4",
        "video/webm",
    ],
    Meta(description="What it is: looked for in its bytes, whatever its name says."),
]


class NewUpload(Body, frozen=True):
    """A file to upload: PDF and pictures become slides, GIF and video media."""

    name: ShortText
    content_type: UploadType
    bytes: Annotated[int, Meta(ge=1, le=512 << 20, description="Its exact size.")]


class Upload(Answer, frozen=True):
    """An upload and how far it has come.

    ``pending``: PUT the file to ``put_url`` with its content type, before ``expires_at``, and
    commit. ``processing``: ``pages_done`` of ``pages`` are drawn. ``ready``: it is the class's
    ``asset``. ``failed``: for this ``reason``.
    """

    id: UploadId
    name: str
    content_type: str
    bytes: int
    status: Literal["pending", "processing", "ready", "failed"]
    reason: str | None
    pages: int | None
    pages_done: int
    asset: AssetId | None
    put_url: str | None
    """Told once, in the answer that makes the upload."""
    expires_at: Timestamp
    created_at: Timestamp


class NewAsset(Body, frozen=True):
    """A board, or something at an address of its own; slides are uploaded."""

    asset_type: Literal["whiteboard", "media"]
    name: ShortText
    uri: Uri | None = None
    """Where media is: an https address."""
    pages: Page | None = None


class Asset(Answer, frozen=True):
    """Slides, a board or media that the class can be shown.

    What is uploaded is at ``url`` for a while; a page of slides is at ``pages_url`` and its number.
    """

    id: AssetId
    asset_type: AssetType
    name: str
    pages: int | None
    url: str | None
    pages_url: str | None
    board_url: str | None
    """Its strokes as an SVG; null for media, on which nobody draws."""
    created_at: Timestamp


class BoardQuery(Body, frozen=True):
    """Which page of a board."""

    page: Page = 1
