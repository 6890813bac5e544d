"""From a route of the table to an aiohttp handler: the same steps, in the same order, for each.

::

    token ─▶ scope ─▶ Accept ─▶ ids ─▶ query ─▶ body ─▶ access ─▶ after_sequence
          ─▶ If-Match ─▶ Idempotency-Key ─▶ handler ─▶ ETag, Location ─▶ If-None-Match ─▶ JSON
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import ETag, hdrs, web

from protocol.errors import Refusal
from server.auth import policy
from server.errors import UnavailableError
from server.ids import new_id
from server.rest import reading
from server.rest.authorization import authenticate, authorize
from server.rest.conventions import Conventions, chooses, parameters
from server.rest.ports import projections_key
from server.rest.problems import PreconditionFailedError
from server.rest.route import Call, Route
from server.store import rest_requests


def endpoint(
    route: Route, conventions: Conventions
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of ``route``, which is in the table of ``conventions``."""
    decoder = None if route.body is None else msgspec.json.Decoder(route.body)
    question = reading.Query(route.query, is_projected=route.projected)
    shown = conventions.shown_at(route) if conventions.is_conditional(route) else None
    home = conventions.home_of(route)

    async def handle(request: web.Request) -> web.StreamResponse:
        identity = await authenticate(request, route)
        policy.require_scope(identity, route.scope)
        if chooses(route):
            reading.check_accept(request, route.produces)
        reading.check_ids(request)
        query, sequence = question.read(request)
        raw = b"" if decoder is None else await reading.read_json(request)
        body = None if decoder is None else reading.decode_body(decoder, raw)
        role, reach = await authorize(request, identity, route.access)
        key = reading.read_key(request) if route.idempotent else None
        if sequence:
            await _follow(request, sequence)
        call = Call(request, identity, role, body, query, key or new_id(), reach=reach)
        if shown is not None and hdrs.IF_MATCH in request.headers:
            return await _if_unchanged(route, shown, call)
        if key is not None and not route.command:
            return await _once(route, home, call, raw)
        return _respond(route, home, call, await route.handler(call))

    return handle


async def _follow(request: web.Request, sequence: int) -> None:
    """Wait for the tables to show the log of the session up to ``sequence``."""
    session = request.match_info["session"]
    if not await request.app[projections_key].wait_for(session, sequence):
        raise UnavailableError("This is not shown yet; try again.")


async def _if_unchanged(route: Route, shown: Route, call: Call[Any, Any]) -> web.StreamResponse:
    """Make a change if what it changes still is what the caller has seen.

    Changes of this kind to the same thing wait for each other, so that only one of two succeeds
    which were made on the same ground.
    """
    async with call.database() as connection:
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            f"{call.identity.tenant} {call.request.path}",
        )
        within = replace(call, connection=connection)
        query = None if shown.query is None else shown.query()
        now = await shown.handler(replace(within, body=None, query=query))
        if not _matches(call.request.if_match, _tag(msgspec.json.encode(now))):
            raise PreconditionFailedError
        answer = await route.handler(within)
    return _respond(route, None, call, answer)


async def _once(
    route: Route, home: str | None, call: Call[Any, Any], raw: bytes
) -> web.StreamResponse:
    """Perform a request once per key: its effect and its answer commit together.

    A repetition that comes while the first is under way waits for it in the database.
    """
    tenant, user, key = call.identity.tenant, call.identity.user, call.key
    digest = hashlib.sha256(f"{route.method} {call.request.path}\n".encode() + raw).digest()
    async with call.database() as connection:
        kept = await rest_requests.claim(connection, tenant, user, key, digest)
        if kept is None:
            answer = await route.handler(replace(call, connection=connection))
            body, headers = msgspec.json.encode(answer), _headers(home, call, answer)
            answered = rest_requests.Kept(digest, route.status, msgspec.json.encode(headers), body)
            await rest_requests.keep(connection, tenant, user, key, answered)
            return _json(call, route.status, body, headers)
    if kept.digest != digest:
        raise Refusal("idempotency_conflict", "This key was used for another request.")
    headers = msgspec.json.decode(kept.headers, type=dict[str, str])
    return _json(call, kept.status, kept.body, {**headers, "Idempotency-Replayed": "true"})


def _respond(
    route: Route, home: str | None, call: Call[Any, Any], answer: Any
) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if answer is None:
        return web.Response(status=204)
    body = msgspec.json.encode(answer)
    return _json(call, route.status, body, _headers(home, call, answer))


def _headers(home: str | None, call: Call[Any, Any], answer: Any) -> dict[str, str]:
    """Return where the thing is that has been made."""
    if home is None:
        return {}
    *known, own = parameters(home)
    return {"Location": home.format(**{name: call[name] for name in known}, **{own: answer.id})}


def _json(
    call: Call[Any, Any], status: int, body: bytes, headers: Mapping[str, str]
) -> web.Response:
    tag = _tag(body)
    is_read = call.request.method in ("GET", "HEAD")
    if is_read and _matches(call.request.if_none_match, tag, weakly=True):
        response = web.Response(status=304)
    else:
        response = web.Response(
            body=body, status=status, content_type="application/json", headers=headers
        )
    response.headers[hdrs.CACHE_CONTROL] = "private, no-cache" if is_read else "no-store"
    response.etag = tag
    return response


def _tag(body: bytes) -> ETag:
    """Return the entity tag of an answer: it differs where a byte differs."""
    return ETag(hashlib.sha256(body).hexdigest()[:32])


def _matches(named: "tuple[ETag, ...] | None", tag: ETag, *, weakly: bool = False) -> bool:
    """Whether a tag that a client names is this one, or stands for all (RFC 9110 §13.1)."""
    return any(
        each.value == "*" or (each.value == tag.value and (weakly or not each.is_weak))
        for each in named or ()
    )
