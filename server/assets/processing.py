"""What becomes of an upload once it is committed: pages or media, and an asset of the class.

Each step may be done twice: what is drawn already is not drawn again, and the command has the key
of its upload. So a worker may be killed anywhere, and the next one goes on where that is possible.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import structlog

from protocol import codec
from protocol.commands import AssetAdd
from protocol.errors import RETRYABLE, Refusal
from protocol.events import AssetAdded
from server.assets import keys
from server.assets.kinds import HEAD_BYTES, KINDS, sniff
from server.assets.renderer import Drawn, RenderError, render
from server.auth.tokens import Identity
from server.classes import Classes
from server.clock import Clock
from server.errors import NotFoundError, UnavailableError
from server.objects.store import ObjectStore
from server.ops import metrics
from server.rounds import Rounds
from server.store import uploads
from server.store.log import LogReader
from server.store.pool import Pools
from server.store.uploads import Job, LeaseLostError, PageText

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WORKERS = 2
"""Files that one node works on at once."""
PERIOD_SECONDS = 15.0
AGAIN_SECONDS = 5.0
"""After which a job is tried again whose class could not be opened."""
PIECE_BYTES = 4 << 20
PICTURE = "image/webp"


class Content(msgspec.Struct, frozen=True):
    """What an upload has become: what the command says of it, and the text of its pages."""

    asset_type: Literal["slide", "media"]
    uri: str
    pages: int | None
    texts: tuple[PageText, ...] = ()


class UnusableError(Exception):
    """The upload has failed; the message is for who made it."""


Write: TypeAlias = Callable[[bytes], Awaitable[None]]

_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode


class Processing:
    """Works on what is committed, for as long as :meth:`run` runs, as often as that runs."""

    def __init__(
        self,
        pools: Pools,
        objects: ObjectStore,
        commands: Classes,
        reader: LogReader,
        clock: Clock,
    ) -> None:
        self._pools = pools
        self._objects = objects
        self._commands = commands
        self._reader = reader
        self._clock = clock
        self._rounds = Rounds("uploads", self.work, PERIOD_SECONDS)

    def notify(self) -> None:
        """Say that an upload was committed: it is looked at at once. Cheap."""
        self._rounds.notify()

    async def run(self) -> None:
        """Look at once, whenever told, and every :data:`PERIOD_SECONDS`, until cancelled."""
        await self._rounds.run()

    async def work(self) -> bool:
        """Do the job that has waited longest; return whether there was one.

        Raises:
            UnavailableError: If the database is away.

        """
        job = await uploads.claim(self._pools)
        if job is None:
            return False
        try:
            outcome = await self._do(job)
        except LeaseLostError:
            outcome = "lost"
        except UnavailableError as error:
            log.warning("upload_waits", upload=job.id, reason=str(error))
            with suppress(LeaseLostError):
                await uploads.release(self._pools, job, seconds=AGAIN_SECONDS)
            outcome = "waits"
        metrics.uploads.labels(outcome).inc()
        log.info("upload_processed", upload=job.id, session=job.session, outcome=outcome)
        return True

    async def _do(self, job: Job) -> str:
        try:
            if job.attempts > uploads.MOST_ATTEMPTS:
                raise UnusableError("This file could not be processed.")
            content = await self._prepare(job)
            asset = await self._add(job, content)
        except UnusableError as error:
            await self._clear(job)
            await uploads.fail(self._pools, job, str(error))
            return "failed"
        await self._objects.delete(keys.incoming(job.tenant, job.session, job.id))
        await uploads.finish(self._pools, job, asset, content.pages, content.texts)
        return "ready"

    async def _prepare(self, job: Job) -> Content:
        """Return what the upload becomes, making it unless that was done before.

        Raises:
            UnusableError: If nothing can be made of it.

        """
        kind = KINDS[job.content_type]
        if kind.becomes == "slides":
            uri = keys.slides(job.tenant, job.session, job.id)
            try:
                texts = _decode_texts(await self._objects.get(f"{uri}/{keys.TEXT}"))
            except NotFoundError:
                texts = await self._draw(job, uri)
            pages = tuple(PageText(number, text) for number, text in enumerate(texts, 1))
            return Content("slide", uri, len(pages), pages)
        uri = keys.media(job.tenant, job.session, job.id, kind.suffix)
        try:
            await self._objects.head(uri)
        except NotFoundError:
            async with self._objects.writer(uri, job.content_type) as writer:
                await self._fetch(job, writer.write)
        return Content("media", uri, None)

    async def _draw(self, job: Job, uri: str) -> tuple[str, ...]:
        texts: list[str] = []

        async def keep(page: Drawn) -> None:
            await self._objects.put(keys.page(uri, page.number), page.picture, PICTURE)
            texts.append(page.text)
            await uploads.progress(self._pools, job, page.number, page.of)

        with tempfile.TemporaryDirectory(prefix="liveclass-upload-") as directory:
            source, into = Path(directory, "source"), Path(directory, "pages")
            await asyncio.to_thread(into.mkdir)
            await self._fetch(job, partial(_append, source))
            try:
                is_pdf = job.content_type == "application/pdf"
                await render("pdf" if is_pdf else "image", source, into, keep)
            except RenderError as error:
                raise UnusableError(str(error)) from None
        # Last: that it is there says that the pages are.
        await self._objects.put(
            f"{uri}/{keys.TEXT}", msgspec.json.encode(texts), "application/json"
        )
        return tuple(texts)

    async def _fetch(self, job: Job, write: Write) -> None:
        """Copy what was sent; what was checked at the commit is checked here, in what is kept."""
        source = keys.incoming(job.tenant, job.session, job.id)
        done = 0
        while done < job.bytes:
            try:
                wanted = min(PIECE_BYTES, job.bytes - done)
                data = await self._objects.get(source, start=done, length=wanted)
            except NotFoundError:
                data = b""
            if not data or (done == 0 and sniff(data[:HEAD_BYTES]) != job.content_type):
                raise UnusableError("What was sent has changed since the upload was committed.")
            await write(data)
            done += len(data)
            await uploads.progress(self._pools, job, 0, None)

    async def _add(self, job: Job, content: Content) -> str:
        """Add the asset to the class in the name of who uploaded it; return its id.

        Raises:
            UnusableError: If the class does not take it.
            UnavailableError: If nobody can tell now.

        """
        who = Identity(
            user=job.user,
            tenant=job.tenant,
            session=None,
            role=job.role,
            name=job.user_name,
            scope=frozenset(),
            expires_at_ms=self._clock.now_ms(),
        )
        command = AssetAdd(content.asset_type, content.uri, job.name, content.pages)
        try:
            done = await self._commands.perform(
                job.session, who, job.role, command, key=f"upload:{job.id}", expect=None
            )
        except Refusal as refusal:
            if refusal.code in RETRYABLE:
                raise UnavailableError(str(refusal)) from refusal
            raise UnusableError(str(refusal)) from refusal
        assert done.sequence is not None, "an asset that is added is an event"
        stored = await self._reader.read(job.session, done.sequence[0] - 1, 1)
        event = codec.decode_event(stored[0].type, stored[0].payload, stored[0].version)
        assert isinstance(event, AssetAdded), "the command's only event"
        return event.asset

    async def _clear(self, job: Job) -> None:
        """Delete what there is of an upload that has failed."""
        slides = keys.slides(job.tenant, job.session, job.id)
        media = keys.media(job.tenant, job.session, job.id, KINDS[job.content_type].suffix)
        for key in (
            *await self._objects.list(f"{slides}/"),
            media,
            keys.incoming(job.tenant, job.session, job.id),
        ):
            await self._objects.delete(key)


async def _append(path: Path, data: bytes) -> None:
    def append() -> None:
        with path.open("ab") as file:
            file.write(data)

    await asyncio.to_thread(append)
