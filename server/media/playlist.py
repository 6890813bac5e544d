"""The HLS playlist of a recording (RFC 8216), as text."""

from collections.abc import Sequence
from dataclasses import dataclass

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


def render(segments: Sequence[Segment], *, ended: bool) -> str:
    """Return the playlist: an event that grows, and with ``ended`` video on demand."""
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
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"
