"""How a session's streams are, in words a teacher understands. Pure.

Samples are taken once a second; a verdict looks at the last few. It says whose side the trouble
is on: ``uplink`` (publisher to us), ``platform`` (us to the destination).
"""

from enum import StrEnum

WINDOW = 5
"""Samples that a verdict looks at."""


class State(StrEnum):
    """A verdict."""

    GOOD = "good"
    UNSTABLE = "unstable"
    FAILING = "failing"
    NO_DATA = "no_data"


Verdict = dict[str, object]
"""What a ``health`` frame says of one stream (docs/protocol.md)."""


def verdict(state: State, side: str, text: str, kbps: int) -> Verdict:
    """Return a verdict; what else is known of the stream is added to it."""
    return {"state": state.value, "side": side, "text": text, "kbps": kbps}


def kilobits(count: int, seconds: float) -> int:
    """Return the rate at which ``count`` bytes came in ``seconds``, in kbit/s."""
    return round(count * 8 / 1000 / seconds) if seconds > 0 else 0
