"""Artifacts: what a class leaves behind. Staff see all of it, others no notes but their own."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from typing import Any

from aiohttp import hdrs, web

from protocol.codec import timestamp
from protocol.commands import AnyCommand, ArtifactAdd, ArtifactEdit, ArtifactRemove
from protocol.errors import Refusal
from protocol.features.artifacts import ArtifactType, Segment
from protocol.ids import STAFF, Key
from protocol.rest import (
    Artifact,
    ArtifactChange,
    ArtifactsMade,
    ArtifactsQuery,
    ArtifactsToMake,
    CaptionsQuery,
    CommandDone,
    NewArtifact,
    Page,
    Transcript,
    TranscriptQuery,
)
from server.artifacts.making import MADE
from server.artifacts.transcripts import parts
from server.artifacts.worker import Maker
from server.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from server.rest import answers
from server.rest.live import submit
from server.rest.ports import projections_key
from server.rest.problems import PreconditionFailedError
from server.rest.reading import read_body
from server.rest.route import Call
from server.store import artifacts as store
from server.store import sessions
from server.webvtt import Cue, parse, parse_subrip, write

VTT = "text/vtt"
SUBRIP = "application/x-subrip"
TRANSCRIPT_BYTES = 1 << 20
LAST_CHAPTER_MS = 1_000
"""How long the last chapter is at least: nobody knows the end of a class that goes on."""

maker_key = web.AppKey("maker", Maker)


async def index(call: Call[None, ArtifactsQuery]) -> Page[Artifact]:
    """List what a class leaves behind, in the order of ids."""
    query = call.query
    async with call.database() as connection:
        rows = await store.list_of_session(
            connection,
            call["session"],
            kind=query.artifact_type,
            notes_of=_notes_of(call),
            after=query.after,
            limit=query.limit + 1,
        )
    return answers.page(rows, query.limit, _shown, attrgetter("id"))


async def show(call: Call[None, None]) -> Artifact:
    """Return an artifact."""
    return _shown(await _get(call))


async def create(call: Call[NewArtifact, None]) -> Artifact:
    """Add an artifact by hand: the command `artifact.add`."""
    command = ArtifactAdd(call.body.artifact_type, call.body.payload)
    first, last = _sequence(await _submit(call, command, key=call.key))
    await _follow(call, last)
    async with call.database() as connection:
        return _shown(await store.made_by(connection, call["session"], first, last))


async def change(call: Call[ArtifactChange, None]) -> Artifact:
    """Give an artifact another content: the command `artifact.edit`.

    What was made by itself is a person's from then on, and not made again.
    """
    await _get(call)  # what is not there is not there, whatever the class would say
    command = ArtifactEdit(call["artifact"], call.body.payload)
    done = await _submit(call, command, key=call.key, expect=await _expected(call))
    await _follow(call, _sequence(done)[1])
    return _shown(await _get(call))


async def remove(call: Call[None, None]) -> None:
    """Take an artifact away: the command `artifact.remove`. It is not made again.

    The last one of a published replay stays (`conflict`).
    """
    await _get(call)
    command = ArtifactRemove(call["artifact"])
    done = await _submit(call, command, key=call.key, expect=await _expected(call))
    await _follow(call, _sequence(done)[1])


async def generate(call: Call[ArtifactsToMake, None]) -> ArtifactsMade:
    """Make the chapters, highlights and transcripts of a class that is over from its log again.

    They are made by themselves when a class ends; this is for what came later: marks, or another
    title. What people made, edited or removed stays as it is, and nothing is made twice.
    """
    session = call["session"]
    wanted: frozenset[ArtifactType] = (
        MADE if call.body.types is None else frozenset(call.body.types)
    )
    if not wanted <= MADE:
        raise InvalidInputError("A note is made by a person.", field="types")
    async with call.database() as connection:
        if (await sessions.get(connection, session)).status != "ended":
            raise ConflictError("This is for a class that is over and not put away.")
    made = await call.app[maker_key].make(call.identity.tenant, session, wanted)
    await _follow(call, made.sequence)
    return ArtifactsMade(*made)


async def upload_transcript(call: Call[None, TranscriptQuery]) -> Transcript:
    """Upload a transcript as WebVTT or SubRip (`application/x-subrip`), at most 1 MiB of UTF-8.

    It takes the place of every transcript in that language, and none is made of captions again. A
    line that cannot be read is named.
    """
    session = call["session"]
    kind = call.request.content_type
    raw = await read_body(call.request, (VTT, SUBRIP), most=TRANSCRIPT_BYTES)
    try:
        document = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError("A transcript is text in UTF-8.", field="body") from None
    # In a thread: a megabyte takes longer than others should have to wait.
    read = parse if kind == VTT else parse_subrip
    segments = _segments(await asyncio.to_thread(read, document), call.query.offset_ms)
    language = call.query.language or await _language(call)
    if not segments:
        raise InvalidInputError("There is not a word in it.", field="body")
    added = [
        _sequence(await _submit(call, ArtifactAdd("transcript", part), key=_key(call, str(number))))
        for number, part in enumerate(parts(language, segments))
    ]
    await _follow(call, added[-1][1])
    async with call.database() as connection:
        rows = await store.list_of_session(
            connection, session, kind="transcript", language=language
        )
    new = {first for first, _ in added}
    last = added[-1][1]
    for row in rows:
        if row.source_sequence in new:
            continue
        try:
            done = await _submit(call, ArtifactRemove(row.id), key=_key(call, row.id))
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
        else:
            last = max(last, _sequence(done)[1])
    await _follow(call, last)
    own = sorted((row for row in rows if row.source_sequence in new), key=attrgetter("touched"))
    return Transcript(language, len(segments), tuple(row.id for row in own), last)


async def captions(call: Call[None, CaptionsQuery]) -> web.Response:
    """Return the transcript in a language as WebVTT, in milliseconds since the class started."""
    language = call.query.language or await _language(call)
    rows = await _list(call, "transcript", language)
    said = sorted(
        (
            Cue(each.start_ms, each.end_ms, each.text)
            for row in rows
            for each in row.content.segments
        ),
        key=lambda cue: cue[:2],
    )
    if not said:
        raise NotFoundError
    return _track(said)


async def chapters(call: Call[None, None]) -> web.Response:
    """Return the chapters as WebVTT, each up to the next, in time since the class started."""
    rows = await _list(call, "chapter")
    async with call.database() as connection:
        row = await sessions.get(connection, call["session"])
    end_ms = 0 if row.started_at is None else (row.ended_at or row.started_at) - row.started_at
    # Of several at one moment the last counts.
    titles = {each.content.start_ms or 0: each.content.title or "" for each in rows}
    starts = sorted(titles)
    end_ms = max(end_ms, starts[-1] + LAST_CHAPTER_MS if starts else 0)
    cues = (Cue(start, end, titles[start]) for start, end in pairwise((*starts, end_ms)))
    return _track(list(cues))


def _track(cues: Sequence[Cue]) -> web.Response:
    return web.Response(
        text=write(cues),
        content_type=VTT,
        charset="utf-8",
        headers={hdrs.CACHE_CONTROL: "private, no-cache"},
    )


def _segments(cues: Sequence[Cue], offset_ms: int) -> list[Segment]:
    """Return what was said in a file that begins at ``offset_ms``; not what was before 0."""
    return [
        Segment(
            max(0, cue.start_ms + offset_ms), cue.end_ms + offset_ms, " ".join(cue.text.split())
        )
        for cue in cues
        if cue.end_ms + offset_ms >= 0
    ]


def _notes_of(call: Call[Any, Any]) -> str | None:
    """Return whose notes the caller sees: None stands for everybody's."""
    return None if call.role in STAFF else call.identity.user


