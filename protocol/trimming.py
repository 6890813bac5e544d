"""How the fold keeps a snapshot within ``SNAPSHOT_BYTES``: each list has a budget of its own.

Every item has a *weight*: what it takes in a snapshot, never less than its JSON. That is a
constant of its kind (keys, ids, times and numbers at their longest, ``protocol.limits``) plus
:func:`json_bytes` of each free text in it. Whenever items were added to a list, or one of them
grew, :func:`fit` drops items, whole, until the weights add up to the budget or less.

A list is thus a function of itself alone, before and after: folding events onto a snapshot still
gives the next snapshot. ``state.js`` does the same with the same constants.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Protocol, TypeVar

import msgspec

_encode = msgspec.json.Encoder().encode
_weight = attrgetter("weight")


class Weighed(Protocol):
    """What has a weight."""

    @property
    def weight(self) -> int:
        """At least the bytes that it takes in a snapshot."""


T = TypeVar("T", bound=Weighed)


def json_bytes(text: str | None) -> int:
    """Return the length of ``text`` as JSON in UTF-8, quotes included; 4 for None.

    In JavaScript: ``new TextEncoder().encode(JSON.stringify(text)).length``. A character takes
    1 to 4 bytes as it is; ``"``, ``\\`` and \\b \\f \\n \\r \\t take 2, other controls 6.
    """
    return len(_encode(text))


def fit(items: list[T], budget: int, *, last: Callable[[T], bool] = lambda _: False) -> list[T]:
    """Return ``items``, in their order, without those that must go to keep to ``budget``.

    The first in the list go first; those of which ``last`` is true go only when no other is left.
    """
    excess = total_weight(items) - budget
    if excess <= 0:
        return items
    gone: set[int] = set()
    for item in sorted(items, key=last):  # stable: false before true, each in the list's order
        if excess <= 0:
            break
        gone.add(id(item))
        excess -= item.weight
    return [item for item in items if id(item) not in gone]


def trim(
    items: list[T],
    total: int,
    budget: int,
    most: int,
    *,
    last: Callable[[T], bool] = lambda _: False,
) -> int:
    """Drop from ``items``, which weigh ``total``, what :func:`fit` would; return what is left.

    Also beyond ``most`` in number. In place, and without weighing what stays: for the lists that
    grow with every event of a class.
    """
    while items and (len(items) > most or total > budget):
        index = next((index for index, item in enumerate(items) if not last(item)), 0)
        total -= items.pop(index).weight
    return total


def total_weight(items: Iterable[Weighed]) -> int:
    """Return what all ``items`` weigh."""
    return sum(map(_weight, items))


def fit_values(
    items: dict[str, T], budget: int, *, last: Callable[[T], bool] = lambda _: False
) -> dict[str, T]:
    """Return what :func:`fit` keeps of the values, in the order in which their keys were added."""
    values = list(items.values())
    fitting = fit(values, budget, last=last)
    if fitting is values:
        return items
    kept = {id(item) for item in fitting}
    return {key: item for key, item in items.items() if id(item) in kept}
