"""A room's past as bytes, to be saved and read again.

::

    SHA-256 of the rest │ MessagePack of _Saved

It is a cache of the log and nothing else: whoever reads one that is not as expected in any way
folds the log instead. So its version is a digest of the code that made it: another release may
fold the same events to another state, and never has to tell.
"""

import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import msgspec

from protocol.frames import SnapshotFrame
from server.classroom.state import Classroom
from server.hub.draft import Head
from server.hub.keys import KeyHashes
from server.hub.past import Past
from server.hub.views import AUDIENCES, Audience

_DIGEST_BYTES = 32


class Image(NamedTuple):
    """A room's past at one moment; nothing in it ever changes."""

    head: Head
    state: Classroom
    frames: Mapping[Audience, bytes]
    """The ``snapshot`` frame of each view."""
    keys: bytes


class DamagedError(Exception):
    """The bytes are not what :func:`pack` returned."""


class _Saved(msgspec.Struct, frozen=True):
    sequence: int
    digest: bytes
    at_ms: int
    state: Classroom
    frames: dict[Audience, bytes]
    keys: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Saved)
_frame = msgspec.json.Decoder(SnapshotFrame)


def pack(image: Image) -> bytes:
    """Return ``image`` as bytes."""
    saved = _Saved(*image.head, image.state, dict(image.frames), image.keys)
    body = _encoder.encode(saved)
    return hashlib.sha256(body).digest() + body


def unpack(session: str, data: bytes) -> Past:
    """Return the past whose image was packed.

    Raises:
        DamagedError: If ``data`` is anything else.

    """
    digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise DamagedError("the checksum does not hold")
    past = Past(session)
    try:
        saved = _decoder.decode(body)
        past.keys = KeyHashes(saved.keys)
        past.views = {each: _frame.decode(saved.frames[each]).state for each in AUDIENCES}
    except (msgspec.MsgspecError, ValueError, KeyError) as error:
        raise DamagedError(str(error)) from None
    past.head = Head(saved.sequence, saved.digest, saved.at_ms)
    past.state, past.saved = saved.state, saved.sequence
    return past


def _sources(folder: Traversable) -> Iterator[bytes]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _sources(each)
        elif each.name.endswith(".py"):
            yield each.read_bytes()


def _version() -> int:
    """Return 31 bits that are others whenever the code that folds is another."""
    digest = hashlib.sha256()
    for package in ("protocol", "server.classroom", "server.hub"):
        for source in _sources(files(package)):
            digest.update(source)
    return int.from_bytes(digest.digest()[:4], "big") >> 1


VERSION = _version()
