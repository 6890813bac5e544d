"""When a message is tried again: eight tries in about a day, apart more and more."""

import random

_MINUTE, _HOUR = 60, 3600
DELAYS_SECONDS = (10, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR, 15 * _HOUR)
TRIES = len(DELAYS_SECONDS) + 1
JITTER = 0.1
"""Each pause is longer or shorter by up to this part of it: what failed together returns apart."""

GIVEN_UP_MS = round(sum(DELAYS_SECONDS) * (1 - JITTER) * 1000)
"""Who fails for this long when a message is given up has taken nothing since its first try."""


def next_try_ms(tries: int, at_ms: int) -> int | None:
    """Return when to try again after the ``tries``-th try failed; None: never."""
    if tries >= TRIES:
        return None
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not for secrecy
    return at_ms + round(DELAYS_SECONDS[max(tries, 1) - 1] * spread * 1000)
