"""Fan-out as ``python-socketio`` does it: ``emit`` to everybody, on aiohttp and uvloop.

``/control`` is that of the contract in :mod:`load.bench.fanout`; subscribers speak Socket.IO over a
WebSocket.
"""

import asyncio
import gc
import json
import sys
from typing import Any

import socketio
import uvloop
from aiohttp import web

from load.bench.fanout import event


async def hold() -> None:
    """Serve until standard input ends."""
    server: Any = socketio.AsyncServer  # it has no types
    room = server(
        async_mode="aiohttp", transports=["websocket"], ping_interval=600, ping_timeout=600
    )
    app = web.Application()
    room.attach(app)

    async def control(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            wish = json.loads(message.data)
            for sequence in range(wish["first"], wish["first"] + wish["count"]):
                await room.emit("event", json.loads(event(sequence, wish["bytes"])))
        return socket

    app.router.add_get("/control", control)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    gc.freeze()
    print("port", runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(hold())
