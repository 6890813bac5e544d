"""Fan-out as ``websockets`` does it: its ``broadcast``, on uvloop, without compression.

It fulfils the contract in :mod:`load.bench.fanout`.
"""

import asyncio
import contextlib
import gc
import json
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from load.bench.fanout import event


async def hold() -> None:
    """Serve until standard input ends."""
    peers: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/fan":
            peers.add(connection)
            try:
                await connection.wait_closed()
            finally:
                peers.discard(connection)
            return
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                wish = json.loads(message)
                for sequence in range(wish["first"], wish["first"] + wish["count"]):
                    broadcast(peers, event(sequence, wish["bytes"]).decode())

    async with serve(
        handle, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096
    ) as server:
        gc.freeze()
        print("port", next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(hold())
