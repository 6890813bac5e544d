"""What WHIP and WHEP demand of an address beside its methods: to be asked, and to be looked at.

They have no representation: a GET finds nothing, and that is a success (RFC 9725 §4.1). An OPTIONS
says what is taken, and to who shows a token also the ICE servers, for encoders that must know them
before they make an offer (§4.6); browsers that ask before they send are told no credentials.
"""

from collections.abc import Iterable

from aiohttp import hdrs, web
from multidict import CIMultiDict

from server.auth import policy, turn
from server.auth.turn import turn_key
from server.rest import reading
from server.rest.authorization import authenticate, authorize
from server.rest.cors import is_preflight
from server.rest.route import Route

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


def table(routes: Iterable[Route]) -> list[web.RouteDef]:
    """Return what WHIP and WHEP demand beside their ``routes``."""
    found: list[web.RouteDef] = []
    for each in routes:
        if each.takes == SDP:
            found += _endpoint(each)
        elif each.takes == FRAGMENT:
            found += _resource(each)
    return found


def _endpoint(start: Route) -> list[web.RouteDef]:
    """Return what there is beside the route that takes offers."""

    async def ask(request: web.Request) -> web.Response:
        reading.check_ids(request)
        headers = CIMultiDict({hdrs.ALLOW: "GET, HEAD, OPTIONS, POST", "Accept-Post": SDP})
        if hdrs.AUTHORIZATION in request.headers and not is_preflight(request):
            identity = await authenticate(request, start)
            policy.require_scope(identity, start.scope)
            await authorize(request, identity, start.access)
            headers.extend(ice_links(request.app, identity.user))
        return web.Response(headers=headers)

    async def look(request: web.Request) -> web.Response:
        # By the type players know that this can be watched (draft-ietf-wish-whep).
        reading.check_ids(request)
        return web.Response(headers={hdrs.CONTENT_TYPE: SDP})

    return [web.options(start.path, ask), web.get(start.path, look)]


def _resource(trickle: Route) -> list[web.RouteDef]:
    """Return what there is beside the routes of somebody who publishes or watches."""

    async def ask(request: web.Request) -> web.Response:
        reading.check_ids(request)
        return web.Response(
            headers={hdrs.ALLOW: "DELETE, GET, HEAD, OPTIONS, PATCH", "Accept-Patch": FRAGMENT}
        )

    async def look(request: web.Request) -> web.Response:
        reading.check_ids(request)
        return web.Response(status=204)

    return [web.options(trickle.path, ask), web.get(trickle.path, look)]


def ice_links(app: web.Application, user: str) -> CIMultiDict[str]:
    """Return the ``Link`` headers that tell ``user`` of the ICE servers."""
    servers = app[turn_key].servers(user)
    return CIMultiDict((hdrs.LINK, value) for value in turn.links(servers))
