"""Examples for the reference, made from schemas: plausible values by the names of fields.

A type can bring its own: ``Meta(examples=[…])``. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from server.rest.schemas import Json

_TIME: Final = "2026-11-22T09:00:00.000Z"
_BY_NAME: Final[Mapping[str, Any]] = {
    "title": "Fractions",
    "name": "Ann",
    "language": "en",
    "provider": "youtube",
    "url": "rtmps://a.rtmps.youtube.com:443/live2",
    "backup_url": "rtmps://b.rtmps.youtube.com:443/live2",
    "profile": "tolerant",
    "stream_key_ref": "env:STREAM_KEY_1",
    "stream_key": "abcd-efgh-ijkl",
    "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
    "key": "b7e2-1",
    "op": "session.start",
    "data": {},
    "next": None,
    "events": [],
    "head": 141,
    "to": 141,
    "sequence": [140, 141],
    "duration_ms": 3_000_000,
    "bytes": 1_048_576,
    "email": "ann@school.example",
    "domain": "class.school.example",
    "text": "What is a half of a half?",
    "code": "not_found",
    "status": "Not Found",
    "detail": "There is no such thing, or it is not yours.",
}
_FIRST: Final = 0x019AAB00_0000_7000_8000_000000000000


def sample(schema: Json, schemas: Mapping[str, Json], name: str = "", *, full: bool = True) -> Any:
    """Return a value that ``schema`` allows; references lead into ``schemas``.

    ``name`` is that of the field it is for. Without ``full`` an object has what it must have, or
    one field more than nothing.
    """
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas, name, full=full)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return next(each for each in schema["enum"] if each is not None)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            if name in _BY_NAME and _BY_NAME[name] is None:
                return None
            return sample(schema[choice][0], schemas, name, full=full)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, full=full)
        case "array":
            return _array(schema, schemas, name, full=full)
        case "string":
            return _text(schema, name)
        case "integer" | "number":
            return _number(schema, name)
        case "boolean":
            return schema.get("default", False)
        case _:
            return _BY_NAME.get(name, {})


def _object(schema: Json, schemas: Mapping[str, Json], *, full: bool) -> Json:
    fields: Json = schema.get("properties", {})
    wanted = list(fields) if full else schema.get("required", []) or list(fields)[:1]
    return {each: sample(fields[each], schemas, each, full=full) for each in wanted}


def _array(schema: Json, schemas: Mapping[str, Json], name: str, *, full: bool) -> Any:
    known = _BY_NAME.get(name)
    if isinstance(known, list) and schema.get("minItems", 0) <= len(known):
        return known
    if "prefixItems" in schema:
        return [sample(each, schemas, full=full) for each in schema["prefixItems"]]
    one = sample(schema["items"], schemas, name.removesuffix("s"), full=full)
    return [one] * min(schema.get("minItems", 1) or 1, schema.get("maxItems", 1))


def _text(schema: Json, name: str) -> str:
    pattern, description = schema.get("pattern", ""), schema.get("description", "")
    if (
        schema.get("format") == "date-time"
        or "2026-11-22T" in description
        or r"\d{4}-\d" in pattern
    ):
        return _TIME
    if pattern.startswith("^[0-9a-f]{8}-"):
        return an_id(description or name)
    known = _BY_NAME.get(name)
    return known if isinstance(known, str) else "…" if not schema.get("pattern") else "text"


def _number(schema: Json, name: str) -> Any:
    known = _BY_NAME.get(name)
    if isinstance(known, int):
        return known
    return schema.get("default", schema.get("minimum", 1))


def an_id(of: str) -> str:
    """Return a UUIDv7 for what ``of`` names, the same each time."""
    number = _FIRST + sum(place * ord(each) for place, each in enumerate(of, 1)) % 0xFFFF
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
