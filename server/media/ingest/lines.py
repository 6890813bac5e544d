"""A sender's wall clock as a straight line over its RTP clock, and what two such lines say. Pure.

Points come from sender reports, or from the arrival of packets. A point that contradicts the line
is doubted; when three in a row agree with each other and not with the line, the wall clock was
set, and a new line begins with them. While one line is doubted, or has begun anew and the other
has not been heard of since, nothing is said of how the streams relate: wall clocks are set for
both streams, but not both are told of it at the same time.
"""

import math
from collections import deque
from collections.abc import Mapping

WINDOW_SECONDS = 30.0
MOST_POINTS = 256
"""Senders report a few times a second; one whose RTP clock stands still may do so for ever."""
MAX_SLOPE = 500e-6
# A slope over a second or two would be noise.
MIN_SPAN_SECONDS = 5.0
TOLERANCE_SECONDS = 0.06
"""How far a point may be off: reports are made in threads that wait for each other."""
CONVINCING = 3
"""Points that contradict the line before they are believed."""


class Line:
    """Fitted over the last 30 s; its slope never leaves ±500 ppm of the nominal rate."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._points: deque[tuple[float, float]] = deque(maxlen=MOST_POINTS)
        """Media seconds and the wall clock's advance over them."""
        self._doubted: list[tuple[float, float]] = []
        self._origin: tuple[int, float] | None = None
        self._slope = 0.0
        self._mean = (0.0, 0.0)

    @property
    def points(self) -> int:
        """How many points the line rests on."""
        return len(self._points)

    @property
    def is_certain(self) -> bool:
        """Whether there is a line, and nothing contradicts it."""
        return self._origin is not None and not self._doubted

    def add(self, wall: float, timestamp: int) -> bool:
        """Take the wall clock and the unwrapped RTP timestamp of one instant.

        Return whether a new line begins where there was another.
        """
        if self._origin is None:
            self._origin = (timestamp, wall)
        rtp_zero, wall_zero = self._origin
        media = (timestamp - rtp_zero) / self._rate
        point = (media, wall - wall_zero - media)
        is_new = False
        if not self._points or abs(point[1] - self._advance(media)) <= TOLERANCE_SECONDS:
            self._doubted.clear()
            self._points.append(point)
        else:
            agreeing = [p for p in self._doubted if abs(p[1] - point[1]) <= TOLERANCE_SECONDS]
            self._doubted = [*agreeing, point]
            if len(self._doubted) < CONVINCING:
                return False
            self._points = deque(self._doubted, MOST_POINTS)
            self._doubted = []
            is_new = True
        while self._points[-1][0] - self._points[0][0] > WINDOW_SECONDS:
            self._points.popleft()
        self._fit()
        return is_new

    def wall(self, timestamp: int) -> float:
        """Return the wall clock in seconds at an unwrapped RTP timestamp."""
        rtp_zero, wall_zero = self._known_origin()
        media = (timestamp - rtp_zero) / self._rate
        return wall_zero + media + self._advance(media)

    def timestamp(self, wall: float) -> float:
        """Return the unwrapped RTP timestamp at a wall clock: the inverse of :meth:`wall`."""
        rtp_zero, wall_zero = self._known_origin()
        mean_x, mean_y = self._mean
        media = (wall - wall_zero - mean_y + self._slope * mean_x) / (1 + self._slope)
        return rtp_zero + media * self._rate

    def _advance(self, media: float) -> float:
        mean_x, mean_y = self._mean
        return mean_y + self._slope * (media - mean_x)

    def _fit(self) -> None:
        points = self._points
        count = len(points)
        mean_x = sum(x for x, _ in points) / count
        mean_y = sum(y for _, y in points) / count
        slope = 0.0
        if points[-1][0] - points[0][0] >= MIN_SPAN_SECONDS:
            spread = sum((x - mean_x) ** 2 for x, _ in points)
            slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
        self._slope = max(-MAX_SLOPE, min(MAX_SLOPE, slope))
        self._mean = (mean_x, mean_y)

    def _known_origin(self) -> tuple[int, float]:
        assert self._origin is not None, "no point yet"
        return self._origin


class Relation:
    """How the RTP clocks of sound and picture relate, by one wall clock."""

    def __init__(self, rates: Mapping[str, int]) -> None:
        self._rates = rates
        self._lines = {kind: Line(rate) for kind, rate in rates.items()}
        self._told_at = dict.fromkeys(rates, -math.inf)
        self._set_at = -math.inf
        """When a line began anew."""

    @property
    def is_known(self) -> bool:
        """Whether both streams were heard of."""
        return all(line.points for line in self._lines.values())

    @property
    def is_confirmed(self) -> bool:
        """Whether both streams were heard of more than once."""
        return all(line.points > 1 for line in self._lines.values())

    def add(self, kind: str, wall: float, timestamp: int, now: float) -> None:
        """Take the wall clock and the unwrapped RTP timestamp of one instant."""
        self._told_at[kind] = now
        if self._lines[kind].add(wall, timestamp):
            self._set_at = now

    def forget(self, kind: str) -> None:
        """Begin anew with a stream whose RTP clock is another one."""
        self._lines[kind] = Line(self._rates[kind])

    def partner(self, timestamp: int) -> float | None:
        """Return the sound's RTP timestamp at the moment of the picture with ``timestamp``.

        None while that is not certain.
        """
        sound, picture = self._lines["audio"], self._lines["video"]
        if not (sound.is_certain and picture.is_certain):
            return None
        if min(self._told_at.values()) < self._set_at:
            return None
        return sound.timestamp(picture.wall(timestamp))
