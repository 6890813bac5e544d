"""The published description of the live protocol, for whoever writes a client.

It is the same for everybody and names nothing of this installation: no token is asked for, and
pages of any origin may read it, as editors and generators of AsyncAPI do.
"""

import hashlib
from importlib import resources

from aiohttp import ETag, hdrs, web

PATH = "/v1/asyncapi.json"


def routes() -> list[web.RouteDef]:
    """Return the route of the AsyncAPI document, which is read now, once."""
    body = resources.files("protocol.spec").joinpath("asyncapi.json").read_bytes()
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

    return [web.get(PATH, show)]
