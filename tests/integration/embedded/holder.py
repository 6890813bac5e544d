"""A process that runs the embedded services, for tests that kill it.

holder.py DIRECTORY [UID]: prints one JSON line when all is up, stops at end of input.
"""

import asyncio
import ctypes
import json
import os
import sys
from pathlib import Path

PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


async def main() -> None:
    from server.embedded import EmbeddedError, EmbeddedServices

    try:
        async with EmbeddedServices(Path(sys.argv[1]), fast=True) as services:
            facts = {
                "database_url": services.database_url,
                "redis_url": services.redis_url,
                "pids": [services.postgres.pid, services.valkey.pid],
            }
            print(json.dumps(facts), flush=True)
            await asyncio.to_thread(sys.stdin.read)
    except EmbeddedError as error:
        print(json.dumps({"error": str(error)}), flush=True)


def become(uid: int) -> None:
    """Give up root. Where Python or this code is closed to ``uid``, only reading stays allowed."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: object) -> None:
        if getattr(libc, name)(*arguments) != 0:
            raise OSError(ctypes.get_errno(), name)

    call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    # Containers often have only the second.
    for number in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        # Effective, permitted, inheritable; the upper 32 capabilities follow.
        sets = (ctypes.c_uint32 * 6)(*[1 << number] * 3, 0, 0, 0)
        if libc.capset(header, sets) == 0:
            break
    call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0)


if len(sys.argv) > 2:
    become(int(sys.argv[2]))
asyncio.run(main())
