"""Stored events in today's shape: the log keeps every version of an event's data for ever.

Whoever changes the shape of an event's data raises the ``version`` of its type, adds the step
from the version before to :data:`STEPS`, and an event of that version to ``tests/contract/events``:
a test fails until both are there. A field that is new and has a default needs none of it.

Only what is read from the log passes here; clients are told today's version and no other.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Data: TypeAlias = dict[str, Any]
Step: TypeAlias = Callable[[Data], Data]

STEPS: Final[dict[tuple[str, int], Step]] = {}
"""By type and version: what turns data of that version into data of the next one."""


class NoStepError(LookupError):
    """Nothing is known of a version that the log holds."""


def upcast(
    kind: str, version: int, to: int, data: Data, steps: Mapping[tuple[str, int], Step] = STEPS
) -> Data:
    """Return ``data`` of an event ``kind`` in ``version``, in the shape of version ``to``.

    Raises:
        NoStepError: If a step is missing.

    """
    for each in range(version, to):
        step = steps.get((kind, each))
        if step is None:
            raise NoStepError(f"{kind}: no step leads from version {each} to {each + 1}")
        data = step(data)
    return data
