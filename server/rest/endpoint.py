"""From a route of the table to an aiohttp handler: the same steps, in the same order, for each.

::

    token ─▶ scope ─▶ ids ─▶ query ─▶ body ─▶ access ─▶ [idempotency key] ─▶ handler ─▶ JSON
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from protocol import codec
from protocol.errors import Refusal
from protocol.ids import Role
from protocol.rest import ProblemCode
from server.auth import policy
from server.auth.tokens import Identity, tokens_key
from server.errors import ForbiddenError, NotFoundError, UnauthorizedError
from server.rest.problems import UnsupportedMediaTypeError
from server.rest.route import Call, Route
from server.store import participants, rest_requests, users
from server.store.pool import AcquiredConnection, pools_key

BODY_BYTES = 65_536
COMMON_ERRORS: tuple[ProblemCode, ...] = ("unauthorized", "forbidden", "unavailable", "internal")

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# Parts of a path that are no ids: what they may be is checked where they are used.
_NAMES = frozenset(("file", "grant", "resource"))


def endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of ``route``."""
    decoder = None if route.body is None else msgspec.json.Decoder(route.body)

    async def handle(request: web.Request) -> web.StreamResponse:
        identity = authenticate(request)
        policy.require_scope(identity, route.scope)
        _check_ids(request)
        query = None if route.query is None else _decode_query(request, route.query)
        raw = b"" if decoder is None else await _read_json(request)
        body = None if decoder is None else _decode_body(decoder, raw)
        async with request.app[pools_key].tenant(identity.tenant) as connection:
            role = await _authorize(connection, identity, route, request)
        call = Call(request, identity, role, body, query)
        key = request.headers.get("Idempotency-Key") if route.idempotent else None
        if key is not None:
            return await _once(route, call, key, raw)
        return _respond(route, await route.handler(call))

    return handle


def authenticate(request: web.Request) -> Identity:
    """Return who the bearer token of ``request`` says the caller is.

    Raises:
        UnauthorizedError: If there is none, or it does not hold.

    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError
    return request.app[tokens_key].verify(token.strip())


async def read_body(request: web.Request, content_types: tuple[str, ...]) -> bytes:
    """Return the body, which must be of one of ``content_types`` and at most 64 KiB.

    Raises:
        UnsupportedMediaTypeError: If it is of another type.
        Refusal: ``too_large``.

    """
    if request.content_type not in content_types:
        raise UnsupportedMediaTypeError(" or ".join(content_types))
    data = bytearray()
    if (request.content_length or 0) <= BODY_BYTES:
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > BODY_BYTES:
                break
        else:
            return bytes(data)
    raise Refusal("too_large", f"A body holds at most {BODY_BYTES} bytes.")


async def _read_json(request: web.Request) -> bytes:
    if request.method == "PATCH":
        return await read_body(request, ("application/json", "application/merge-patch+json"))
    return await read_body(request, ("application/json",))


def _decode_body(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise codec.bad_request(error, raw) from None


def _decode_query(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    parameters = dict(request.query)
    if len(parameters) != len(request.query):
        raise Refusal("bad_request", "A parameter is given twice.", field="query")
    try:
        return msgspec.convert(parameters, kind, strict=False)
    except msgspec.ValidationError as error:
        raise codec.bad_request(error, b"", "query") from None


def _check_ids(request: web.Request) -> None:
    for name, text in request.match_info.items():
        if name not in _NAMES and not _ID.fullmatch(text):
            raise NotFoundError


async def _authorize(
    connection: AcquiredConnection, identity: Identity, route: Route, request: web.Request
) -> Role:
    if route.access.within == "tenant":
        known = await users.standing(connection, identity.user)
        role = policy.role_in_tenant(identity, known)
    else:
        session = request.match_info["session"]
        standing = await participants.standing(connection, session, identity.user)
        role = policy.role_in_session(identity, session, standing)
    if role not in route.access.roles:
        raise ForbiddenError
    return role


async def _once(route: Route, call: Call[Any, Any], key: str, raw: bytes) -> web.StreamResponse:
    """Perform a request once per key: its effect and its answer commit together.

    A repetition that comes while the first is under way waits for it in the database.
    """
    if not _KEY.fullmatch(key):
        text = "An idempotency key is made of 1 to 64 of A–Z a–z 0–9 _ . : -"
        raise Refusal("bad_request", text, field="Idempotency-Key")
    tenant, user = call.identity.tenant, call.identity.user
    digest = hashlib.sha256(f"{route.method} {call.request.path}\n".encode() + raw).digest()
    async with call.database() as connection:
        kept = await rest_requests.claim(connection, tenant, user, key, digest)
        if kept is None:
            answer = await route.handler(replace(call, connection=connection))
            body = msgspec.json.encode(answer)
            answered = rest_requests.Kept(digest, route.status, b"{}", body)
            await rest_requests.keep(connection, tenant, user, key, answered)
            return _json(route.status, body)
    if kept.digest != digest:
        raise Refusal("idempotency_conflict", "This key was used for another request.")
    response = _json(kept.status, kept.body)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _respond(route: Route, answer: Any) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if answer is None:
        return web.Response(status=204)
    return _json(route.status, msgspec.json.encode(answer))


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
