"""Uploads, and what the class can be shown: slides page by page, boards as SVG, media."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from protocol.codec import decode_event, timestamp
from protocol.commands import AssetAdd, AssetRemove
from protocol.errors import Refusal
from protocol.events import AnyEvent
from protocol.features.board import Stroke
from protocol.frames import LogEvent
from protocol.rest import (
    Asset,
    BoardQuery,
    CommandDone,
    NewAsset,
    NewUpload,
    Page,
    PageQuery,
    Upload,
)
from server.assets import keys, svg
from server.assets.kinds import HEAD_BYTES, KINDS, sniff
from server.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from server.rest import answers
from server.rest.live import submit
from server.rest.ports import clock_key, live_sessions_key, objects_key, uploads_key
from server.rest.route import Call
from server.store import assets as store
from server.store import sessions, uploads, users

UPLOAD_SECONDS = 3600
OBJECTS_SECONDS = 10.0
MEDIA_SECONDS = 6 * 3600
PAGE_IS = "image/webp"
BOARD_IS = "image/svg+xml"
BOARD_URI = "board:"
"""Where a board is: nowhere but in the log."""

_STROKES = frozenset(("board.drawn", "board.undone", "board.cleared"))
_FOREVER = "private, max-age=86400, immutable"
_PAGES_MOST = 2000
_decode_event = msgspec.json.Decoder(LogEvent).decode


async def create_upload(call: Call[NewUpload, None]) -> Upload:
    """Begin an upload: PUT the file to ``put_url``, then commit."""
    body, identity = call.body, call.identity
    kind = KINDS[body.content_type]
    if body.bytes > kind.most_bytes:
        text = f"A file of this type has at most {kind.most_bytes} bytes."
        raise InvalidInputError(text, field="bytes")
    expires_at = call.app[clock_key].now_ms() + UPLOAD_SECONDS * 1000
    async with call.database() as connection:
        if (await sessions.get(connection, call["session"])).status in ("ended", "archived"):
            raise Refusal("session_ended", "The class is over.")
        await users.ensure(connection, identity.tenant, identity.user, identity.name)
        row = await uploads.create(
            connection,
            identity.tenant,
            call["session"],
            user=identity.user,
            role=call.role,
            name=body.name,
            content_type=body.content_type,
            size=body.bytes,
            expires_at=expires_at,
        )
    url = await call.app[objects_key].presign_put(
        keys.incoming(identity.tenant, row.session_id, row.id),
        row.content_type,
        seconds=UPLOAD_SECONDS,
        size=row.bytes,
    )
    return _upload(row, url)


async def list_uploads(call: Call[None, PageQuery]) -> Page[Upload]:
    """List the uploads of a session."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await uploads.list_of_session(
            connection, call["session"], after=call.query.after, limit=limit + 1
        )
    return answers.page(rows, limit, _upload, lambda row: row.id)


async def show_upload(call: Call[None, None]) -> Upload:
    """Return an upload and how far it has come."""
    async with call.database() as connection:
        return _upload(await uploads.get(connection, call["session"], call["upload"]))


async def commit_upload(call: Call[None, None]) -> Upload:
    """Say that the file is there: it is checked, and becomes an asset a little later.

    The size has to be the one that was announced, and the bytes have to be of the type. Where
    they are not, the file may be sent again. To commit twice is to commit once.
    """
    async with call.database() as connection:
        row = await uploads.get(connection, call["session"], call["upload"])
    if row.status != "pending":
        return _upload(row)
    if row.expires_at <= call.app[clock_key].now_ms():
        raise ConflictError("This upload has expired; begin another one.")
    await _check_content(call, row)
    async with call.database() as connection:
        row = await uploads.commit(connection, row.session_id, row.id)
    call.app[uploads_key].notify()
    return _upload(row)


async def index(call: Call[None, PageQuery]) -> Page[Asset]:
    """List what a session can be shown."""
    await _require_admitted(call)
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_of_session(
            connection, call["session"], after=call.query.after, limit=limit + 1
        )
    urls = {row.id: await _url(call, row) for row in rows}
    return answers.page(rows, limit, lambda row: _asset(row, urls[row.id]), lambda row: row.id)


async def show(call: Call[None, None]) -> Asset:
    """Return slides, a board or media of a session."""
    await _require_admitted(call)
    async with call.database() as connection:
        row = await store.get(connection, call["session"], call["asset"])
    return _asset(row, await _url(call, row))


async def create(call: Call[NewAsset, None]) -> CommandDone:
    """Add a board, or media at an address of its own."""
    body = call.body
    if body.asset_type == "whiteboard":
        if body.uri is not None:
            raise InvalidInputError("A board is nowhere but here.", field="uri")
        command = AssetAdd("whiteboard", BOARD_URI, body.name, body.pages)
    else:
        if body.uri is None or not body.uri.startswith("https://"):
            raise InvalidInputError("Expected an https address.", field="uri")
        command = AssetAdd("media", body.uri, body.name, body.pages)
    return await submit(call, call["session"], command, key=call.key)


async def remove(call: Call[None, None]) -> CommandDone:
    """Take an asset out of the class; what the class has seen is kept for its replay."""
    return await submit(call, call["session"], AssetRemove(call["asset"]), key=call.key)


