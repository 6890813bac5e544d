"""Replays: a class that is over, moment by moment, its media, its publication, its archive."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from protocol import commands as cmd
from protocol.codec import timestamp
from protocol.features.artifacts import ArtifactPayload
from protocol.features.marks import CaptionAdded
from protocol.ids import STAFF
from protocol.rest import (
    Page,
    Replay,
    ReplayChange,
    ReplayEvent,
    ReplayEvents,
    ReplayEventsQuery,
    ReplayGap,
    ReplayMedia,
    ReplayPlayback,
    ReplaysQuery,
    ReplayState,
    ReplayStateQuery,
)
from server.auth.access import STAFFERS
from server.errors import InvalidInputError, NotFoundError, UnavailableError
from server.hub.views import Audience
from server.replays import archive
from server.replays.media import Timelines
from server.replays.moments import Moments
from server.replays.timeline import Timeline
from server.replays.tracks import Tracks
from server.rest import live, media
from server.rest.ports import clock_key, objects_key, projections_key
from server.rest.route import Call
from server.rest.streams import stream
from server.store import heads, replays, standings
from server.store.log import PAGE
from server.store.pool import pools_key
from server.store.standings import Reach
from server.webvtt import Cue, write

VTT = "text/vtt"
ZIP = "application/zip"

moments_key = web.AppKey("moments", Moments)
timelines_key = web.AppKey("timelines", Timelines)


async def index(call: Call[None, ReplaysQuery]) -> Page[Replay]:
    """List replays: the published ones of all classes that the caller may see, and staff's drafts.

    They come in the order in which their sessions were made.
    """
    assert call.reach is not None, "the access of this route is within it"
    identity, query = call.identity, call.query
    async with call.database() as connection:
        given, _ = await standings.list_granted(connection, identity.tenant, identity.user)
        staffed = [each for each in given if each.role in STAFF and identity.role in STAFF]
        rows = await replays.list_all(
            connection,
            seen=call.reach,
            kept=Reach.of(identity.user, staffed, STAFFERS),
            course=query.course,
            status=query.status,
            newest_first=query.order == "newest",
            after=query.after,
            limit=query.limit + 1,
        )
    shown = tuple(_shown(call, row) for row in rows[: query.limit])
    return Page(shown, shown[-1].id if len(rows) > query.limit else None)


async def show(call: Call[None, None]) -> Replay:
    """Return the replay of a class, from the second it ends; a draft is the staff's alone."""
    async with call.database() as connection:
        row = await replays.get(connection, _session(call))
    if row.status == "draft" and call.role not in STAFF:
        raise NotFoundError
    return _shown(call, row)


async def change(call: Call[ReplayChange, None]) -> Replay:
    """Plan when a replay is published, or take the plan back.

    Refused (`conflict`, with the reason) without a finalized recording and an artifact.
    """
    when = call.body.publish_at
    planned = None if when is None else _to_come(when, call.app[clock_key].now_ms())
    return await _performed(call, cmd.ReplaySchedule(planned))


async def publish(call: Call[None, None]) -> Replay:
    """Publish a replay now: whoever may see the class can watch it.

    Refused (`conflict`, with the reason) without a finalized recording and an artifact.
    """
    return await _performed(call, cmd.ReplayPublish())


async def unpublish(call: Call[None, None]) -> Replay:
    """Make a replay a draft again: it is the staff's alone.

    Addresses that were given out to play it end within an hour.
    """
    return await _performed(call, cmd.ReplayUnpublish())


async def state(call: Call[None, ReplayStateQuery]) -> ReplayState:
    """Return what the caller's view of the class saw at a moment.

    The moment is `at` since the class started, or else `t` in the media; without either the first
    of the media. Texts that were removed since are blank.
    """
    query = call.query
    past = await _past(call)
    if query.at is not None:
        wall = past.row.started_at + min(query.at, past.row.ended_at - past.row.started_at)
    else:
        wall = past.timeline.wall_of(query.t or 0)
    view = _view(call)
    moment = await call.app[moments_key].at(past.row.session, view, wall)
    media_ms = past.timeline.media_of(wall)
    shown = msgspec.Raw(msgspec.json.encode(moment.state))
    return ReplayState(media_ms, timestamp(wall), moment.sequence, view, shown)


