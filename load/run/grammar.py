"""The little language of the options: ``100/s``, ``10m``, ``5%/min``, ``100%@300s``.

Every parser raises :class:`ValueError` with a text that says what would have been right.
"""

import re
from dataclasses import dataclass

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"(?:{_NUMBER}(ms|s|min|m|h))")
_RATE = re.compile(rf"{_NUMBER}/(s|min|m|h)")
_PERCENT = re.compile(rf"{_NUMBER}%")
_CHURN = re.compile(rf"{_NUMBER}%/(s|min|m|h)")


@dataclass(frozen=True, slots=True)
class Storm:
    """At ``at_seconds`` this ``share`` of everybody loses the connection at once."""

    share: float
    at_seconds: float


def duration(text: str) -> float:
    """Return the seconds in ``90s``, ``10m``, ``1h30m`` or ``500ms``."""
    parts = list(_DURATION.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        raise ValueError(f"“{text}” is no duration: write it as 90s, 10m or 1h30m")
    return sum(float(part.group(1)) * _SECONDS[part.group(2)] for part in parts)


def rate(text: str) -> float:
    """Return how many a second ``100/s`` or ``600/min`` are; more than none."""
    match = _RATE.fullmatch(text)
    if match is None or float(match.group(1)) == 0:
        raise ValueError(f"“{text}” is no rate: write it as 100/s or 600/min")
    return float(match.group(1)) / _SECONDS[match.group(2)]


def percent(text: str) -> float:
    """Return ``2%`` as a share between 0 and 1."""
    match = _PERCENT.fullmatch(text)
    if match is None or float(match.group(1)) > 100:
        raise ValueError(f"“{text}” is no share: write it as 2%, at most 100%")
    return float(match.group(1)) / 100


def churn(text: str) -> float:
    """Return which share of everybody leaves in a second, from ``5%/min``; ``0%`` is nobody."""
    if text in ("0", "0%"):
        return 0.0
    match = _CHURN.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}” is no churn: write it as 5%/min")
    return float(match.group(1)) / 100 / _SECONDS[match.group(2)]


def storm(text: str) -> Storm:
    """Return the storm of ``100%@300s``."""
    share, at, moment = text.partition("@")
    if not at:
        raise ValueError(f"“{text}” is no storm: write it as 100%@300s")
    return Storm(percent(share), duration(moment))
