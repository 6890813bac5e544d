"""How the parts do that have no word for it themselves: the object store, the disk."""

import asyncio
import math
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from server.errors import NotFoundError, UnavailableError

NO_OBJECT = "check/none"
RESERVE_BYTES = 256 << 20
"""With less free there is no room for what recordings leave on the disk while they wait."""


class ObjectStore(Protocol):
    """What is asked of an object store to see that it is there."""

    async def head(self, key: str) -> object:
        """Return what is known of an object.

        Raises:
            NotFoundError: If there is none.
            UnavailableError: If the store is away.

        """


async def seen(objects: ObjectStore) -> str:
    """Ask the store for an object that does not exist; return how long the answer took.

    Raises:
        UnavailableError: If there was none.

    """
    began = time.perf_counter()
    with suppress(NotFoundError):
        await objects.head(NO_OBJECT)
    return f"{(time.perf_counter() - began) * 1000:.0f} ms"


async def room_on(directory: Path) -> str:
    """Return how much is free where ``directory`` is.

    Raises:
        UnavailableError: If that is next to nothing.
        OSError: If it is not there.

    """
    free = (await asyncio.to_thread(shutil.disk_usage, directory)).free
    if free < RESERVE_BYTES:
        raise UnavailableError("full")
    return f"{free / (1 << 30):.1f} GiB free"


def free_bytes(directory: Path) -> float:
    """Return what is free where ``directory`` is; not a number if that cannot be known."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return math.nan
