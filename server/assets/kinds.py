"""What may be uploaded, known by its first bytes and never by its name. Pure."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

UploadType: TypeAlias = Literal[
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/webm",
]

HEAD_BYTES: Final = 4096
"""What :func:`sniff` wants to see of a file."""

_MIB = 1 << 20


class Kind(NamedTuple):
    """What becomes of files of one type, and how large they may be."""

    content_type: UploadType
    suffix: str
    becomes: Literal["slides", "media"]
    most_bytes: int


KINDS: Final[Mapping[str, Kind]] = {
    kind.content_type: kind
    for kind in (
        Kind("application/pdf", "pdf", "slides", 100 * _MIB),
        # A picture is a slide: drawn anew, which leaves behind where and with what it was taken.
        Kind("image/png", "png", "slides", 30 * _MIB),
        Kind("image/jpeg", "jpg", "slides", 30 * _MIB),
        Kind("image/webp", "webp", "slides", 30 * _MIB),
        # These move: they are kept as they are.
        Kind("image/gif", "gif", "media", 30 * _MIB),
        Kind("video/mp4", "mp4", "media", 512 * _MIB),
        Kind("video/webm", "webm", "media", 512 * _MIB),
    )
}
MOST_BYTES: Final = max(kind.most_bytes for kind in KINDS.values())

# Major brands of ISO/IEC 14496-12 files that browsers play; HEIC, AVIF and QuickTime are others.
_MP4_BRANDS = frozenset(
    (b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9",
     b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash", b"f4v ")
)  # fmt: skip
_EBML = b"\x1a\x45\xdf\xa3"
_WEBM = b"\x42\x82\x84webm"
"""The element DocType with its text (RFC 8794 §11.2.5)."""


def sniff(head: bytes) -> UploadType | None:
    """Return the type of the file that begins with ``head``; None for all that is not taken."""
    if head.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[4:8] == b"ftyp" and head[8:12] in _MP4_BRANDS:
        return "video/mp4"
    if head.startswith(_EBML) and _WEBM in head[:64]:
        return "video/webm"
    return None
