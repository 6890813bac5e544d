"""The one place where errors of asyncpg and the network become errors of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from server.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    UnavailableError,
)

# The connection or the server is gone: whether a statement took effect is unknown.
_UNKNOWN_CLASSES = frozenset(("08", "57", "58", "XX"))
# The statement had no effect and may have one later: read-only standby, deadlock or
# serialization, resources (a full disk), locks.
_TEMPORARY_CLASSES = frozenset(("25", "40", "53", "55"))

# Too many connections, a full disk, no memory.
_FULL_CLASSES = frozenset(("53",))

# What a query raises when its outcome is unknown. InternalClientError is neither a
# PostgresError nor an InterfaceError: asyncpg raises it when a connection breaks mid-protocol.
LOST = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


def outcome_unknown(error: BaseException) -> bool:
    """Say whether the statement that raised ``error`` may nevertheless have taken effect."""
    if isinstance(error, asyncpg.PostgresError):
        return _sqlstate(error)[:2] in _UNKNOWN_CLASSES and not isinstance(
            error, asyncpg.QueryCanceledError
        )
    return isinstance(error, LOST)


def is_temporary(error: BaseException) -> bool:
    """Say whether the same statement may well succeed later."""
    if isinstance(error, asyncpg.PostgresError):
        return _sqlstate(error)[:2] in _TEMPORARY_CLASSES | _UNKNOWN_CLASSES
    return isinstance(error, LOST)


def is_outage(error: BaseException) -> bool:
    """Say whether ``error`` says that the database does not do its work at all now."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False
    if isinstance(error, asyncpg.PostgresError):
        return _sqlstate(error)[:2] in _UNKNOWN_CLASSES | _FULL_CLASSES
    return isinstance(error, LOST)


@contextmanager
def translated() -> Iterator[None]:
    """Let no exception of asyncpg, nor of the network below it, pass.

    Raises:
        UnavailableError: PostgreSQL is away, busy or read-only.
        ConflictError: The same thing exists already.
        InvalidInputError: A value refers to nothing, or is not allowed.
        ForbiddenError: The role may not; above all, a row of another tenant.

    """
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise ConflictError("This exists already.") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise InvalidInputError("This refers to something that does not exist.") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise ForbiddenError from error
    except asyncpg.PostgresError as error:
        if is_temporary(error):
            raise UnavailableError from error
        if _sqlstate(error)[:2] in ("22", "23"):
            raise InvalidInputError("A value is not valid.") from error
        raise
    except LOST as error:
        raise UnavailableError from error


@contextmanager
def refused_while_used(message: str) -> Iterator[None]:
    """Say ``message`` where a deletion is refused because of what refers to the row.

    Raises:
        ConflictError: Then.

    """
    try:
        yield
    except asyncpg.ForeignKeyViolationError as error:
        raise ConflictError(message) from error


def _sqlstate(error: asyncpg.PostgresError) -> str:
    return error.sqlstate or "XX000"
