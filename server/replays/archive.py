"""A replay as one file that needs nothing else: a ZIP archive, written while it is sent.

::

    manifest.json       what this is, and the SHA-256 of every other file; the last one
    head.json           the signed head of the log (docs/operations/record.md says how to verify it)
    events.ndjson       what staff may see of the log, one event per line
    state.json          the state that these events fold to
    tracks/…            captions and chapters, WebVTT in media time
    recordings/{id}/…   index.m3u8 and what it names
    slides/… media/…    what was shown

Nothing is compressed: media are already. Python's ``zipfile`` writes to what cannot be sought in,
sizes and checksums following the data (APPNOTE.TXT §4.3.9); memory holds one piece of one file.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import msgspec

from server.clock import to_datetime
from server.errors import NotFoundError
from server.media.hls.manifest import ONE_FILE
from server.objects.store import LIST_MOST, ObjectInfo
from server.replays.moments import Moments
from server.store.heads import SignedHead
from server.store.log import PAGE

FORMAT = "liveclass-replay/1"
PIECE = 2**20


class Objects(Protocol):
    """What an archive needs of the object store."""

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Return a part of an object."""

    async def head(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""

    async def list(self, prefix: str, *, after: str = "", limit: int = LIST_MOST) -> list[str]:
        """Return keys below ``prefix``."""


class _Sink:
    """Takes what ``zipfile`` writes, until it is sent; it cannot be sought in."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Have nothing to do."""

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


async def zipped(
    files: AsyncIterable[tuple[str, AsyncIterable[bytes]]],
    about: Mapping[str, object],
    now_ms: int,
) -> AsyncIterator[bytes]:
    """Yield an archive of ``files``, each a name and its pieces, with a manifest at its end.

    ``about`` is what the manifest says beside the files. Whatever ``files`` raises comes out.
    """
    sink = _Sink()
    listed: dict[str, dict[str, object]] = {}
    stamp = to_datetime(now_ms).timetuple()[:6]
    with ZipFile(sink, "w", ZIP_STORED) as archive:  # type: ignore[call-overload]
        async for name, pieces in files:
            digest, size = hashlib.sha256(), 0
            # Nobody knows how long a file will be that is still to be read.
            with archive.open(ZipInfo(name, stamp), "w", force_zip64=True) as member:
                async for piece in pieces:
                    member.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    yield sink.take()
            listed[name] = {"bytes": size, "sha256": digest.hexdigest()}
        manifest = msgspec.json.encode({"format": FORMAT, **about, "files": listed})
        archive.writestr(ZipInfo("manifest.json", stamp), msgspec.json.format(manifest))
    yield sink.take()


async def contents(
    *,
    session: str,
    prefix: str,
    head: SignedHead,
    moments: Moments,
    objects: Objects,
    recordings: Iterable[str],
    tracks: Mapping[str, str],
) -> AsyncIterator[tuple[str, AsyncIterable[bytes]]]:
    """Yield the files of a replay; ``prefix`` is where the objects of its class are.

    Raises:
        UnavailableError: If the log or the objects cannot be read now.

    """
    yield "head.json", _whole(msgspec.json.encode(head))
    yield "events.ndjson", _lines(moments, session, head.sequence)
    moment = await moments.at(session, "staff", 2**53)
    state = {"sequence": moment.sequence, "state": moment.state}
    yield "state.json", _whole(msgspec.json.encode(state))
    for name, text in tracks.items():
        yield f"tracks/{name}", _whole(text.encode())
    for folder in (*(f"recordings/{each}/" for each in recordings), "slides/", "media/"):
        async for key in _keys(objects, prefix + folder):
            if key.endswith(f"/{ONE_FILE}"):
                continue  # what is in it is here as segments
            yield key.removeprefix(prefix), _pieces(objects, key)


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _lines(moments: Moments, session: str, last: int) -> AsyncIterator[bytes]:
    for first in range(1, last + 1, PAGE):
        page = await moments.events(session, "staff", first, min(first + PAGE - 1, last))
        yield b"".join(data + b"\n" for _, _, data in page)


async def _keys(objects: Objects, prefix: str) -> AsyncIterator[str]:
    after = ""
    while keys := await objects.list(prefix, after=after):
        for key in keys:
            yield key
        after = keys[-1]


async def _pieces(objects: Objects, key: str) -> AsyncIterator[bytes]:
    try:
        size = (await objects.head(key)).bytes
        for start in range(0, size, PIECE):
            yield await objects.get(key, start=start, length=PIECE)
    except NotFoundError:
        # Deleted since it was listed: what nobody may have any more is not in it.
        return
