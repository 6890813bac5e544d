"""Answers that are longer than memory should be asked to hold."""

from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from protocol.errors import Refusal
from server.errors import LiveClassError
from server.rest.problems import REQUEST_ID


async def stream(
    request: web.Request,
    pieces: AsyncIterator[bytes],
    content_type: str,
    *,
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """Send ``pieces`` one after the other, at the pace of who takes them.

    What is refused before the first piece is a problem like any other. What goes wrong afterwards
    breaks the connection, so that nobody takes the part for the whole.
    """
    first = await anext(pieces, b"")
    response = web.StreamResponse(headers={"Cache-Control": "no-store", **(headers or {})})
    response.content_type = content_type
    response.charset = "utf-8"
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
    except (LiveClassError, Refusal):
        if request.transport is not None:
            request.transport.abort()
    return response
