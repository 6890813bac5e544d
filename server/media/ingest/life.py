"""The life of what is on air, as a pure state machine.

::

    WAITING ──taken──▶ STEADY ──quiet──▶ STALLED ──silent──▶ SLATE ⇄ RESUMING
       ▲                 ▲ ◀───heard────────┘                  │        │
       │                 └──────────────taken──────────────────┴────────┘
       └──────────────────────held too long────────────────────┘

A stall is forgiven; a loss puts the slate on air at once, until a publisher's picture is taken
again or the slate was held for too long. The machine knows no clock and no publisher: what it
asks for are :class:`Action` values.
"""

from dataclasses import dataclass, replace
from enum import Enum

QUIET_SECONDS = 0.7
"""Without any packet for this long, something is wrong."""
SILENT_SECONDS = 2.0
"""Without any packet for this long, the publisher is lost."""
HOLD_SECONDS = 600.0
"""How long a slate keeps platforms waiting for somebody to come back."""


class Phase(Enum):
    """What is on air."""

    WAITING = "waiting"
    """Nothing: nobody has been seen yet, or the slate was held for too long."""
    STEADY = "steady"
    """A publisher."""
    STALLED = "stalled"
    """A publisher of whom nothing was heard for a moment."""
    SLATE = "slate"
    """The slate, and nobody sends."""
    RESUMING = "resuming"
    """The slate, and somebody sends whose picture is not taken yet."""


class Signal(Enum):
    """What can happen."""

    TAKEN = "taken"
    """A publisher's picture or sound goes on air from now on."""
    QUIET = "quiet"
    HEARD = "heard"
    SILENT = "silent"
    GONE = "gone"
    """The publisher's connection has ended."""
    HELD = "held"
    """The slate was held for as long as it may be."""


class Action(Enum):
    """What is to be done."""

    WARN = "warn"
    """Tell of a stall, and ask for a keyframe in case that helps."""
    LOSE = "lose"
    """Tell of the loss, and put the slate on air."""
    RESUME = "resume"
    """Take the slate off air, and tell that the publisher is back."""
    RELEASE = "release"
    """Take the slate off air: there is nothing to wait for any more."""


NEXT: dict[tuple[Phase, Signal], tuple[Phase, Action | None]] = {
    (Phase.WAITING, Signal.TAKEN): (Phase.STEADY, None),
    (Phase.STEADY, Signal.TAKEN): (Phase.STEADY, None),
    (Phase.STEADY, Signal.QUIET): (Phase.STALLED, Action.WARN),
    (Phase.STEADY, Signal.GONE): (Phase.SLATE, Action.LOSE),
    (Phase.STALLED, Signal.TAKEN): (Phase.STEADY, None),
    (Phase.STALLED, Signal.HEARD): (Phase.STEADY, None),
    (Phase.STALLED, Signal.SILENT): (Phase.SLATE, Action.LOSE),
    (Phase.STALLED, Signal.GONE): (Phase.SLATE, Action.LOSE),
    (Phase.SLATE, Signal.HEARD): (Phase.RESUMING, None),
    (Phase.SLATE, Signal.TAKEN): (Phase.STEADY, Action.RESUME),
    (Phase.SLATE, Signal.HELD): (Phase.WAITING, Action.RELEASE),
    (Phase.RESUMING, Signal.SILENT): (Phase.SLATE, None),
    (Phase.RESUMING, Signal.TAKEN): (Phase.STEADY, Action.RESUME),
}
"""Everything else changes nothing."""

_ON_SLATE = frozenset({Phase.SLATE, Phase.RESUMING})


@dataclass(frozen=True, slots=True)
class Life:
    """What is on air, and since when the slate is."""

    phase: Phase = Phase.WAITING
    slate_since: float | None = None

    @property
    def on_slate(self) -> bool:
        """Whether the slate stands in for a lost publisher."""
        return self.phase in _ON_SLATE


def step(life: Life, signal: Signal, now: float) -> tuple[Life, Action | None]:
    """Apply a signal at ``now`` seconds and return what is to be done."""
    phase, action = NEXT.get((life.phase, signal), (life.phase, None))
    if phase not in _ON_SLATE:
        return Life(phase), action
    since = now if life.slate_since is None else life.slate_since
    return replace(life, phase=phase, slate_since=since), action


def due(life: Life, now: float, heard_at: float | None) -> Signal | None:
    """Return what time alone has made happen.

    ``heard_at`` is when the last packet came: of who is on air, or of who wants to be.
    """
    silence = float("inf") if heard_at is None else now - heard_at
    match life.phase:
        case Phase.STEADY if silence > QUIET_SECONDS:
            return Signal.QUIET
        case Phase.STALLED | Phase.RESUMING if silence > SILENT_SECONDS:
            return Signal.SILENT
        case Phase.STALLED | Phase.SLATE if silence <= QUIET_SECONDS:
            return Signal.HEARD
        case Phase.SLATE if life.slate_since is not None:
            return Signal.HELD if now - life.slate_since >= HOLD_SECONDS else None
    return None