async def _get(call: Call[Any, Any]) -> store.Artifact:
    async with call.database() as connection:
        row = await store.get(connection, call["session"], call["artifact"])
    if row.artifact_type == "note" and _notes_of(call) not in (None, row.user_id):
        raise NotFoundError
    return row


async def _list(
    call: Call[Any, Any], kind: ArtifactType, language: str | None = None
) -> list[store.Artifact]:
    async with call.database() as connection:
        return await store.list_of_session(
            connection, call["session"], kind=kind, language=language
        )


async def _language(call: Call[Any, Any]) -> str:
    async with call.database() as connection:
        return (await sessions.get(connection, call["session"])).language


async def _expected(call: Call[Any, Any]) -> int | None:
    """Return what ``If-Match`` stands for in the log: the tables were compared, and may be late."""
    return (await _get(call)).touched if hdrs.IF_MATCH in call.request.headers else None


async def _submit(
    call: Call[Any, Any], command: AnyCommand, *, key: Key, expect: int | None = None
) -> CommandDone:
    """Let the class do ``command``.

    Raises:
        PreconditionFailedError: If the artifact was changed after event ``expect``.
        InvalidInputError: If an artifact of its type is made of something else.
        Refusal: If it was not done otherwise.

    """
    # In transactions of its own: the class must see whoever it is told of.
    alone = replace(call, connection=None)
    try:
        return await submit(alone, call["session"], command, key=key, expect=expect)
    except Refusal as refusal:
        if expect is not None and refusal.touched is not None:
            raise PreconditionFailedError from None
        if refusal.code == "bad_request":
            # Its form has been checked: it is its meaning that is not right.
            raise InvalidInputError(refusal.message, field=refusal.field) from None
        raise


def _sequence(done: CommandDone) -> tuple[int, int]:
    assert done.sequence is not None, "a command on an artifact has an event"
    return done.sequence


async def _follow(call: Call[Any, Any], sequence: int) -> None:
    """Wait until the tables show what was done.

    Raises:
        UnavailableError: If they do not in time; asked again with the same key it is not done
            again.

    """
    if not await call.app[projections_key].wait_for(call["session"], sequence):
        raise UnavailableError("It is done, and not shown yet; read it again.")


def _key(call: Call[Any, Any], part: str) -> Key:
    return str(uuid.uuid5(uuid.UUID(call["session"]), f"{call.key} {part}"))


def _shown(row: store.Artifact) -> Artifact:
    return Artifact(
        id=row.id,
        artifact_type=row.artifact_type,
        payload=row.content,
        source_sequence=row.source_sequence,
        touched=row.touched,
        version=row.version,
        user=row.user_id,
        created_at=timestamp(row.created_at),
    )
