"""The load generator in Python, for where no compiler is: it serves the same lines as the one in C.

What they are, and what each answers, the headers in ``load/native`` say. It saturates sooner: a
tenth as many deliveries fill its processor.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any


async def next_line(reader: asyncio.StreamReader) -> list[str]:
    """Return the words of the next line of input; nothing at its end."""
    while line := await reader.readline():
        if words := line.decode().split():
            return words
    return []


def answer(told: Mapping[str, Any]) -> None:
    """Say how it went, in one line."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def standard_input() -> asyncio.StreamReader:
    """Return a reader of what comes in."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader
