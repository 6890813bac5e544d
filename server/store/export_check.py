"""Verification of an export, from the file alone."""

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import orjson
from msgspec import Struct

from protocol import codec
from server.errors import InvalidInputError

from . import heads
from .chain import Link, Verdict, Verifier, canonical
from .export import FORMAT, Header, Seal, record
from .heads import SignedHead

LINE_BYTES = 1 << 20
"""A longer line is none of ours: payloads are far below it."""
_FORM = "not as an export writes it"


class _Record(Struct, frozen=True, forbid_unknown_fields=True):
    """An event, as ``server.store.export`` writes it."""

    sequence: int
    id: str
    type: str
    version: int
    actor: str | None
    at: str
    key: str | None
    payload: dict[str, Any]
    salt: str | None
    payload_digest: str
    digest: str


class Checked(Struct, frozen=True):
    """What is in an export: without its header if it has none, without its head if it is broken.

    ``verdict.broken`` is 0 if the header is at fault. ``public_key`` is what signed it: compare
    it with the installation's unless it was given.
    """

    verdict: Verdict
    header: Header | None = None
    head: SignedHead | None = None


class _LineError(Exception):
    """A line is not what the format says. ``sequence`` is the event at fault, or the next one."""

    def __init__(self, why: str, sequence: int | None = None) -> None:
        super().__init__(why)
        self.sequence = sequence


def check(
    file: BinaryIO, *, public_key: str | None = None, head: SignedHead | None = None
) -> Checked:
    """Verify an export whole, in bounded memory.

    ``public_key`` (base64) is the installation's, known from elsewhere: without it anybody may
    have signed. ``head`` is one that was kept from before: the export must hold it.
    """
    hashed = hashlib.sha256()
    try:
        line = _read(file)
        header = _header(_parse(line), public_key)
        if head is not None:
            _expect_same_log(head, header)
    except _LineError as error:
        return Checked(Verdict(0, b"", 0, error.sequence or 0, str(error)))
    verifier = Verifier(header.session, None if head is None else head.position)
    while verifier.verdict.broken is None:
        hashed.update(line)
        try:
            line = _read(file)
            value = _parse(line)
            if "head" in value:
                found = _seal(value, header, verifier.verdict, hashed.hexdigest())
                if file.read(1):
                    raise _LineError("the file goes on after its end")
                return Checked(verifier.end(), header, found)
            verifier.take((_link(value),))
        except _LineError as error:
            at = error.sequence or verifier.verdict.sequence + 1
            return Checked(verifier.verdict.break_at(at, str(error)), header)
    return Checked(verifier.verdict, header)


def events(file: BinaryIO) -> Iterator[Link]:
    """Yield the events of an export that was verified just before.

    Raises:
        InvalidInputError: If it is not the same file any more.

    """
    try:
        _read(file)
        while "head" not in (value := _parse(_read(file))):
            yield _link(value)
    except _LineError:
        raise InvalidInputError("The file changed while it was read.") from None


def _read(file: BinaryIO) -> bytes:
    line = file.readline(LINE_BYTES)
    if not line:
        raise _LineError("missing, or the signed head is: the file was cut off")
    if not line.endswith(b"\n"):
        raise _LineError("cut off in the middle of its line")
    return line


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
        is_canonical = canonical(value) + b"\n" == line
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        raise _LineError("not JSON") from None
    if not isinstance(value, dict) or not is_canonical:
        raise _LineError(_FORM)
    return value


def _header(value: dict[str, Any], public_key: str | None) -> Header:
    try:
        header = msgspec.convert(value, Header)
    except msgspec.ValidationError as error:
        raise _LineError(f"not the header of an export: {error}") from None
    if header.format != FORMAT:
        raise _LineError(f"a format that this version does not know: {header.format}")
    if public_key not in (None, header.public_key):
        raise _LineError(f"signed by another key: {header.public_key}")
    return header


def _link(value: dict[str, Any]) -> Link:
    try:
        found = msgspec.convert(value, _Record)
        link = Link(
            sequence=found.sequence,
            id=found.id,
            type=found.type,
            version=found.version,
            actor=found.actor,
            at_ms=codec.milliseconds(found.at),
            key=found.key,
            payload=canonical(found.payload),
            salt=None if found.salt is None else b64decode(found.salt, validate=True),
            payload_digest=bytes.fromhex(found.payload_digest),
            digest=bytes.fromhex(found.digest),
        )
        is_one_form = record(link) == value
    except (ValueError, TypeError, OverflowError):
        raise _LineError(_FORM) from None
    if not is_one_form:  # as two ways to write the same time, or the same bytes
        raise _LineError(_FORM)
    return link


def _seal(value: dict[str, Any], header: Header, verdict: Verdict, digest: str) -> SignedHead:
    try:
        seal = msgspec.convert(value, Seal)
        sequence, head_digest = seal.head.position
    except ValueError:
        raise _LineError(_FORM) from None
    _expect_same_log(seal.head, header)
    if sequence > verdict.sequence:
        raise _LineError(f"missing: the signed head is of event {sequence}")
    if sequence < verdict.sequence:
        raise _LineError(f"not there when the head was signed, of event {sequence}", sequence + 1)
    if head_digest != verdict.digest:
        raise _LineError("not the event that the signed head is of", sequence)
    if not heads.is_sealed(header.public_key, seal.seal, [FORMAT, digest]):
        raise _LineError(
            "the events hold, the seal does not: the header was changed, or an erased event",
            sequence,
        )
    return seal.head


def _expect_same_log(head: SignedHead, header: Header) -> None:
    if head.session != header.session:
        raise _LineError(f"the head is of another session: {head.session}", head.sequence)
    if head.log != header.log:
        raise _LineError(f"the head is of another log: {head.log}", head.sequence)
    if (fault := heads.find_fault(head, header.public_key)) is not None:
        raise _LineError(fault, head.sequence)
