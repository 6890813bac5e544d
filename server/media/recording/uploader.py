"""Segments into the object store, in order, however long it is away.

A segment is there before the playlist names it, its init segment before that: a playlist never
promises what is missing. Nothing is given up: what the store refuses is tried again until it is
taken, while what follows waits on the disk (and as far as there is room, in memory).
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from server.errors import LiveClassError, NotFoundError
from server.media.hls import manifest, playlist
from server.media.hls.playlist import File, Playlist, Segment, content_type
from server.media.recording.spool import Header, Left, Spool, SpoolError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MEMORY_BYTES = 32 << 20
"""What may wait in memory; beyond that segments are read from the disk again."""
PUT_SECONDS = 30.0
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses after a refusal; the last one again and again."""


class ObjectStore(Protocol):
    """What a recording needs of an object store."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, replacing an earlier one.

        Raises:
            UnavailableError: If it could not be stored; trying again may help.

        """

    async def get(self, key: str) -> bytes:
        """Return an object.

        Raises:
            NotFoundError: If there is none.
            UnavailableError: If the store is away.

        """


@dataclass(slots=True)
class _Pending:
    """A segment on its way; without ``data`` it is on the disk."""

    starts_at_ms: int
    size: int = 0
    duration_ms: int = 0
    left: Left | None = None
    init: bytes | None = None
    spooled: bool = True


class Uploader:
    """Uploads what one recording's spool holds, and what is put to it."""

    def __init__(
        self,
        prefix: str,
        *,
        objects: ObjectStore,
        spool: Spool,
    ) -> None:
        self._prefix = prefix
        self._objects = objects
        self._spool = spool
        self._pending = deque(_Pending(each) for each in spool.left())
        self._news = asyncio.Event()
        self._closed = False
        self.failing = False
        """Whether the store refused what was last sent."""

    @property
    def waiting(self) -> int:
        """How many segments are not uploaded."""
        return len(self._pending)

    @property
    def waiting_ms(self) -> int:
        """How much of the recording is known not to be uploaded."""
        return sum(each.duration_ms for each in self._pending)

    def put(self, segment: Left, init: bytes, *, spooled: bool) -> None:
        """Take a segment that is closed; ``spooled`` says whether it is on the disk, too.

        Raises:
            SpoolError: If it is not, and memory cannot hold it either.

        """
        self._make_room(len(segment.data))
        fits = self._in_memory + len(segment.data) <= MEMORY_BYTES
        if not fits and not spooled:
            raise SpoolError
        self._pending.append(
            _Pending(
                segment.header.starts_at_ms,
                len(segment.data),
                segment.duration_ms,
                segment if fits else None,
                init if fits else None,
                spooled,
            )
        )
        self._news.set()

    def close(self) -> None:
        """Say that nothing more is put: :meth:`run` returns once everything is uploaded."""
        self._closed = True
        self._news.set()

    async def run(self) -> Playlist:
        """Upload until closed; return the playlist that names everything."""
        found = await self._load()
        while True:
            while self._pending:
                await self._upload(found, self._pending[0])
                self._pending.popleft()
            if self._closed:
                return found
            self._news.clear()
            await self._news.wait()

    async def finalise(self) -> Playlist | None:
        """Upload what is left, close the playlist and return it; None if there is nothing.

        May be done again: what is complete stays as it is.
        """
        self.close()
        found = await self.run()
        if not found.segments:
            return None
        if not found.ended:
            listed = manifest.encode(manifest.manifest_of(found))
            # What ends the playlist says that the manifest is there.
            await self._store(manifest.NAME, listed, "application/json")
            await self._store(playlist.NAME, found.vod(), content_type(playlist.NAME))
        return found

    async def _load(self) -> Playlist:
        """Return what is stored so far."""
        text = await self._fetch(playlist.NAME)
        found = Playlist() if text is None else playlist.parse(text.decode())
        if found.ended:
            listed = await self._fetch(manifest.NAME)
            found.files = {} if listed is None else manifest.decode(listed).known
        return found

    async def _upload(self, found: Playlist, pending: _Pending) -> None:
        segment, init = pending.left, pending.init
        if segment is None or init is None:
            segment, init = await self._read(pending.starts_at_ms)
        if segment is not None and segment.header.name not in found.files:
            if found.ended:
                log.warning("segment_too_late", prefix=self._prefix, ms=segment.duration_ms)
            else:
                await self._add(found, segment, init)
        await asyncio.to_thread(self._spool.remove, pending.starts_at_ms)

    async def _add(self, found: Playlist, segment: Left, init: bytes) -> None:
        header = segment.header
        if header.init not in found.files:
            await self._put(found, header.init, init)
        await self._put(found, header.name, segment.data)
        found.add(_segment(header, segment.duration_ms, is_first=not found.segments))
        await self._store(playlist.NAME, found.event(), content_type(playlist.NAME))

    async def _read(self, starts_at_ms: int) -> tuple[Left | None, bytes]:
        """Return a segment from the disk, and what decodes it; None if it is not whole."""
        try:
            segment = await asyncio.to_thread(self._spool.read, starts_at_ms)
            if segment is not None:
                return segment, await asyncio.to_thread(self._spool.init, segment.header.init)
        except SpoolError:
            log.exception("spool_unreadable", prefix=self._prefix)
        return None, b""

    async def _put(self, found: Playlist, name: str, data: bytes) -> None:
        sha256 = (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()
        await self._store(name, data, content_type(name))
        found.files[name] = File(len(data), sha256)

    async def _store(self, name: str, data: bytes, kind: str) -> None:
        """Put an object, again and again until it is stored."""
        for pause in self._pauses():
            try:
                async with asyncio.timeout(PUT_SECONDS):
                    await self._objects.put(f"{self._prefix}/{name}", data, kind)
            except (LiveClassError, TimeoutError):
                await self._pause(pause)
            else:
                self.failing = False
                return

    async def _fetch(self, name: str) -> bytes | None:
        """Return an object, None if there is none, as soon as that can be known."""
        for pause in self._pauses():
            try:
                async with asyncio.timeout(PUT_SECONDS):
                    data = await self._objects.get(f"{self._prefix}/{name}")
            except NotFoundError:
                data = None
            except (LiveClassError, TimeoutError):
                await self._pause(pause)
                continue
            self.failing = False
            return data
        raise AssertionError("there is always another try")

    def _pauses(self) -> Iterator[float]:
        yield from RETRY_SECONDS
        while True:
            yield RETRY_SECONDS[-1]

    async def _pause(self, seconds: float) -> None:
        if not self.failing:
            log.warning("object_store_refuses", prefix=self._prefix, waiting=self.waiting)
        self.failing = True
        await asyncio.sleep(seconds)

    @property
    def _in_memory(self) -> int:
        return sum(each.size for each in self._pending if each.left is not None)

    def _make_room(self, size: int) -> None:
        """Leave to the disk what is there, the newest first, until ``size`` more fit."""
        for each in reversed(list(self._pending)[1:]):
            if self._in_memory + size <= MEMORY_BYTES:
                return
            if each.spooled:
                each.left = each.init = None


def _segment(header: Header, duration_ms: int, *, is_first: bool) -> Segment:
    return Segment(
        header.name,
        header.init,
        duration_ms,
        header.starts_at_ms,
        header.discontinuity and not is_first,
    )
