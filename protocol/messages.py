"""What every command and every event is made of."""

from typing import ClassVar

from msgspec import Struct


class Command(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish. Whether it comes true is decided by ``server.classroom.decide``."""

    op: ClassVar[str]


class Event(Struct, frozen=True):
    """A fact. It is stored before it is told, and never changes."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
