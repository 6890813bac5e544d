"""New identifiers: UUIDv7, made here because not every supported PostgreSQL can make them."""

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a UUIDv7 (RFC 9562 §5.7) greater than every earlier one of this process.

    48 bits of Unix milliseconds, 12 bits that count within the millisecond, 62 random bits.
    When more than 4,096 are asked for in one millisecond, or the clock steps back, the
    counter carries into the milliseconds: order is kept, the time runs ahead a little.
    """
    global _last
    with _lock:
        # 60 bits: milliseconds and counter as one number, so that a carry needs no rule.
        _last = max(_last + 1, (time.time_ns() // 1_000_000) << 12)
        stamp = _last
    tail = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | tail
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
