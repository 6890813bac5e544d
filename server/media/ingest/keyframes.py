"""When to ask a publisher for a keyframe, and whether it listens. Pure.

WebRTC sends none unless asked, platforms need one every two seconds, and some publishers (OBS)
never listen: those are measured, and their teacher is told.
"""

CADENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.5
"""However many ask: no two requests are closer than this."""
REPEAT_SECONDS = 0.7
"""After so long without a keyframe, a request is taken for lost on its way."""
LONG_GOP_SECONDS = 4.0
"""What platforms put up with."""
ANSWER_SECONDS = 1.0
"""A request that is older than this was ignored."""
GOOD_GOP_SECONDS = 2.5
GOOD_GOPS = 3
"""After this many good groups of pictures in a row, another long one is worth telling again."""
INSISTENCE = 3


class Keyframes:
    """One publisher's keyframes: the wishes for them, and how they come."""

    def __init__(self) -> None:
        self.gop_seconds: float | None = None
        """Between the last two keyframes."""
        self._came_at: float | None = None
        self._asked_at: float | None = None
        self._unanswered_since: float | None = None
        self._wishes = 0
        self._warned = False
        self._good = 0

    def want(self) -> None:
        """Wish for one keyframe, as soon as may be."""
        self._wishes = max(self._wishes, 1)

    def insist(self) -> None:
        """Wish for a keyframe until one comes, three times at most."""
        self._wishes = INSISTENCE

    def came(self, now: float) -> None:
        """Take note of a keyframe, whether it was asked for or not: it grants every wish."""
        if self._came_at is not None:
            self.gop_seconds = now - self._came_at
            self._good = self._good + 1 if self.gop_seconds <= GOOD_GOP_SECONDS else 0
            self._warned = self._warned and self._good < GOOD_GOPS
        self._came_at = now
        self._unanswered_since = None
        self._wishes = 0

    def due(self, now: float, *, cadence: bool, starving: bool) -> bool:
        """Say whether to ask now, and take it as asked.

        ``cadence``: keyframes are needed at even intervals. ``starving``: somebody can show
        nothing before the next one.
        """
        asked = self._since(self._asked_at, now)
        if asked < PAUSE_SECONDS:
            return False
        late = cadence and self._since(self._came_at, now) >= CADENCE_SECONDS
        pause = CADENCE_SECONDS if self._unanswered_since is None else REPEAT_SECONDS
        if not (self._wishes or ((late or starving) and asked >= pause)):
            return False
        self._wishes = max(0, self._wishes - 1)
        self._asked_at = now
        if self._unanswered_since is None:
            self._unanswered_since = now
        return True

    def warns(self, now: float) -> bool:
        """Say, once, that the publisher ignores requests and its groups of pictures are long."""
        ignored = self._since(self._unanswered_since, now, never=0.0) > ANSWER_SECONDS
        long = self._since(self._came_at, now, never=0.0) > LONG_GOP_SECONDS
        if self._warned or not (ignored and long):
            return False
        self._warned = True
        self._good = 0
        return True

    @staticmethod
    def _since(moment: float | None, now: float, *, never: float = float("inf")) -> float:
        return never if moment is None else now - moment
