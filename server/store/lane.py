"""One writer of the log: everything that is waiting, in one fenced statement, one at a time.

There is no timer. While a statement is on its way the next batches gather, so the batch is as
large as the load asks for: latency when there is little, throughput when there is much.

What a failure means:

- The server refused the statement: nothing was stored, the connection stays. Each room's batch
  is tried alone; a room that fails alone learns which of its commands is to blame.
- The connection, or the answer, was lost: nobody knows. The connection is given up, and only
  the rooms of this statement must read again what they have.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import asyncpg
import structlog

from server.errors import FencedError, LiveClassError, UnavailableError
from server.ops import metrics, tracing
from server.outages import Outage

from .errors import LOST, is_temporary, outcome_unknown
from .events import NewCommand, NewEvent, PoisonedError
from .pool import Connection

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MOST_EVENTS = 256
"""Events in one statement, unless a single room's batch is longer."""
MOST_WAITING = 4096
"""Batches in line; a room has at most one, so this bounds the rooms of a lane."""

# The lock is what fences (research: a lesser lock, or none, lets a dead owner's append in):
# it waits for a take-over in progress and then sees the new epoch, and a take-over waits for it.
_APPEND = """
WITH ok AS MATERIALIZED (
    SELECT h.session_id, h.tenant_id, room.number
    FROM session_hubs h
    JOIN unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS room (session, epoch, number)
        ON h.session_id = room.session AND h.epoch = room.epoch
    ORDER BY h.session_id
    FOR SHARE OF h
), stored AS (
    INSERT INTO session_state_events (
        tenant_id, session_id, id, event_type, event_version, event_payload, sequence,
        idempotency_key, command_sequence, command_digest, actor_id, created_at, salt,
        payload_digest, digest)
    SELECT
        ok.tenant_id, ok.session_id, e.id, e.type, e.version, e.payload, e.sequence, e.key,
        e.command_sequence, e.command_digest, e.actor, e.at, e.salt, e.payload_digest, e.digest
    FROM unnest(
        $3::int[], $4::uuid[], $5::text[], $6::smallint[], $7::jsonb[], $8::bigint[], $9::text[],
        $10::bigint[], $11::bytea[], $12::uuid[], $13::timestamptz[], $14::bytea[], $15::bytea[],
        $16::bytea[]
    ) AS e (
        room, id, type, version, payload, sequence, key,
        command_sequence, command_digest, actor, at, salt, payload_digest, digest)
    JOIN ok ON ok.number = e.room
)
SELECT session_id FROM ok
"""

# A violation of these says that the log is ahead of what the room knows: no command is to blame.
_ROOM_IS_BEHIND = frozenset(
    (
        "session_state_events_session_id_sequence_key",
        "session_state_events_session_id_idempotency_key_key",
    )
)
_REASONS = {FencedError: "fenced", PoisonedError: "poisoned"}
"""What a failure is counted as; any other is the database's."""


class Batch(NamedTuple):
    """What one room appends at once, and where it waits for the outcome."""

    session: str
    epoch: int
    commands: Sequence[NewCommand]
    done: "asyncio.Future[None]"

    @property
    def size(self) -> int:
        """The number of events."""
        return sum(map(len, self.commands))


