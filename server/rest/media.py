"""WHIP to publish and WHEP to watch (RFC 9725), what there is to play, and recordings as HLS."""

import re
from collections.abc import Awaitable, Callable, Container
from http import HTTPStatus
from typing import Any

from aiohttp import web

from protocol.codec import timestamp
from protocol.ids import STAFF, SessionId, ViewName
from protocol.rest import IceServers, Page, Playback, SessionRecording
from server.auth.grants import grants_key
from server.auth.tokens import Identity
from server.auth.turn import turn_key
from server.errors import ForbiddenError, NotFoundError, UnauthorizedError
from server.media.hls.manifest import ONE_FILE
from server.media.hls.playlist import NAME as PLAYLIST
from server.media.hls.playlist import TYPES
from server.rest import answers
from server.rest.authorization import publish_token_key
from server.rest.ports import (
    SignallingAnswer,
    live_sessions_key,
    objects_key,
    signalling_key,
)
from server.rest.reading import read_body
from server.rest.route import Call
from server.rest.signalling import FRAGMENT, SDP, ice_links
from server.store import credentials, sessions
from server.store.recordings import list_of_session
from server.store.replays import is_published

_FILE = re.compile(r"[A-Za-z0-9_-]{1,64}\.(?P<kind>m3u8|m4s|mp4)")
_RESOURCE = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def publish(call: Call[None, None]) -> web.Response:
    """Start publishing; a newer publisher replaces an older one."""
    offer = await read_body(call.request, (SDP,))
    return await _negotiated(call, call.app[signalling_key].whip, offer, ("staff",))


async def watch(call: Call[None, None]) -> web.Response:
    """Start watching."""
    offer = await read_body(call.request, (SDP,))
    return await _negotiated(call, call.app[signalling_key].whep, offer, ("staff", "student"))


async def trickle(call: Call[None, None]) -> web.Response:
    """Add ICE candidates to a publisher or viewer."""
    fragment = await read_body(call.request, (FRAGMENT,))
    given = call.request.headers.get("If-Match")
    headers = {} if given is None else {"If-Match": given}
    engine = call.app[signalling_key]
    return _passed_on(await engine.patch(call["session"], _resource(call), fragment, headers))


async def end(call: Call[None, None]) -> web.Response:
    """End publishing or watching."""
    engine = call.app[signalling_key]
    return _passed_on(await engine.delete(call["session"], _resource(call)))


async def ice_servers(call: Call[None, None]) -> IceServers:
    """List the STUN and TURN servers that the caller may use, with credentials for a while.

    Answers to an offer name them in `Link` headers, too; a browser needs them before.
    """
    return call.app[turn_key].servers(call.identity.user)


async def playback(call: Call[None, None]) -> Page[Playback]:
    """List how to see and hear a session, best first."""
    session, is_staff = call["session"], call.role in STAFF
    await _require_view(call, ("staff", "student"))
    ways: list[Playback] = []
    async with call.database() as connection:
        status = (await sessions.get(connection, session)).status
        # Until a replay is published its recordings are the staff's.
        is_shown = is_staff or await is_published(connection, session)
        found = await list_of_session(connection, session) if is_shown else []
    if status == "live":
        ways += _live(call, session)
    elif is_staff and status == "scheduled":
        ways.append(_instant(session))
    for recording in reversed(found):
        if recording.status == "finalized" or (is_staff and recording.status != "failed"):
            url, expires_at_ms = hls(call, session, recording.id)
            ways.append(Playback("hls", url, timestamp(expires_at_ms)))
    return Page(tuple(ways), None)


def _live(call: Call[None, None], session: str) -> list[Playback]:
    """Return how to see what is on air: in an instant while there is room, else seconds later."""
    grants = call.app[grants_key]
    who = call.identity
    grant, expires_at_ms = grants.issue(who.tenant, session, who.user, live_as=call.role)
    url = f"/v1/sessions/{session}/live/{grant}/{PLAYLIST}"
    later = Playback("hls", url, timestamp(expires_at_ms))
    if call.app[signalling_key].has_room():
        return [_instant(session), later]
    return [later, _instant(session)]


def _instant(session: str) -> Playback:
    return Playback("whep", f"/v1/sessions/{session}/whep", None)


async def recordings(call: Call[None, None]) -> Page[SessionRecording]:
    """List the recordings of a session."""
    async with call.database() as connection:
        rows = await list_of_session(connection, call["session"])
    shown = (
        answers.recording(
            row, None if row.status == "failed" else hls(call, call["session"], row.id)[0]
        )
        for row in rows
    )
    return Page(tuple(shown), None)


