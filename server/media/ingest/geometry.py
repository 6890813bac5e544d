"""When a picture's size may be relied on. Pure.

Browsers begin small and grow; a platform that was told one size punishes another. So nothing is
promised to a platform before the size has been the same for a while, nor for ever withheld.
"""

READY_SECONDS = 2.0
"""Before platforms are connected to."""
RESUME_SECONDS = 1.0
"""Before another picture takes the place of the slate."""
MOST_SECONDS = 8.0
"""A picture that never settles is taken as it is."""

Geometry = tuple[int, int]
"""Width and height in pixels."""


class GeometryGate:
    """Open once every keyframe has had the same geometry for ``steady_seconds``."""

    def __init__(self, steady_seconds: float) -> None:
        self.geometry: Geometry | None = None
        """Of the newest keyframe."""
        self._steady_seconds = steady_seconds
        self._since = 0.0
        self._first_at = 0.0

    def key(self, geometry: Geometry, now: float) -> None:
        """Take note of a keyframe."""
        if self.geometry is None:
            self._first_at = now
        if geometry != self.geometry:
            self.geometry = geometry
            self._since = now

    def is_open(self, now: float) -> bool:
        """Say whether the geometry is steady, or has been waited for long enough."""
        if self.geometry is None:
            return False
        return now - self._since >= self._steady_seconds or now - self._first_at >= MOST_SECONDS