class Lane:
    """A queue of batches and the one connection that appends them."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], outage: Outage) -> None:
        self._connect = connect
        self._outage = outage
        self._connection: Connection | None = None
        self._queue: asyncio.Queue[Batch] = asyncio.Queue(MOST_WAITING)
        self._held: Batch | None = None
        self._writing: list[Batch] = []

    @property
    def waiting(self) -> int:
        """How many batches are in line."""
        return self._queue.qsize() + (self._held is not None)

    async def put(self, batch: Batch) -> None:
        """Put ``batch`` in line; waits while the line is full."""
        if not self._queue.full():
            self._queue.put_nowait(batch)
        else:
            await self._queue.put(batch)

    async def run(self) -> None:
        """Write until cancelled."""
        try:
            while True:
                self._writing = await self._take()
                await self._write(self._writing)
        finally:
            # Reached with batches in hand only when cancelled, or by a defect.
            self._fail(self._writing, UnavailableError())
            self._drop_connection()

    def abandon(self) -> None:
        """Answer everything in line: it will not be written. For the end of the process."""
        if self._held is not None:
            self._fail([self._held], UnavailableError())
        while not self._queue.empty():
            self._fail([self._queue.get_nowait()], UnavailableError())

    async def _take(self) -> list[Batch]:
        first = self._held or await self._queue.get()
        self._held = None
        taken, size = {first.session: first}, first.size
        while size < MOST_EVENTS and not self._queue.empty():
            batch = self._queue.get_nowait()
            size += batch.size
            if size > MOST_EVENTS or batch.session in taken:
                self._held = batch
                break
            taken[batch.session] = batch
        # Whoever stopped waiting before the write began does not want it any more.
        return [batch for batch in taken.values() if not batch.done.done()]

    async def _write(self, batches: list[Batch]) -> None:
        """Store each batch or fail it; never raises for what the database does."""
        if not batches:
            return
        try:
            connection = await self._connected()
        except (asyncpg.PostgresError, *LOST) as error:
            self._outage.failed(error)
            self._fail(batches, UnavailableError())
            return
        try:
            metrics.append_events.observe(sum(batch.size for batch in batches))
            with metrics.store_append_seconds.time(), tracing.span("append", batches=len(batches)):
                held = await _append(connection, batches)
        except (asyncpg.PostgresError, *LOST) as error:
            await self._recover(connection, batches, error)
            return
        self._outage.worked()
        for batch in batches:
            if batch.session not in held:
                self._fail([batch], FencedError())
            elif not batch.done.done():
                batch.done.set_result(None)

    async def _recover(
        self, connection: Connection, batches: list[Batch], error: BaseException
    ) -> None:
        if outcome_unknown(error) or connection.is_closed():
            log.warning("append_outcome_unknown", rooms=len(batches), error=repr(error))
            self._drop_connection()
            self._fail(batches, UnavailableError("The outcome is unknown."))
        elif isinstance(error, asyncpg.LockNotAvailableError) and len(batches) > 1:
            # Somebody holds one of the sessions, as an erasure does: the others need not wait.
            for batch in batches:
                await self._write([batch])
        elif isinstance(error, asyncpg.LockNotAvailableError):
            log.warning("session_is_held", session=batches[0].session)
            self._fail(batches, UnavailableError())
        elif is_temporary(error):
            # Perhaps the server we are connected to: a standby refuses writes for good.
            self._outage.failed(error)
            self._drop_connection()
            self._fail(batches, UnavailableError())
        elif len(batches) > 1:
            for batch in batches:
                await self._write([batch])
        else:
            self._fail(batches, await self._blame(connection, batches[0], error))

    async def _blame(
        self, connection: Connection, batch: Batch, error: BaseException
    ) -> LiveClassError:
        """Find the first command that fails, in a transaction that is never committed."""
        if getattr(error, "constraint_name", None) in _ROOM_IS_BEHIND:
            log.warning("room_behind_log", session=batch.session)
            return UnavailableError("The log is ahead of this room.")
        try:
            for end in range(1, len(batch.commands) + 1):
                transaction = connection.transaction()
                await transaction.start()
                try:
                    await _append(connection, [batch._replace(commands=batch.commands[:end])])
                except asyncpg.PostgresError as refused:
                    if outcome_unknown(refused) or is_temporary(refused):
                        raise
                    log.error(
                        "append_poisoned",
                        session=batch.session,
                        types=[event.type for event in batch.commands[end - 1]],
                        sqlstate=refused.sqlstate,
                    )
                    return PoisonedError(end - 1)
                finally:
                    await transaction.rollback()
        except (asyncpg.PostgresError, *LOST):
            self._drop_connection()
        return UnavailableError()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    @staticmethod
    def _fail(batches: Sequence[Batch], error: LiveClassError) -> None:
        for batch in batches:
            metrics.append_failures.labels(_REASONS.get(type(error), "away")).inc()
            if not batch.done.done():
                batch.done.set_exception(error)


async def _append(connection: Connection, batches: Sequence[Batch]) -> set[str]:
    """Store all batches in one statement; return the sessions whose epoch still holds."""
    numbers: list[int] = []
    events: list[NewEvent] = []
    for number, batch in enumerate(batches, 1):
        for command in batch.commands:
            events.extend(command)
            numbers.extend([number] * len(command))
    (
        ids, types, versions, payloads, sequences, keys, command_sequences, command_digests,
        actors, times, salts, payload_digests, digests,
    ) = zip(*events, strict=True) if events else ((),) * len(NewEvent._fields)  # fmt: skip
    rows = await connection.fetch(
        _APPEND,
        [batch.session for batch in batches],
        [batch.epoch for batch in batches],
        numbers, ids, types, versions, payloads, sequences, keys, command_sequences,
        command_digests, actors, times, salts, payload_digests, digests,
    )  # fmt: skip
    return {row[0] for row in rows}
