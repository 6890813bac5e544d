"""Where a hub worker takes connections: each listener beside those of its neighbours."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import web

BACKLOG = 4096
"""A whole school may come at once; the default of 128 makes most of it wait for seconds."""
SHUTDOWN_SECONDS = 2.0


async def listen(
    stack: AsyncExitStack, app: web.Application, host: str, port: int
) -> tuple[str, web.TCPSite]:
    """Serve ``app`` until the stack unwinds; return its URL, and what listens."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    # Several processes share the port of the server.
    site = web.TCPSite(runner, host, port, backlog=BACKLOG, reuse_port=True)
    await site.start()
    return url_of(host, runner.addresses[0][1]), site


def close_when(
    is_leaving: Callable[[], bool],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Let connections end with their present request while ``is_leaving``."""

    async def close(_request: web.Request, response: web.StreamResponse) -> None:
        if is_leaving():
            response.force_close()

    return close


def url_of(host: str, port: int) -> str:
    """Return the URL of what listens there."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