async def page(call: Call[None, None]) -> web.Response:
    """Return a page of slides as a picture.

    It never changes. Slides that were taken out after the class had seen them are there for its
    replay.
    """
    await _require_admitted(call)
    number = call["page"]
    if not (number.isascii() and number.isdecimal() and 1 <= int(number[:5]) <= _PAGES_MOST):
        raise NotFoundError
    key = keys.page(await _slides(call), int(number))
    body = await call.app[objects_key].get(key)
    return web.Response(
        body=body, content_type=PAGE_IS, headers=_harmless({"Cache-Control": _FOREVER})
    )


async def board(call: Call[None, BoardQuery]) -> web.Response:
    """Return the strokes on a page of a board, or of slides, as an SVG."""
    await _require_admitted(call)
    async with call.database() as connection:
        row = await store.get(connection, call["session"], call["asset"])
    if row.asset_type == "media":
        raise NotFoundError("Nobody draws on media.")
    strokes: dict[str, Stroke] = {}
    after = 0
    while True:
        found = await call.app[live_sessions_key].events(
            row.session_id, call.identity, call.role,
            after=after, before=None, types=_STROKES, limit=1000,
        )  # fmt: skip
        svg.fold(strokes, (event for raw in found.events if (event := _event(raw))), row.id)
        if found.to >= found.head or found.to <= after:
            break
        after = found.to
    return web.Response(
        body=svg.draw(strokes.values(), call.query.page),
        content_type=BOARD_IS,
        headers=_harmless({"Cache-Control": "private, no-cache"}),
    )


async def _check_content(call: Call[None, None], row: uploads.Upload) -> None:
    """Return if what was sent is what was announced.

    Raises:
        ConflictError: If nothing was sent.
        InvalidInputError: If it is something else.
        UnavailableError: If the object store is away.

    """
    objects = call.app[objects_key]
    key = keys.incoming(call.identity.tenant, row.session_id, row.id)
    try:
        async with asyncio.timeout(OBJECTS_SECONDS):
            info = await objects.head(key)
            head = await objects.get(key, length=HEAD_BYTES)
    except TimeoutError:
        raise UnavailableError("The object store does not answer.") from None
    except NotFoundError:
        raise ConflictError("Nothing has been sent to this upload yet.") from None
    if info.bytes != row.bytes:
        text = f"Announced were {row.bytes} bytes, sent were {info.bytes}."
        raise InvalidInputError(text, field="bytes")
    kind = sniff(head)
    if kind != row.content_type:
        is_what = "no type that is taken" if kind is None else kind
        text = f"Announced was {row.content_type}, sent was {is_what}."
        raise InvalidInputError(text, field="content_type")


async def _slides(call: Call[None, None]) -> str:
    """Return the beginning of the keys of an asset's pages.

    Raises:
        NotFoundError: If there are none.

    """
    session, asset = call["session"], call["asset"]
    own = keys.slides(call.identity.tenant, session, "")
    async with call.database() as connection:
        try:
            uri = (await store.get(connection, session, asset)).uri
        except NotFoundError:
            upload = await store.find_upload_shown(connection, session, asset)
            if upload is None:
                raise
            uri = own + upload
    # A command may name any key as the address: only what is this class's is given out.
    if not uri.startswith(own):
        raise NotFoundError("This asset has no pages here.")
    return uri


async def _require_admitted(call: Call[None, Any]) -> None:
    view = await call.app[live_sessions_key].view(call["session"], call.identity, call.role)
    if view == "lobby":
        raise ForbiddenError("This is for those who are in the class.")


async def _url(call: Call[None, Any], row: store.Asset) -> str | None:
    """Return where media is: for a while, if it is kept here."""
    if row.asset_type != "media":
        return None
    if row.uri.startswith(keys.media_of(call.identity.tenant, row.session_id)):
        # Until the end of an hour: the same address for as long as that is, to be cached.
        over = call.app[clock_key].now_ms() // 1000 % 3600
        return await call.app[objects_key].presign_get(row.uri, seconds=MEDIA_SECONDS - over)
    return row.uri if row.uri.startswith("https://") else None


def _event(raw: msgspec.Raw) -> AnyEvent | None:
    event = _decode_event(raw)
    return decode_event(event.type, event.data)


def _harmless(headers: dict[str, str]) -> dict[str, str]:
    """Return ``headers`` with those that keep what others made from running as a page of ours."""
    return {
        **headers,
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }


def _upload(row: uploads.Upload, put_url: str | None = None) -> Upload:
    return Upload(
        id=row.id,
        name=row.name,
        content_type=row.content_type,
        bytes=row.bytes,
        status=row.status,
        reason=row.reason,
        pages=row.pages,
        pages_done=row.pages_done,
        asset=row.asset_id,
        put_url=put_url,
        expires_at=timestamp(row.expires_at),
        created_at=timestamp(row.created_at),
    )


def _asset(row: store.Asset, url: str | None) -> Asset:
    here = f"/v1/sessions/{row.session_id}/assets/{row.id}"
    return Asset(
        id=row.id,
        asset_type=row.asset_type,
        name=row.name,
        pages=row.pages,
        url=url,
        pages_url=f"{here}/pages/" if row.asset_type == "slide" else None,
        board_url=None if row.asset_type == "media" else f"{here}/board.svg",
        created_at=timestamp(row.created_at),
    )
