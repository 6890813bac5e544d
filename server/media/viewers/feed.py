"""What one viewer is sent, and when: pure, but for the clock readings it is given.

A viewer begins at a keyframe. While its socket takes nothing, frames wait; when they are too many
or too old, they are dropped and the viewer begins again at a keyframe. Sequence numbers are given
when a frame is sent, never before: what is dropped leaves no gap that a browser would ask for.
"""

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from server.media.viewers.packetizer import Frame

QUEUE_MS = 300
QUEUE_PACKETS = 256
STUCK_SECONDS = 10.0
REPLAY_AFTER_SECONDS = 0.5
"""How long a publisher has to answer a request for a keyframe before the last one is replayed."""
REPLAY_PACKETS = 768
"""The most that is replayed: all of it can be sent again if it is lost."""
REPLAY_STEP_MS = 1


class Outlet(Protocol):
    """Where frames leave; its queue is the kernel's."""

    def flush(self) -> bool:
        """Send what did not go out before; return whether nothing is left."""

    def send(self, frame: Frame) -> None:
        """Send a frame, or keep what cannot be sent of it for :meth:`flush`."""


class Feed:
    """One viewer's way from the bus to its socket."""

    def __init__(self, outlet: Outlet, now: float) -> None:
        self.dropped = 0
        """Frames lost because the socket took nothing."""
        self._outlet = outlet
        self._queue: deque[Frame] = deque()
        self._packets = 0
        self._waits_since: float | None = now
        self._blocked_since: float | None = None
        self._shown_ms = -1

    @property
    def waits_for_key(self) -> bool:
        """Whether it can show nothing before a keyframe."""
        return self._waits_since is not None

    def lost(self, now: float) -> None:
        """Take that pictures were lost on their way here: the next one shown is a keyframe."""
        self._waits_since = now

    def is_due_replay(self, now: float) -> bool:
        """Say whether the publisher had its time to send a keyframe and did not."""
        since = self._waits_since
        if since is None or self._blocked_since is not None:
            return False
        return now - since >= REPLAY_AFTER_SECONDS

    def is_stuck(self, now: float) -> bool:
        """Say whether its socket has taken nothing for so long that it is given up."""
        return self._blocked_since is not None and now - self._blocked_since >= STUCK_SECONDS

    def give(self, frame: Frame, now: float) -> int:
        """Send ``frame``, queue or drop it; return how many packets left.

        Raises:
            ConnectionError: If there is no connection.

        """
        if frame.is_video and self._waits_since is not None:
            if not frame.is_key:
                return 0
            self._waits_since = None
        self._queue.append(frame)
        self._packets += len(frame.payloads)
        return self._send(now)

    def replay(self, pictures: Iterable[Frame], until_ms: int, now: float) -> int:
        """Begin with the pictures since the last keyframe, as fast as they decode.

        Their times are squeezed into the moment before ``until_ms``, that of the last of them: at
        their own pace they would arrive early and be shown late, and the viewer would stay behind
        for as long as it watches.
        """
        frames = list(pictures)
        first_ms = max(until_ms - (len(frames) - 1) * REPLAY_STEP_MS, self._shown_ms + 1)
        return sum(
            self.give(frame.at(first_ms + number * REPLAY_STEP_MS), now)
            for number, frame in enumerate(frames)
        )

    def _send(self, now: float) -> int:
        sent = 0
        while self._queue:
            if not self._outlet.flush():
                self._block(now)
                return sent
            frame = self._queue.popleft()
            count = len(frame.payloads)
            self._packets -= count
            self._outlet.send(frame)
            sent += count
            if frame.is_video:
                self._shown_ms = frame.ms
        self._blocked_since = None
        return sent

    def _block(self, now: float) -> None:
        if self._blocked_since is None:
            self._blocked_since = now
        late = self._queue[-1].ms - self._queue[0].ms > QUEUE_MS
        if not late and self._packets <= QUEUE_PACKETS:
            return
        if any(frame.is_video for frame in self._queue):
            self._waits_since = now
        self.dropped += len(self._queue)
        self._queue.clear()
        self._packets = 0


def replayable(pictures: Iterable[Frame]) -> tuple[Frame, ...]:
    """Return the pictures if they are few enough to be replayed, else none."""
    kept = tuple(pictures)
    return kept if sum(len(frame.payloads) for frame in kept) <= REPLAY_PACKETS else ()
