"""Values of the protocol's own types: what a well-behaved client could say, at its limits too.

The types are those of ``protocol``, read with :mod:`msgspec.inspect`: an operation that is added
there is spoken here at once.
"""

import re
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from random import Random
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import inspect

from protocol.events import EVENTS
from protocol.frames import EventsFrame

Json: TypeAlias = Any

_KNOWN_EACH = 300
_MANY = 6
"""Items of a list without a bound."""
_TEXTS: Final = (
    "x", "Sine?", "six times seven", "½ π ≈ 1.57", "مرحبا بالعالم", "👩‍👧👍🏽",
    "e\u0301\u0308", "\u202eevil",
    "<script>alert(1)</script>", "'; DROP TABLE events; --", "{{7*7}}", "\\u0000", "a\tb\nc",
    "\u2028\u2029", "𝒳" * 30, "\ufeffbom", "\x1b[31mred", "null",
)  # fmt: skip
_FORMS: Final = (
    "en", "pt-BR", "key-1", "k:1.2_3", "2026-11-22T09:00:00.123Z", "https://school.example/a.pdf",
    "image/png", "#00ff88", "a1", "0" * 64, "12", "{}",
)  # fmt: skip
"""Texts in forms that a pattern may ask for."""


class Known:
    """Ids of real things by what they are of, as the events told."""

    def __init__(self) -> None:
        self._ids: dict[str, deque[str]] = {}

    def hear(self, frame: EventsFrame) -> None:
        """Remember what the events of a frame speak of."""
        for event in frame.events:
            paths = _ids_of_event(event.type)
            data = msgspec.json.decode(event.data) if paths else None
            for path, what in paths:
                found = data
                for name in path:
                    found = found.get(name) if isinstance(found, dict) else None
                if isinstance(found, str):
                    self.add(what, found)

    def add(self, what: str, identifier: str) -> None:
        """Remember one."""
        ids = self._ids.setdefault(what, deque(maxlen=_KNOWN_EACH))
        if identifier not in ids:
            ids.append(identifier)

    def pick(self, what: str, share: float) -> str | None:
        """Return the id at this share of those known, recent ones more often; None if none is."""
        ids = self._ids.get(what)
        return ids[-1 - int(share**2 * len(ids))] if ids else None


class Values:
    """Draws values of types; ``known`` is where real ids come from."""

    def __init__(self, rng: Random, known: Known) -> None:
        self.rng = rng
        self._known = known

    def struct(self, kind: type[msgspec.Struct]) -> dict[str, Json]:
        """Return the fields of a struct as they would be on the wire."""
        return self._fields(_struct_type(kind))

    def id_of(self, what: str) -> str:
        """Return the id of something real, mostly; of nothing at all, sometimes."""
        # Both are drawn, always: what follows must not depend on what is known.
        share, unknown = self.rng.random(), new_id(self.rng)
        is_real = self.rng.random() < 0.85
        return (self._known.pick(what, share) if is_real else None) or unknown

    def text(self, shortest: int = 0, longest: int | None = None) -> str:
        """Return a text with as many characters as are allowed, now and then the most."""
        rng = self.rng
        text = " ".join(rng.choices(_TEXTS, k=rng.randint(1, 3)))
        if longest is not None and rng.random() < 0.04:
            text = (text + " ") * (longest // len(text) + 1)
        elif rng.random() < 0.03:
            text = ""
        if len(text) < shortest:
            text += "x" * (shortest - len(text))
        return text[:longest]

    def _of(self, kind: inspect.Type, what: str = "") -> Json:
        rng = self.rng
        match kind:
            case inspect.Metadata(inner, schema):
                return self._of(inner, (schema or {}).get("description", what))
            case inspect.UnionType(kinds):
                return self._of(rng.choice(kinds), what)
            case inspect.NoneType():
                return None
            case inspect.BoolType():
                return rng.random() < 0.5
            case inspect.IntType():
                return self._integer(kind)
            case inspect.StrType():
                return self._string(kind, what)
            case inspect.LiteralType(values):
                return rng.choice(values)
            case inspect.StructType():
                return self._fields(kind)
            case inspect.ListType() | inspect.VarTupleType():
                fewest = kind.min_length or 0
                most = kind.max_length if kind.max_length is not None else fewest + _MANY
                length = most if rng.random() < 0.05 else rng.randint(fewest, min(most, fewest + 4))
                return [self._of(kind.item_type) for _ in range(length)]
            case inspect.TupleType(kinds):
                return [self._of(each) for each in kinds]
            case inspect.DictType():
                size = rng.randint(kind.min_length or 0, (kind.min_length or 0) + 3)
                return {self._of(kind.key_type): self._of(kind.value_type) for _ in range(size)}
            case inspect.AnyType() | inspect.RawType():
                return {"kind": self.text(), "at": rng.randint(0, 10_000)}
            case _:
                raise TypeError(f"no values of {kind} are known")

    def _fields(self, kind: inspect.StructType) -> dict[str, Json]:
        fields: dict[str, Json] = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
        for each in kind.fields:
            if each.required or self.rng.random() < 0.6:
                fields[each.encode_name] = self._of(each.type)
        return fields

    def _integer(self, kind: inspect.IntType) -> int:
        low = kind.ge if kind.ge is not None else -(2**31)
        high = kind.le if kind.le is not None else low + 2**31
        draw = self.rng.random()
        if draw < 0.1:
            return low
        if draw < 0.2:
            return high
        return self.rng.randint(low, high if draw < 0.6 else min(high, low + 10))

    def _string(self, kind: inspect.StrType, what: str) -> str:
        if kind.pattern is None:
            return self.text(kind.min_length or 0, kind.max_length)
        if _is_of_ids(kind.pattern):
            return self.id_of(what)
        for _ in range(4):
            text = self.text(kind.min_length or 0, kind.max_length)
            if re.search(kind.pattern, text):
                return text
        forms = [each for each in (*_FORMS, _A_UUID) if re.search(kind.pattern, each)]
        if not forms:
            raise TypeError(f"no text of the form {kind.pattern} is known")
        return self.rng.choice(forms)


_A_UUID: Final = "01900000-0000-7000-9000-000000000000"


def _is_of_ids(pattern: str) -> bool:
    return bool(re.search(pattern, _A_UUID)) and not re.search(pattern, "key-1")


def new_id(rng: Random) -> str:
    """Return a random id in the form that the protocol takes."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


@cache
def _struct_type(kind: type[msgspec.Struct]) -> inspect.StructType:
    found = inspect.type_info(kind)
    assert isinstance(found, inspect.StructType)
    return found


@cache
def _ids_of_event(name: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return where the data of an event holds ids, and of what each is."""
    kind: Mapping[str, type[msgspec.Struct]] = EVENTS
    return tuple(_ids_in(_struct_type(kind[name]), ())) if name in kind else ()


def _ids_in(
    kind: inspect.Type, path: tuple[str, ...], what: str = ""
) -> Iterator[tuple[tuple[str, ...], str]]:
    match kind:
        case inspect.Metadata(inner, schema):
            yield from _ids_in(inner, path, (schema or {}).get("description", what))
        case inspect.UnionType(kinds):
            for each in kinds:
                yield from _ids_in(each, path, what)
        case inspect.StructType():
            for field in kind.fields:
                yield from _ids_in(field.type, (*path, field.encode_name))
        case inspect.StrType(pattern=str(pattern)) if what and _is_of_ids(pattern):
            yield path, what
        case _:
            pass
