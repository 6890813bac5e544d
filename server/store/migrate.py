"""Bring a database to the schema of this code: ``migrations/NNNN_name.sql``, in order.

- Plain SQL, one transaction per file; ``-- no-transaction`` in the first line opts out
  (for ``CREATE INDEX CONCURRENTLY``; such a file must be safe to run again).
- An advisory lock lets any number of nodes start at once: one applies, the others find it done.
- What was applied is recorded with its SHA-256: an edited history is refused, and so is a
  database that is newer than this code.
- ``:prefix`` in a file is the prefix of the role names.

Advisory locks belong to a session: migrate on a direct connection, not through a pooler.
"""

import hashlib
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import asyncpg
import structlog

from server.errors import LiveClassError

from .errors import translated

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_LOCK = 0x4C43_4D49_4752_4154  # "LCMIGRAT"
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LOCK_WAIT_SECONDS = 120.0
_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version     int PRIMARY KEY,
    name        text NOT NULL,
    sha256      bytea NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(LiveClassError):
    """The database and the migrations of this code do not fit."""


class Migration(NamedTuple):
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> bytes:
        """The digest that tells whether the file was edited."""
        return hashlib.sha256(self.sql.encode()).digest()


def load(directory: Traversable | None = None) -> list[Migration]:
    """Read the migrations, by default those of this code.

    Raises:
        MigrationError: If their numbers are not 1, 2, 3 …

    """
    found = sorted(
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in (directory or files("migrations")).iterdir()
        if (match := _NAME.fullmatch(file.name))
    )
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("The migrations must be numbered 1, 2, 3 … without gap or repetition.")
    return found


async def migrate(
    url: str, *, prefix: str = "liveclass", directory: Traversable | None = None
) -> list[str]:
    """Apply what is missing and return the names of what was applied.

    A file that fails leaves nothing behind, and the files before it stay applied.

    Raises:
        MigrationError: If history was edited, the database is newer, or a file fails.
        UnavailableError: If the database is away.

    """
    if not _PREFIX.fullmatch(prefix):
        raise MigrationError("The prefix of role names is a lower-case word of at most 40 letters.")
    migrations = load(directory)
    with translated():
        connection = await asyncpg.connect(url, timeout=10)
        try:
            await connection.execute(
                "SELECT pg_advisory_lock($1)", _LOCK, timeout=_LOCK_WAIT_SECONDS
            )
            return await _apply(connection, migrations, prefix)
        finally:
            # Ends the session, and with it the lock.
            await connection.close(timeout=5)


async def pending(url: str, *, directory: Traversable | None = None) -> list[str]:
    """Return the names of what is not applied yet, changing nothing.

    Raises:
        MigrationError: If history was edited or the database is newer.
        UnavailableError: If the database is away.

    """
    migrations = load(directory)
    with translated():
        connection = await asyncpg.connect(url, timeout=10)
        try:
            known = await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
            applied = await _applied(connection) if known else {}
        finally:
            await connection.close(timeout=5)
    _compare(applied, migrations)
    return [migration.name for migration in migrations[len(applied) :]]


async def _applied(connection: asyncpg.Connection) -> dict[int, bytes]:
    rows = await connection.fetch("SELECT version, sha256 FROM schema_migrations ORDER BY version")
    return {row["version"]: row["sha256"] for row in rows}


def _compare(applied: dict[int, bytes], migrations: list[Migration]) -> None:
    if len(applied) > len(migrations):
        raise MigrationError(
            f"The database is newer than this code: it has migration {max(applied)}, the code "
            f"ends with {len(migrations)}. Run the newer code."
        )
    for migration, sha256 in zip(migrations, applied.values(), strict=False):
        if migration.sha256 != sha256:
            raise MigrationError(
                f"Migration {migration.version:04d}_{migration.name} was edited after it was "
                "applied here: restore the file and put the change into a new one."
            )


async def _apply(
    connection: asyncpg.Connection, migrations: list[Migration], prefix: str
) -> list[str]:
    # A migration waits for other sessions' locks only so long: it blocks who comes behind it.
    await connection.execute("SET lock_timeout = '5s'")
    await connection.execute(_RECORD)
    applied = await _applied(connection)
    _compare(applied, migrations)
    names = []
    for migration in migrations[len(applied) :]:
        try:
            await _run(connection, migration, prefix)
        except asyncpg.PostgresError as error:
            raise MigrationError(
                f"Migration {migration.version:04d}_{migration.name} failed: {error}"
            ) from error
        log.info("migration_applied", version=migration.version, name=migration.name)
        names.append(migration.name)
    return names


async def _run(connection: asyncpg.Connection, migration: Migration, prefix: str) -> None:
    async def run() -> None:
        await connection.execute(migration.sql.replace(":prefix", prefix))
        # The file may have taken another role; the record belongs to whoever migrates.
        await connection.execute("RESET ROLE")
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.sha256,
        )

    if migration.sql.startswith("-- no-transaction"):
        await run()
    else:
        async with connection.transaction():
            await run()
