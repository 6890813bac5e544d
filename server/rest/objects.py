"""Objects behind signed URLs, where the object store is a directory and cannot serve them."""

from aiohttp import web

from protocol.errors import Refusal
from server.errors import NotFoundError, UnavailableError
from server.objects.signing import PATH, UrlSigner
from server.rest.ports import objects_key
from server.rest.problems import UnsupportedMediaTypeError

PIECE_BYTES = 1 << 20
MOST_BYTES = 1 << 30

signer_key = web.AppKey("signer", UrlSigner)


def table() -> list[web.RouteDef]:
    """Return the routes; who may is in the URL's signature."""
    return [web.get(f"{PATH}{{key:.+}}", read), web.put(f"{PATH}{{key:.+}}", write)]


async def read(request: web.Request) -> web.StreamResponse:
    """Send an object, or the part of it that ``Range`` asks for."""
    key = request.match_info["key"]
    request.app[signer_key].check(request.method, key, request.query)
    objects = request.app[objects_key]
    info = await objects.head(key)
    try:
        start, end, _ = request.http_range.indices(info.bytes)
    except ValueError:
        raise Refusal("bad_request", "This range is not one.", field="Range") from None
    is_part = "Range" in request.headers
    if is_part and start >= end:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{info.bytes}"})
    response = web.StreamResponse(status=206 if is_part else 200)
    response.content_type = info.content_type
    response.content_length = end - start
    response.headers["Accept-Ranges"] = "bytes"
    # What others have uploaded never runs as a page of ours.
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if is_part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.bytes}"
    await response.prepare(request)
    while request.method == "GET" and start < end:
        try:
            data = await objects.get(key, start=start, length=min(PIECE_BYTES, end - start))
        except (NotFoundError, UnavailableError):
            data = b""
        if not data:
            # Too late for a problem: break off, so that nobody takes the part for the whole.
            if request.transport is not None:
                request.transport.abort()
            break
        await response.write(data)
        start += len(data)
    return response


async def write(request: web.Request) -> web.Response:
    """Take an object of the signed content type."""
    key, query = request.match_info["key"], request.query
    request.app[signer_key].check("PUT", key, query)
    kind = query.get("type", "")
    if request.headers.get("Content-Type") != kind:
        raise UnsupportedMediaTypeError(kind)
    most = min(MOST_BYTES, int(query.get("most", MOST_BYTES)))
    size = 0
    async with request.app[objects_key].writer(key, kind) as writer:
        async for piece in request.content.iter_chunked(PIECE_BYTES):
            size += len(piece)
            if size > most:
                raise Refusal("too_large", f"This object holds at most {most} bytes.")
            await writer.write(piece)
    return web.Response(status=204)