async def events(call: Call[None, ReplayEventsQuery]) -> ReplayEvents:
    """Return what happened in a window of media time, as the caller's view shows it.

    What happened before the media begins is in the state at their first moment; what happened in
    a gap is told where that was cut out; what happened after the media, at their end.
    """
    past, query = await _past(call), call.query
    session, timeline = past.row.session, past.timeline
    async with call.database() as connection:
        first = await replays.sequence_at(connection, session, timeline.wall_of(query.from_ms) - 1)
        last = await replays.sequence_at(connection, session, timeline.wall_of(query.to_ms))
    first = max(first, query.after) + 1
    end = min(last, first + min(query.limit, PAGE) - 1)
    types = None if query.types is None else live.known_types(query.types)
    told = await call.app[moments_key].events(session, _view(call), first, end, types)
    items = tuple(
        ReplayEvent(timeline.media_of(at_ms), msgspec.Raw(data)) for _, at_ms, data in told
    )
    return ReplayEvents(items, end if end < last else None)


async def playback(call: Call[None, None]) -> ReplayPlayback:
    """Return what there is to play, with addresses that last for a while."""
    past = await _past(call)
    found: list[ReplayMedia] = []
    for each in past.recordings:
        url, expires_at_ms = media.hls(call, past.row.session, each.id)
        found.append(
            ReplayMedia(
                each.id,
                url,
                timestamp(expires_at_ms),
                past.timeline.start_of(each.id),
                each.duration_ms,
            )
        )
    languages = (await _tracks(call, past)).languages
    gaps = tuple(ReplayGap(*gap) for gap in past.timeline.gaps)
    return ReplayPlayback(past.timeline.duration_ms, tuple(found), gaps, languages)


async def captions(call: Call[None, None]) -> web.Response:
    """Return the captions in a language as WebVTT, in media time.

    A transcript takes the place of what was captioned live.
    """
    language = call["language"]
    past = await _past(call)
    cues = (await _tracks(call, past)).captions(language)
    if cues is None:
        raise NotFoundError
    return _track(cues)


async def chapters(call: Call[None, None]) -> web.Response:
    """Return the chapters as WebVTT, in media time."""
    past = await _past(call)
    return _track((await _tracks(call, past)).chapters())


async def download(call: Call[None, None]) -> web.StreamResponse:
    """Send a replay as a ZIP archive that needs nothing else.

    It holds what staff may see: events, state, captions, chapters, recordings and assets, with the
    signed head of the log, and a manifest with the SHA-256 of each file.
    """
    past, app = await _past(call), call.app
    row, tracks = past.row, await _tracks(call, past)
    texts = {
        f"captions/{each}.vtt": write(tracks.captions(each) or ()) for each in tracks.languages
    }
    texts["chapters.vtt"] = write(tracks.chapters())
    now_ms = app[clock_key].now_ms()
    head = await heads.read(app[pools_key], row.session)
    files = archive.contents(
        session=row.session,
        prefix=f"{row.tenant}/{row.session}/",
        head=head,
        moments=app[moments_key],
        objects=app[objects_key],
        recordings=[each.id for each in past.recordings],
        tracks=texts,
    )
    about = {
        "session": row.session,
        "title": row.title,
        "language": row.language,
        "started_at": timestamp(row.started_at),
        "ended_at": timestamp(row.ended_at),
        "made_at": timestamp(now_ms),
    }
    pieces: AsyncIterator[bytes] = archive.zipped(files, about, now_ms)
    name = f'attachment; filename="replay-{row.session}.zip"'
    return await stream(call.request, pieces, ZIP, headers={"Content-Disposition": name})


class _Past(NamedTuple):
    """A replay that the caller may watch, with its recordings and their time."""

    row: replays.Replay
    recordings: list[replays.Recording]
    timeline: Timeline