async def recording_file(call: Call[None, None]) -> web.Response:
    """Return a playlist or segment of a recording."""
    return await _file(call.request, call.identity.tenant)


async def granted_file(request: web.Request) -> web.Response:
    """Return a playlist or segment of a recording to who has a grant in the path."""
    grant = request.match_info["grant"]
    tenant = request.app[grants_key].verify(request.match_info["session"], grant)
    return await _file(request, tenant)


async def live_file(request: web.Request) -> web.Response:
    """Return a file of the live HLS to who has a grant in the path and a place in the class."""
    session, file = request.match_info["session"], request.match_info["file"]
    name = _FILE.fullmatch(file)
    if name is None:
        raise NotFoundError
    holder = request.app[grants_key].holder(session, request.match_info["grant"])
    who = Identity(holder.user, holder.tenant, SessionId(session), holder.role, "", frozenset(), 0)
    view = await request.app[live_sessions_key].view(session, who, holder.role)
    if view not in ("staff", "student"):
        raise ForbiddenError("This is for those who are in the class.")
    answer = await request.app[signalling_key].hls(session, file)
    headers = dict(answer.headers)
    if answer.status == HTTPStatus.OK:
        headers["Cache-Control"] = _lifetime(name["kind"])
    return web.Response(status=answer.status, headers=headers, body=answer.body)


async def _negotiated(
    call: Call[None, None],
    start: Callable[[str, str, bytes], Awaitable[SignallingAnswer]],
    offer: bytes,
    views: Container[ViewName],
) -> web.Response:
    """Start a stream of somebody whose view of the class is one of ``views``.

    Who loses that view is expelled from the engine, which knows nothing of a stream that is being
    negotiated at that moment: hence the second look.
    """
    await _require_view(call, views)
    answer = await start(call["session"], call.identity.user, offer)
    resource = answer.headers.get("Location", "").rpartition("/")[2]
    try:
        await _require_view(call, views)
        if resource:
            await _require_kept(call, resource)
    except (ForbiddenError, UnauthorizedError):
        if resource:
            await call.app[signalling_key].delete(call["session"], resource)
        raise
    response = _passed_on(answer)
    if resource:
        response.headers.extend(ice_links(call.app, call.identity.user))
    return response


async def _require_kept(call: Call[None, None], resource: str) -> None:
    """Note what a publish token publishes, so that it ends with the token."""
    token = call.request.get(publish_token_key)
    if token is not None:
        async with call.database() as connection:
            is_kept = await credentials.note_published(connection, token, resource)
        if not is_kept:
            raise UnauthorizedError("This token was revoked.")


async def _require_view(call: Call[None, None], views: Container[ViewName]) -> None:
    view = await call.app[live_sessions_key].view(call["session"], call.identity, call.role)
    if view not in views:
        raise ForbiddenError("This is for those who are in the class.")


async def _file(request: web.Request, tenant: str) -> web.Response:
    path = request.match_info
    name = _FILE.fullmatch(path["file"])
    # All of it as one file is gigabytes, which the object store gives (`server.rest.recordings`).
    if name is None or path["file"] == ONE_FILE:
        raise NotFoundError
    key = f"{tenant}/{path['session']}/recordings/{path['recording']}/{path['file']}"
    body = await request.app[objects_key].get(key)
    return web.Response(
        body=body,
        content_type=TYPES[name["kind"]],
        headers={"Cache-Control": _lifetime(name["kind"])},
    )


def _lifetime(kind: str) -> str:
    """Return what caches may do: a playlist grows, what it names never changes."""
    return "no-cache" if kind == "m3u8" else "private, max-age=86400, immutable"


def hls(call: Call[Any, Any], session: str, recording: str) -> tuple[str, int]:
    """Return where the caller may play a recording, and until when in milliseconds."""
    grants = call.app[grants_key]
    grant, expires_at_ms = grants.issue(call.identity.tenant, session, call.identity.user)
    url = f"/v1/sessions/{session}/recordings/{recording}/{grant}/{PLAYLIST}"
    return url, expires_at_ms


def _resource(call: Call[None, None]) -> str:
    name = call["resource"]
    if not _RESOURCE.fullmatch(name):
        raise NotFoundError
    return name


def _passed_on(answer: SignallingAnswer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body or None)
