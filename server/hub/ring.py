"""The last frames of one view, kept so that whoever missed a little reads no log."""

from bisect import bisect_right

from server.hub.wire import Frame

RING_FRAMES = 4096
RING_BYTES = 8 << 20
CATCH_UP_BYTES = 1 << 18
"""Taken at once: what comes then waits until the socket has taken that."""


class Ring:
    """Frames in order, without a gap, bounded in number and size."""

    def __init__(self, head: int) -> None:
        self._frames: list[Frame] = []
        self._bytes = 0
        self._first = head + 1

    def restart(self, head: int) -> None:
        """Begin empty, after ``head``."""
        self._frames, self._bytes, self._first = [], 0, head + 1

    def add(self, frame: Frame) -> None:
        """Keep one more, which continues the one before; the oldest ones go."""
        self._frames.append(frame)
        self._bytes += len(frame.data)
        # A quarter at a time, so that trimming costs nothing per frame.
        while len(self._frames) > RING_FRAMES or self._bytes > RING_BYTES:
            self._drop(max(1, len(self._frames) // 4))

    def forget(self, last: int) -> None:
        """Have nothing for those who lag before ``last``."""
        self._drop(bisect_right(self._frames, last, key=lambda frame: frame.first))

    def reaches(self, position: int) -> bool:
        """Say whether everything after ``position`` is here."""
        return position + 1 >= self._first

    def after(self, position: int) -> tuple[bytes, int]:
        """Return what follows ``position``, which it reaches, in one piece; and up to where."""
        pieces, size = [], 0
        start = bisect_right(self._frames, position, key=lambda frame: frame.last)
        for frame in self._frames[start:]:
            pieces.append(frame.data)
            size += len(frame.data)
            position = frame.last
            if size >= CATCH_UP_BYTES:
                break
        return b"".join(pieces), position

    def _drop(self, count: int) -> None:
        if count:
            self._first = self._frames[count - 1].last + 1
            self._frames = self._frames[count:]
            self._bytes = sum(len(frame.data) for frame in self._frames)
