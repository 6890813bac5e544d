"""Recordings to take away: one MP4 file each, made in the background."""

from aiohttp import web

from protocol.codec import timestamp
from protocol.ids import STAFF
from protocol.rest import RecordingDownload
from server.errors import NotFoundError
from server.media.hls.manifest import ONE_FILE
from server.recordings.downloads import Downloads
from server.rest.ports import clock_key, objects_key
from server.rest.route import Call
from server.store import recording_downloads as store
from server.store.recording_downloads import Download
from server.store.replays import is_published

URL_SECONDS = 3600

downloads_key = web.AppKey("downloads", Downloads)


async def ask(call: Call[None, None]) -> RecordingDownload:
    """Ask for a recording as one MP4 file, which is made in the background.

    Staff may once it is finalized, and who may watch the replay once that is published. To ask
    twice is to ask once; after a failure it is tried again.
    """
    await _require_shown(call)
    async with call.database() as connection:
        row = await store.ask(connection, call["session"], call["recording"])
    call.app[downloads_key].notify()
    return await _shown(call, row)


async def show(call: Call[None, None]) -> RecordingDownload:
    """Return how far the file of a recording is, and where it is once it is there."""
    await _require_shown(call)
    async with call.database() as connection:
        row = await store.get(connection, call["session"], call["recording"])
    return await _shown(call, row)


async def _require_shown(call: Call[None, None]) -> None:
    """Let those pass who may watch the recordings of the session.

    Raises:
        NotFoundError: If they may not: a replay that is a draft is not there for them.

    """
    if call.role in STAFF:
        return
    async with call.database() as connection:
        if not await is_published(connection, call["session"]):
            raise NotFoundError


async def _shown(call: Call[None, None], row: Download) -> RecordingDownload:
    url = expires_at = None
    if row.status == "ready":
        key = f"{row.tenant_id}/{row.session_id}/recordings/{row.recording_id}/{ONE_FILE}"
        url = await call.app[objects_key].presign_get(key, seconds=URL_SECONDS)
        expires_at = timestamp(call.app[clock_key].now_ms() + URL_SECONDS * 1000)
    return RecordingDownload(
        row.recording_id, row.status, row.progress, row.reason, row.bytes, url, expires_at
    )
