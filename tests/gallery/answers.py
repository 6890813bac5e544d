"""What REST answers to the page at ``/`` is made of: ids, times around now, and lists."""

import time
from typing import Any

import msgspec

from protocol import codec

HOUR, DAY = 3_600_000, 86_400_000
NOW_MS = int(time.time() * 1000)
"""The page says of days which of them is today."""


def identifier(number: int) -> str:
    """Return the id of the thing with this number."""
    return f"01900000-0000-7000-9000-{number:012d}"


def at(milliseconds: int) -> str:
    """Return the moment so long from now."""
    return codec.timestamp(NOW_MS + milliseconds)


def page(*items: Any) -> dict[str, Any]:
    """Return a list that is whole."""
    return {
        "items": [msgspec.to_builtins(each) for each in items],
        "next": None,
    }
