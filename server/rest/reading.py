"""What a request brings, decoded or refused: ids, query, body, key, and what it accepts."""

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, get_args, get_type_hints

import msgspec
from aiohttp import hdrs, web

from protocol import codec
from protocol.errors import Refusal
from server.errors import NotFoundError
from server.rest.problems import NotAcceptableError, UnsupportedMediaTypeError

BODY_BYTES = 65_536
SEQUENCE = "after_sequence"

# Parts of a path that are no ids: what they may be is checked where they are used.
NAMES = {
    "file": "The name of a file.",
    "language": "A language tag (BCP 47).",
    "page": "The number of a page, from 1.",
    "grant": "What lets in who has the address.",
    "resource": "What the answer to the offer named.",
}

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]")
_SEQUENCE = re.compile(r"\d{1,15}")


def check_accept(request: web.Request, kind: str) -> None:
    """Return if the client takes an answer of the content type ``kind`` (RFC 9110 §12.5.1).

    Raises:
        NotAcceptableError: If it does not. Refusals are problems whatever it takes.

    """
    given = ",".join(request.headers.getall(hdrs.ACCEPT, ())).lower()
    if given.strip() and not _weight(given, kind):
        raise NotAcceptableError(kind)


def _weight(accept: str, kind: str) -> float:
    """Return the weight of ``kind``: that of the range which says most about it."""
    main = kind.partition("/")[0]
    weights: dict[str, float] = {}
    for part in accept.split(","):
        pattern, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            weights[pattern] = float(weight)
        except ValueError:
            weights[pattern] = 1.0
    ranges = (kind, f"{main}/*", "*/*")
    return next((weights[each] for each in ranges if each in weights), 0.0)


def check_ids(request: web.Request) -> None:
    """Return if every id in the path has the form of one.

    Raises:
        NotFoundError: Otherwise.

    """
    for name, text in request.match_info.items():
        if name not in NAMES and not _ID.fullmatch(text):
            raise NotFoundError


class Query:
    """The parameters that a route takes after the ``?``."""

    def __init__(self, kind: type[msgspec.Struct] | None, *, is_projected: bool) -> None:
        self._kind = None if kind is None else _without_null(kind)
        self._is_projected = is_projected
        fields = () if kind is None else msgspec.structs.fields(kind)
        self._moments = [each.encode_name for each in fields if "datetime" in str(each.type)]

    def read(self, request: web.Request) -> tuple[Any, int]:
        """Return the query, and the sequence that the tables have to show first.

        Raises:
            Refusal: ``bad_request``.

        """
        parameters = dict(request.query)
        if len(parameters) != len(request.query):
            raise Refusal("bad_request", "A parameter is given twice.", field="query")
        sequence = parameters.pop(SEQUENCE, "0") if self._is_projected else "0"
        if not _SEQUENCE.fullmatch(sequence):
            raise Refusal("bad_request", "Expected a sequence number.", field=SEQUENCE)
        for name in self._moments:
            # Not as msgspec reads texts, for which a number is a time, too.
            if not _MOMENT.match(parameters.get(name, "2026-11-22T")):
                raise Refusal("bad_request", "Expected a time (RFC 3339).", field=name)
        if self._kind is None:
            if parameters:
                raise Refusal("bad_request", "This route takes no such parameter.", field="query")
            return None, int(sequence)
        try:
            return msgspec.convert(parameters, self._kind, strict=False), int(sequence)
        except msgspec.ValidationError as error:
            raise codec.bad_request(error, b"", "query") from None


def _without_null(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return ``kind`` without None among what its fields take: only what is absent is None.

    As msgspec reads texts, "null" would be None, whoever may have meant the word.
    """
    types = get_type_hints(kind, include_extras=True)
    fields: list[tuple[str, Any, Any]] = [
        (field.name, reduce(or_, choices), None)
        for field in msgspec.structs.fields(kind)
        if field.default is None
        and (choices := tuple(c for c in get_args(types[field.name]) if c is not type(None)))
    ]
    return msgspec.defstruct(kind.__name__, fields, bases=(kind,), frozen=True)


async def read_json(request: web.Request) -> bytes:
    """Return the body, which must be JSON: of a PATCH, RFC 7396 may be named.

    Raises:
        UnsupportedMediaTypeError: If it is of another type.
        Refusal: ``too_large``.

    """
    if request.method == "PATCH":
        return await read_body(request, ("application/json", "application/merge-patch+json"))
    return await read_body(request, ("application/json",))


async def read_body(
    request: web.Request, content_types: Sequence[str], *, most: int = BODY_BYTES
) -> bytes:
    """Return the body, which must be of one of ``content_types`` and have at most ``most`` bytes.

    Raises:
        UnsupportedMediaTypeError: If it is of another type.
        Refusal: ``too_large``.

    """
    if request.content_type not in content_types:
        raise UnsupportedMediaTypeError(" or ".join(content_types))
    data = bytearray()
    if (request.content_length or 0) <= most:
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > most:
                break
        else:
            return bytes(data)
    raise Refusal("too_large", f"A body holds at most {most} bytes.")


def decode_body(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    """Return what ``raw`` says.

    Raises:
        Refusal: ``bad_request``.

    """
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise codec.bad_request(error, raw) from None


def read_key(request: web.Request) -> str | None:
    """Return the ``Idempotency-Key``, if one is given.

    Raises:
        Refusal: ``bad_request``.

    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        text = "An idempotency key is made of 1 to 64 of A–Z a–z 0–9 _ . : -"
        raise Refusal("bad_request", text, field="Idempotency-Key")
    return key
