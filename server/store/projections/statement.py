"""What a projection is made from, and what it makes."""

from typing import Any, NamedTuple, TypeAlias


class Occasion(NamedTuple):
    """Where, when and by whom an event happened; ``dictionary`` is that of the class's language."""

    tenant: str
    session: str
    sequence: int
    dictionary: str
    at_ms: int
    by: str | None


Statement: TypeAlias = tuple[str, tuple[Any, ...]]
"""SQL and its parameters."""
