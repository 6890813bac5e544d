"""Events on their way into the log and out of it."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from server.errors import LiveClassError


class NewEvent(NamedTuple):
    """An event that its room has numbered and linked into the chain."""

    id: str
    type: str
    version: int
    payload: bytes
    sequence: int
    key: str | None
    command_sequence: int | None
    command_digest: bytes | None
    actor: str | None
    at_ms: int
    salt: bytes
    payload_digest: bytes
    digest: bytes


NewCommand: TypeAlias = Sequence[NewEvent]
"""The events of one command: stored together or not at all."""


class StoredEvent(NamedTuple):
    """An event of the log. ``payload`` is its JSON, not parsed."""

    sequence: int
    id: str
    type: str
    version: int
    payload: bytes
    key: str | None
    actor: str | None
    at_ms: int
    digest: bytes


class UsedKey(NamedTuple):
    """Where an idempotency key was used: first and last sequence, and what the command was."""

    first: int
    last: int
    digest: bytes


class PoisonedError(LiveClassError):
    """PostgreSQL refuses one command of a batch for what it holds; nothing was stored.

    ``index`` is the first command that fails with the earlier ones stored. The caller drops it
    and decides the others anew: their sequences and digests rested on it.
    """

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
