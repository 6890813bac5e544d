"""Recordings as one MP4 each, made in the background when somebody asks for it.

One at a time on each node, from the segments that the manifest lists, each of them checked against
it. What was begun by a worker that died is begun again by another.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import structlog

from server.errors import NotFoundError, UnavailableError
from server.media.hls import manifest, playlist
from server.media.hls.manifest import ListedFile
from server.media.hls.playlist import Segment
from server.objects.store import ObjectStore
from server.ops import metrics
from server.recordings.mp4 import Movie, payload
from server.rounds import Rounds
from server.store import recording_downloads as store
from server.store.pool import Pools
from server.store.recording_downloads import Job, LeaseLostError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CONTENT_TYPE = "video/mp4"
PERIOD_SECONDS = 15.0
AGAIN_SECONDS = 5.0
"""After which a job is tried again that the object store kept from being done."""
RENEW_SECONDS = store.LEASE_SECONDS / 4
"""Of a long recording one percent may take longer than the lease is."""
_INDEX_PERCENT = 45
"""Reading is as long as writing is; the rest is for what makes the file appear."""


class DamagedError(Exception):
    """The recording is not what its manifest says; the message is for who asked."""


class Downloads:
    """Makes the files that were asked for, for as long as :meth:`run` runs."""

    def __init__(self, pools: Pools, objects: ObjectStore) -> None:
        self._pools = pools
        self._objects = objects
        self._rounds = Rounds("downloads", self.work, PERIOD_SECONDS)

    def notify(self) -> None:
        """Say that a file was asked for: it is looked at at once. Cheap."""
        self._rounds.notify()

    async def run(self) -> None:
        """Look at once, whenever told, and every :data:`PERIOD_SECONDS`, until cancelled."""
        await self._rounds.run()

    async def work(self) -> bool:
        """Make the file that was asked for first; return whether there was one.

        Raises:
            UnavailableError: If the database is away.

        """
        job = await store.claim(self._pools)
        if job is None:
            return False
        outcome = "ready"
        try:
            if job.attempts > store.MOST_ATTEMPTS:
                raise DamagedError("This recording could not be made a file.")
            await self._make(job)
        except LeaseLostError:
            outcome = "lost"
        except (DamagedError, NotFoundError, ValueError) as error:
            log.warning("recording_is_damaged", recording=job.recording, reason=str(error))
            outcome = "failed"
            reason = str(error) if isinstance(error, DamagedError) else "It is not whole."
            with suppress(LeaseLostError):
                await store.fail(self._pools, job, reason)
        except UnavailableError as error:
            log.warning("download_waits", recording=job.recording, reason=str(error))
            outcome = "waits"
            with suppress(LeaseLostError):
                await store.release(self._pools, job, seconds=AGAIN_SECONDS)
        metrics.recording_downloads.labels(outcome).inc()
        log.info("download_made", recording=job.recording, outcome=outcome)
        return True

    async def _make(self, job: Job) -> None:
        prefix = job.media_uri.rpartition("/")[0]
        source = Source(self._objects, prefix)
        movie = Movie()
        async for init, data, duration_ms in self._read(source, job, 0):
            await asyncio.to_thread(movie.add, init, data, duration_ms)
        head = await asyncio.to_thread(movie.head)
        key = f"{prefix}/{manifest.ONE_FILE}"
        before = b""
        async with self._objects.writer(key, CONTENT_TYPE) as writer:
            await writer.write(head)
            async for init, data, _ in self._read(source, job, _INDEX_PERCENT):
                for piece in payload(init, before, data):
                    await writer.write(piece)
                before = init
        try:
            await store.finish(self._pools, job, len(head) + movie.payload_size)
        except LeaseLostError:
            # Its time was over just now: whoever emptied the place may have been here before.
            await self._objects.delete(key)
            raise

    async def _read(
        self, source: "Source", job: Job, percent: int
    ) -> AsyncIterator[tuple[bytes, bytes, int]]:
        """Yield init, data and duration of each segment, and say how far the job is.

        Raises:
            DamagedError: If something is not as it was recorded.
            LeaseLostError: If the job is not ours any more.

        """
        said, renewed_at = -1, 0.0
        loop = asyncio.get_running_loop()
        segments = await source.open()
        for number, segment in enumerate(segments):
            done = percent + number * _INDEX_PERCENT // len(segments)
            if done != said or loop.time() - renewed_at >= RENEW_SECONDS:
                await store.progress(self._pools, job, done)
                said, renewed_at = done, loop.time()
            init = await source.init(segment.init)
            yield init, await source.file(segment.name), segment.duration_ms


class Source:
    """The files of a recording that is complete, each of them checked."""

    def __init__(self, objects: ObjectStore, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix
        self._listed: Mapping[str, ListedFile] = {}
        self._inits: dict[str, bytes] = {}

    async def open(self) -> list[Segment]:
        """Return the segments in order."""
        self._listed = manifest.decode(await self._get(manifest.NAME)).files
        return playlist.parse((await self._get(playlist.NAME)).decode()).segments

    async def init(self, name: str) -> bytes:
        """Return an init segment, of which there are few."""
        if name not in self._inits:
            self._inits[name] = await self.file(name)
        return self._inits[name]

    async def file(self, name: str) -> bytes:
        """Return a file.

        Raises:
            DamagedError: If it is not what was recorded.

        """
        data = await self._get(name)
        digest = await asyncio.to_thread(hashlib.sha256, data)
        if name not in self._listed or self._listed[name].sha256 != digest.hexdigest():
            raise DamagedError(f"{name} is not what was recorded.")
        return data

    async def _get(self, name: str) -> bytes:
        return await self._objects.get(f"{self._prefix}/{name}")
