"""The last few segments of a class that is on air, in memory, and their playlist. Pure."""

from collections import deque
from dataclasses import dataclass, field

from server.media.hls import fmp4
from server.media.hls.playlist import NAME, Segment, entry, init_name
from server.media.hls.segmenter import Closed, Fragment, Opened, Output

LISTED = 6
"""What the playlist names: about twelve seconds, of which players keep six."""
KEPT = LISTED + 3
"""A player may ask for what the playlist named when it read it."""
FIRST = 2
"""With fewer than these a player would show one and stop."""
TARGET_SECONDS = 3
"""What segments are shorter than, unless the publisher sends keyframes more rarely."""


@dataclass(slots=True)
class _Segment:
    number: int
    init: str
    starts_at_ms: int
    discontinuity: bool
    data: bytearray = field(default_factory=bytearray)
    duration_ms: int = 0

    @property
    def listed(self) -> Segment:
        """As the playlist names it."""
        name = f"live-{self.number}.m4s"
        return Segment(name, self.init, self.duration_ms, self.starts_at_ms, self.discontinuity)


class Window:
    """Take what a segmenter makes; tell the playlist and the files that it names."""

    def __init__(self, zero_ms: int) -> None:
        self._zero_ms = zero_ms
        self._open: _Segment | None = None
        self._segments: deque[_Segment] = deque(maxlen=KEPT)
        self._inits: dict[str, bytes] = {}
        self._number: int | None = None
        self._discontinuities = 0
        """Before the first segment that the playlist names."""
        self._target = TARGET_SECONDS

    def take(self, output: Output) -> bool:
        """Take a piece; say whether a segment is complete with it."""
        match output:
            case Opened(parameters, start_ms, discontinuity):
                init = fmp4.init_segment(parameters)
                name = init_name(init)
                self._inits[name] = init
                starts_at_ms = self._zero_ms + start_ms
                if self._number is None:
                    # Segments take longer than a second: one that begins again later counts on
                    # from a higher number, and no name ever means something else.
                    self._number = starts_at_ms // 1000
                self._open = _Segment(self._number, name, starts_at_ms, discontinuity)
                self._number += 1
            case Fragment(data=data):
                assert self._open is not None
                self._open.data += data
            case Closed(end_ms):
                assert self._open is not None
                self._open.duration_ms = self._zero_ms + end_ms - self._open.starts_at_ms
                self._append(self._open)
                return True
        return False

    def _append(self, segment: _Segment) -> None:
        if len(self._segments) >= LISTED:
            self._discontinuities += self._segments[-LISTED].discontinuity
        self._segments.append(segment)
        # A target that once was promised holds for good (RFC 8216 §6.2.1): it only grows.
        self._target = max(self._target, -(-segment.duration_ms // 1000))
        used = {each.init for each in self._segments}
        self._inits = {name: init for name, init in self._inits.items() if name in used}

    @property
    def is_playable(self) -> bool:
        """Whether there is a playlist yet."""
        return len(self._segments) >= FIRST

    def file(self, name: str) -> bytes | None:
        """Return the playlist or a file that it names, or None if there is none of that name."""
        if name == NAME:
            return self._playlist() if self.is_playable else None
        if name in self._inits:
            return self._inits[name]
        for segment in self._segments:
            if segment.listed.name == name:
                return bytes(segment.data)
        return None

    def _playlist(self) -> bytes:
        listed = list(self._segments)[-LISTED:]
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{self._target}",
            f"#EXT-X-MEDIA-SEQUENCE:{listed[0].number}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._discontinuities}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]
        before = None
        for segment in (each.listed for each in listed):
            lines += entry(segment, before)
            before = segment
        return ("\n".join(lines) + "\n").encode()
