"""Which web pages of other origins may publish and watch: CORS for WHIP and WHEP alone.

A browser asks before it sends a token or SDP to another origin, and shows a page only the headers
it is told to. The origins are those that may open a live socket: ours, the configured ones, and the
tenants' domains. Nobody's tenant is known before the token; a page gains nothing from the answer
that anybody could not have without a browser.
"""

import re

from aiohttp import hdrs, web

from server.auth.origins import Origins
from server.errors import UnavailableError
from server.store import tenants
from server.store.pool import pools_key

origins_key = web.AppKey("origins", Origins)

TAKEN = "Authorization, Content-Type, If-Match"
SHOWN = "Location, ETag, Link, Accept-Patch, Retry-After, WWW-Authenticate, X-Request-Id"
KEPT_SECONDS = 7200

_PATH = re.compile(r"/v1/sessions/[^/]+/wh[ie]p(/[^/]+)?")


def is_preflight(request: web.Request) -> bool:
    """Say whether a browser asks on behalf of a page, before it sends what the page wants."""
    return (
        request.method == "OPTIONS"
        and hdrs.ORIGIN in request.headers
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )


async def share(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages of permitted origins see ``response``: for ``app.on_response_prepare``."""
    if not _PATH.fullmatch(request.path):
        return
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or not await _is_permitted(request, origin):
        return
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = SHOWN
    if is_preflight(request):
        # A refusal allows nothing.
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = response.headers.get(hdrs.ALLOW, "")
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = TAKEN
        response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(KEPT_SECONDS)


async def _is_permitted(request: web.Request, origin: str) -> bool:
    origins = request.app[origins_key]
    if origins.permits(origin, ()):
        return True
    domain = origin.lower().removeprefix("https://")
    try:
        owner = await tenants.find_by_domain(request.app[pools_key], domain)
    except UnavailableError:
        # The page sees an error of the network, which is what this is.
        return False
    return owner is not None and origins.permits(origin, (domain,))
