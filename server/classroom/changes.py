"""How a frozen state is changed, and when an event happened."""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class When(NamedTuple):
    """An event's place in the log, its time on the wire, and its author (None: the system)."""

    sequence: int
    at: str
    by: str | None


def put(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """Return ``mapping`` with one value set; a key that is new comes last."""
    return {**mapping, key: value}


def drop(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    """Return ``mapping`` without ``key``."""
    return {each: value for each, value in mapping.items() if each != key}
