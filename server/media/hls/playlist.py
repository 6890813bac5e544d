"""The playlist of a recording (RFC 8216), as text, and read again after a crash.

While it grows it carries, in comments that players skip, the size and SHA-256 of each file that it
names: whoever goes on after a crash knows what is stored without reading it. In the end the
manifest says that (:mod:`server.media.hls.manifest`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from protocol.codec import timestamp

NAME = "index.m3u8"
TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
}
"""What the files of HLS are, by how their names end."""
TARGET_SECONDS = 6
"""What a playlist that grows promises that segments are shorter than, unless one was not."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One media segment that is in the object store."""

    name: str
    init: str
    duration_ms: int
    starts_at_ms: int
    """Wall clock, milliseconds since the epoch."""
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class File:
    """What is known of the content of a stored file."""

    bytes: int
    sha256: str


NOTHING_KNOWN: Mapping[str, File] = {}


@dataclass(slots=True)
class Playlist:
    """The segments of a recording in order, and its files by name."""

    segments: list[Segment] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    ended: bool = False
    _lines: list[str] = field(default_factory=list, repr=False)

    @property
    def duration_ms(self) -> int:
        """How long all segments are."""
        return sum(segment.duration_ms for segment in self.segments)

    @property
    def size(self) -> int:
        """How many bytes all files are."""
        return sum(each.bytes for each in self.files.values())

    @property
    def clock(self) -> tuple[tuple[int, int], ...]:
        """Pairs of wall and media time in milliseconds: one where each stretch begins."""
        pairs: list[tuple[int, int]] = []
        media_ms = due_ms = 0
        for segment in self.segments:
            if not pairs or segment.starts_at_ms != due_ms:
                pairs.append((segment.starts_at_ms, media_ms))
            media_ms += segment.duration_ms
            due_ms = segment.starts_at_ms + segment.duration_ms
        return tuple(pairs)

    def add(self, segment: Segment) -> None:
        """Append a segment."""
        before = self.segments[-1] if self.segments else None
        self.segments.append(segment)
        self._lines += entry(segment, before, self.files)

    def event(self) -> bytes:
        """Return the playlist as it grows; costs little however long it is."""
        longest = max((each.duration_ms for each in self.segments[-1:]), default=0)
        target = max(TARGET_SECONDS, -(-longest // 1000))
        return _text([*_head("EVENT", target), *self._lines])

    def vod(self) -> bytes:
        """Return the playlist of what is complete: video on demand."""
        longest = max((each.duration_ms for each in self.segments), default=0)
        lines = _head("VOD", max(1, -(-longest // 1000)))
        for number, segment in enumerate(self.segments):
            before = self.segments[number - 1] if number else None
            lines += entry(segment, before)
        return _text([*lines, "#EXT-X-ENDLIST"])


def parse(text: str) -> Playlist:
    """Return what :meth:`Playlist.event` or :meth:`Playlist.vod` wrote.

    Raises:
        ValueError: If neither did.

    """
    parsed = Playlist()
    duration_ms = starts_at_ms = 0
    init, discontinuity = "", False
    file: File | None = None
    for line in text.splitlines():
        name, _, value = line.partition(":")
        uri = "" if line.startswith("#") else line
        match name:
            case "#EXT-X-MAP":
                uri = init = value.removeprefix('URI="').removesuffix('"')
            case "#EXT-X-DISCONTINUITY":
                discontinuity = True
            case "#EXT-X-PROGRAM-DATE-TIME":
                starts_at_ms = round(datetime.fromisoformat(value).timestamp() * 1000)
            case "#EXTINF":
                duration_ms = round(float(value.removesuffix(",")) * 1000)
            case "#FILE":
                size, _, sha256 = value.partition(",")
                file = File(int(size), sha256)
            case "#EXT-X-ENDLIST":
                parsed.ended = True
            case _:
                pass  # what says nothing of a segment
        if uri and file is not None:
            parsed.files[uri] = file
            file = None
        if uri and uri != init:
            parsed.add(Segment(uri, init, duration_ms, starts_at_ms, discontinuity))
            starts_at_ms += duration_ms
            discontinuity = False
    return parsed


def _head(kind: str, target: int) -> list[str]:
    return [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{kind}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def init_name(init: bytes) -> str:
    """Return what an init segment is called: equal bytes have one name."""
    return f"init-{hashlib.sha256(init).hexdigest()[:16]}.mp4"


def content_type(name: str) -> str:
    """Return what a file of that name is."""
    return TYPES[name.rpartition(".")[2]]


def entry(
    segment: Segment, before: Segment | None, files: Mapping[str, File] = NOTHING_KNOWN
) -> Iterator[str]:
    """Yield the lines of a segment that follows ``before``, with what is known of its ``files``."""
    if segment.discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if before is None or segment.init != before.init:
        yield from _about(files.get(segment.init))
        yield f'#EXT-X-MAP:URI="{segment.init}"'
    if segment.discontinuity or before is None:
        yield f"#EXT-X-PROGRAM-DATE-TIME:{timestamp(segment.starts_at_ms)}"
    yield from _about(files.get(segment.name))
    yield f"#EXTINF:{segment.duration_ms // 1000}.{segment.duration_ms % 1000:03},"
    yield segment.name


def _about(file: File | None) -> Iterator[str]:
    if file is not None:
        yield f"#FILE:{file.bytes},{file.sha256}"


def _text(lines: Iterable[str]) -> bytes:
    return "\n".join((*lines, "")).encode()
