"""The fan-out that everybody writes first: ``await ws.send_str`` to one peer after another.

It fulfils the contract in :mod:`load.bench.fanout` and is what our fan-out is compared with. It
runs on uvloop and without compression, as fast as this way of doing it gets.
"""

import asyncio
import contextlib
import gc
import json
import sys

import uvloop
from aiohttp import web

from load.bench.fanout import event


async def serve() -> None:
    """Serve until standard input ends."""
    peers: set[web.WebSocketResponse] = set()

    async def fan(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        peers.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            peers.discard(socket)
        return socket

    async def control(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            wish = json.loads(message.data)
            for sequence in range(wish["first"], wish["first"] + wish["count"]):
                text = event(sequence, wish["bytes"]).decode()
                for peer in list(peers):
                    with contextlib.suppress(ConnectionError):
                        await peer.send_str(text)
        return socket

    app = web.Application()
    app.router.add_get("/fan", fan)
    app.router.add_get("/control", control)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    gc.freeze()
    print("port", runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve())
