"""How a session's streams are judged: samples once a second, a verdict from the last few. Pure."""

WINDOW = 5
"""Samples that a verdict looks at."""


def kilobits(count: int, seconds: float) -> int:
    """Return the rate at which ``count`` bytes came in ``seconds``, in kbit/s."""
    return round(count * 8 / 1000 / seconds) if seconds > 0 else 0
