"""The published descriptions of the live protocol and of REST, for whoever writes a client.

They are the same for everybody and name nothing of this installation: no token is asked for, and
pages of any origin may read them, as editors and generators do.
"""

import hashlib
from collections.abc import Awaitable, Callable
from importlib import resources

from aiohttp import ETag, hdrs, web

FILES = {
    "/v1/asyncapi.json": ("protocol.spec", "asyncapi.json"),
    "/v1/openapi.json": ("server.rest", "openapi.json"),
}


def routes() -> list[web.RouteDef]:
    """Return a route for each document, which is read now, once."""
    return [
        web.get(path, _showing(resources.files(package).joinpath(name).read_bytes()))
        for path, (package, name) in FILES.items()
    ]


def _showing(body: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    tag = ETag(hashlib.sha256(body).hexdigest()[:32])

    async def show(request: web.Request) -> web.Response:
        is_known = any(each.value in (tag.value, "*") for each in request.if_none_match or ())
        if is_known:
            response = web.Response(status=304)
        else:
            response = web.Response(body=body, content_type="application/json")
        response.etag = tag
        response.headers[hdrs.CACHE_CONTROL] = "public, max-age=300"
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return show
