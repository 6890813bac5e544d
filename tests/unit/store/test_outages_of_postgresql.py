"""Which errors say that the database is away, which that a statement was wrong or slow."""

import asyncpg
import pytest

from server.store.errors import is_outage, is_temporary, outcome_unknown

AWAY = [
    ConnectionRefusedError(),
    TimeoutError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError(),
    asyncpg.exceptions.CannotConnectNowError(),
    asyncpg.exceptions.AdminShutdownError(),
    asyncpg.exceptions.DiskFullError(),
    asyncpg.exceptions.TooManyConnectionsError(),
]
THERE = [
    asyncpg.exceptions.QueryCanceledError(),
    asyncpg.exceptions.DeadlockDetectedError(),
    asyncpg.exceptions.LockNotAvailableError(),
    asyncpg.exceptions.UniqueViolationError(),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_database_that_does_nothing_is_away(error):
    assert is_outage(error)
    assert is_temporary(error)


@pytest.mark.parametrize("error", THERE, ids=lambda error: type(error).__name__)
def test_a_statement_that_fails_is_no_outage(error):
    assert not is_outage(error)
    assert not outcome_unknown(error)
