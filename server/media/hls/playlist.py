"""The HLS playlist of a recording (RFC 8216), as text, and read again after a crash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from server.clock import to_datetime


@dataclass(frozen=True, slots=True)
class Segment:
    """One media segment that is in the object store."""

    name: str
    init: str
    duration_ms: int
    starts_at_ms: int
    """Wall clock, milliseconds since the epoch."""
    discontinuity: bool


# A comment to every player (RFC 8216 §4.1): what the recording weighs until here.
_BYTES = "#BYTES:"


def render(segments: Sequence[Segment], size: int, *, ended: bool) -> str:
    """Return the playlist: an event that grows, and with ``ended`` video on demand.

    ``size`` is that of all segments in bytes.
    """
    target = max((-(-s.duration_ms // 1000) for s in segments), default=2)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(target, 1)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    init = None
    for number, segment in enumerate(segments):
        if segment.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if segment.init != init:
            init = segment.init
            lines.append(f'#EXT-X-MAP:URI="{init}"')
        if segment.discontinuity or number == 0:
            stamp = to_datetime(segment.starts_at_ms).isoformat(timespec="milliseconds")
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{stamp.replace('+00:00', 'Z')}")
        lines.append(f"#EXTINF:{segment.duration_ms // 1000}.{segment.duration_ms % 1000:03},")
        lines.append(segment.name)
    lines.append(f"{_BYTES}{size}")
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def parse(text: str) -> tuple[list[Segment], int]:
    """Return the segments and the size that :func:`render` wrote.

    Raises:
        ValueError: If the text is not of :func:`render`.

    """
    segments: list[Segment] = []
    size = duration_ms = starts_at_ms = 0
    init, discontinuity = "", False
    for line in text.splitlines():
        if not line.startswith("#"):
            segments.append(Segment(line, init, duration_ms, starts_at_ms, discontinuity))
            starts_at_ms += duration_ms
            discontinuity = False
            continue
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-MAP":
                init = value.removeprefix('URI="').removesuffix('"')
            case "#EXT-X-DISCONTINUITY":
                discontinuity = True
            case "#EXT-X-PROGRAM-DATE-TIME":
                starts_at_ms = round(datetime.fromisoformat(value).timestamp() * 1000)
            case "#EXTINF":
                duration_ms = round(float(value.removesuffix(",")) * 1000)
            case "#BYTES":
                size = int(value)
            case _:
                # A tag that says nothing of a segment.
                continue
    return segments, size