async def _past(call: Call[Any, Any]) -> _Past:
    """Return the replay in the path.

    Raises:
        NotFoundError: If there is none, or it is a draft and not the caller's.

    """
    async with call.database() as connection:
        row = await replays.get(connection, _session(call))
        if row.status == "draft" and call.role not in STAFF:
            raise NotFoundError
        recordings = await replays.recordings(connection, row.session)
    timeline = await call.app[timelines_key].of(recordings, row.started_at, row.ended_at)
    return _Past(row, recordings, timeline)


async def _tracks(call: Call[Any, Any], past: _Past) -> Tracks:
    session = past.row.session
    async with call.database() as connection:
        transcripts = await replays.artifacts(connection, session, "transcript")
        chapters = await replays.artifacts(connection, session, "chapter")
        captions = await replays.captions(connection, session)
    payload = msgspec.json.Decoder(ArtifactPayload)
    return Tracks(
        past.timeline,
        past.row.started_at,
        transcripts=[payload.decode(each.payload) for each in transcripts],
        live=msgspec.json.Decoder(CaptionAdded).decode_lines(b"\n".join(captions)),
        chapters=[payload.decode(each.payload) for each in chapters],
    )


async def _performed(call: Call[Any, Any], command: cmd.AnyCommand) -> Replay:
    """Do what ``command`` says, and return the replay as it is then."""
    session = _session(call)
    async with call.database() as connection:
        await replays.get(connection, session)
    done = await live.submit(call, session, command, key=call.key)
    if done.sequence is not None and not await call.app[projections_key].wait_for(
        session, done.sequence[1]
    ):
        raise UnavailableError("It is done, and not shown yet; read it again.")
    return await show(call)


def _shown(call: Call[Any, Any], row: replays.Replay) -> Replay:
    return Replay(
        id=row.session,
        course=row.course,
        title=row.title,
        language=row.language,
        status=row.status,
        publish_at=None if row.publish_at is None else timestamp(row.publish_at),
        started_at=timestamp(row.started_at),
        ended_at=timestamp(row.ended_at),
        has_media=row.finalized > 0,
        is_finalizing=row.unfinished > 0,
        recordings_deleted_at=None if row.deleted_at is None else timestamp(row.deleted_at),
        artifacts=row.artifacts,
        chapters=row.chapters,
        captions=tuple(row.languages),
        processing=_processing(row, call.app[clock_key].now_ms()),
    )


def _to_come(when: datetime, now_ms: int) -> str:
    """Return a time as commands name it.

    Raises:
        InvalidInputError: If it has passed, or its year has not four digits in UTC.

    """
    at_ms = round(when.timestamp() * 1000)
    if at_ms <= now_ms:
        raise InvalidInputError("This time has passed.", field="publish_at")
    try:
        return timestamp(at_ms)
    except (ValueError, OverflowError):
        raise InvalidInputError("There is no such time.", field="publish_at") from None


def _processing(row: replays.Replay, now_ms: int) -> str | None:
    """Return in words what a replay still waits for."""
    if row.unfinished:
        return "The recording is being finalized."
    if row.publish_at is not None and row.publish_at <= now_ms:
        if not row.finalized:
            return "It was to be published by now: there is no finalized recording."
        if not row.artifacts + row.notes:
            return "It was to be published by now: there is no artifact."
        return "It is being published."
    if row.failed and not row.finalized:
        return "The recording could not be kept."
    return None


def _session(call: Call[Any, Any]) -> str:
    """Return the class whose replay the path names: they share their id."""
    path = call.request.match_info
    return path["session"] if "session" in path else path["replay"]


def _view(call: Call[Any, Any]) -> Audience:
    return "staff" if call.role in STAFF else "student"


def _track(cues: Iterable[Cue]) -> web.Response:
    headers = {"Cache-Control": "private, no-cache"}
    return web.Response(text=write(cues), content_type=VTT, charset="utf-8", headers=headers)
