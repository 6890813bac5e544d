"""The fan-out alone, for ``make bench``: rooms, rules and the log left out.

It fulfils the contract in ``load/bench/fanout.py`` with the very :class:`Feed` and :class:`Peer`
that live classes use. A batch is published event by event, as the commits of a burst are.
"""

import asyncio
import gc
import json
import sys

import uvloop
from aiohttp import web

from protocol.errors import CloseCode
from server.errors import UnavailableError
from server.hub.fanout import Feed
from server.hub.peer import Peer
from server.hub.wire import Frame
from server.tasks import Supervisor


async def _no_log(after: int, head: int) -> Frame:
    raise UnavailableError(f"There is no log to read {after}…{head} from.")


async def serve() -> None:
    """Serve until standard input ends."""
    async with Supervisor("bench") as tasks:
        feed = Feed(head=0, read=_no_log, tasks=tasks)

        async def fan(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(compress=False)
            writer = await socket.prepare(request)
            transport, protocol = request.transport, request.protocol
            if transport is None or writer is None:
                return socket

            def close(_: CloseCode) -> None:
                transport.abort()

            peer = Peer(
                transport,
                is_paused=lambda: protocol.writing_paused,
                drain=writer.drain,
                close=close,
            )
            feed.attach(peer, feed.head)
            try:
                async for _ in socket:
                    pass
            finally:
                feed.detach(peer)
            return socket

        async def control(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(compress=False)
            await socket.prepare(request)
            async for message in socket:
                wish = json.loads(message.data)
                for sequence in range(wish["first"], wish["first"] + wish["count"]):
                    feed.publish(feed.head + 1, feed.head + 1, _event(sequence, wish["bytes"]))
            return socket

        app = web.Application()
        app.router.add_get("/fan", fan)
        app.router.add_get("/control", control)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
        gc.freeze()
        sys.stdout.write(f"port {runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.buffer.read)
        await runner.cleanup()


def _event(sequence: int, size: int) -> bytes:
    start, end = b'{"sequence":%d,"text":"' % sequence, b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve())
