"""Rows as structs: the fields of a struct are the columns, in order."""

from msgspec import Struct


class Row(Struct, frozen=True):
    """A row of a table. Ids are text, times milliseconds since the Unix epoch."""


def columns(kind: type[Row], table: str = "") -> str:
    """Return the columns to select so that ``kind(*row)`` is the row."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + name for name in kind.__struct_fields__)
