"""The log writer alone, for ``make bench``: rooms and sockets left out.

``python -m server.append_bench <rooms> <batch> <events>`` starts an embedded PostgreSQL and makes
that many classes, whose rooms append batches of so many chat lines, as fast as they are stored,
until each has so many events: with an author, digests and a link into the chain, as live classes
do. It prints ``ready`` when all is prepared; a line of input starts it; then it prints one line of
JSON, and ends with its input.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from server import logs
from server.embedded import EmbeddedServices
from server.ids import new_id
from server.store import chain, nodes, sessions, tenants, users
from server.store.events import NewCommand, NewEvent
from server.store.log import LogReader, LogWriter
from server.store.migrate import migrate
from server.store.pool import Pools

_TEXT = "I think it is forty-two, because six times seven makes forty-two."


class Wish(msgspec.Struct, frozen=True):
    """What to append; ``events`` is of each room."""

    rooms: int
    batch: int
    events: int


class Room:
    """One class, and its batches, prepared."""

    def __init__(self, session: str, epoch: int, author: str, wish: Wish) -> None:
        self.session = session
        self.epoch = epoch
        commands = list(_commands(session, author, wish.events))
        self.batches = [commands[at : at + wish.batch] for at in range(0, wish.events, wish.batch)]

    async def append_all(self, log: LogWriter, delays: list[float]) -> None:
        """Append one batch after the other."""
        for batch in self.batches:
            began = time.perf_counter()
            await log.append(self.session, self.epoch, batch)
            delays.append(time.perf_counter() - began)


def _commands(session: str, author: str, count: int) -> Iterator[NewCommand]:
    head, at_ms = chain.genesis(session), time.time_ns() // 1_000_000
    for sequence in range(1, count + 1):
        payload = chain.canonical(
            {"message": new_id(), "name": "Ann", "text": _TEXT, "to": "everyone"}
        )
        event, key, salt = new_id(), os.urandom(16).hex(), os.urandom(16)
        payload_digest = chain.payload_digest(salt, payload)
        head = chain.digest(
            head, session=session, sequence=sequence, id=event, type="chat.posted", version=1,
            actor=author, at_ms=at_ms, key=key, payload_digest=payload_digest,
        )  # fmt: skip
        yield [
            NewEvent(
                id=event, type="chat.posted", version=1, payload=payload, sequence=sequence,
                key=key, command_sequence=None, command_digest=os.urandom(32), actor=author,
                at_ms=at_ms, salt=salt, payload_digest=payload_digest, digest=head,
            )
        ]  # fmt: skip


async def _rooms(pools: Pools, wish: Wish) -> list[Room]:
    tenant, author = await tenants.create(pools, "Bench"), new_id()
    rooms = []
    async with pools.tenant(tenant.id) as connection:
        await users.ensure(connection, tenant.id, author, "Ann")
        made = [
            await sessions.create(connection, tenant.id, title="Bench") for _ in range(wish.rooms)
        ]
    for session in made:
        epoch = await nodes.take_over(pools, session.id, "bench", None)
        assert epoch is not None
        rooms.append(Room(session.id, epoch, author, wish))
    return rooms


async def append(wish: Wish, directory: Path) -> None:
    """Prepare, wait for the sign, append, and say how it went."""
    async with EmbeddedServices(directory) as services:
        await migrate(services.database_url)
        async with Pools.open(services.database_url, size=2) as pools, LogWriter(pools) as log:
            await _append(wish, pools, log)


async def _append(wish: Wish, pools: Pools, log: LogWriter) -> None:
    rooms = await _rooms(pools, wish)
    print("ready", flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.readline)
    delays: list[float] = []
    began, own = time.perf_counter(), time.process_time()
    await asyncio.gather(*(room.append_all(log, delays) for room in rooms))
    seconds, own = time.perf_counter() - began, time.process_time() - own
    delays.sort()
    # The last of each room is there, and the chain holds: nothing was left out.
    verdicts = [await LogReader(pools).verify(room.session) for room in rooms[:4]]
    result = {
        "events": wish.rooms * wish.events,
        "seconds": round(seconds, 3),
        "writer_cpu": round(own / seconds, 2),
        "append_ms": {
            "p50": round(delays[len(delays) // 2] * 1000, 2),
            "p99": round(delays[len(delays) * 99 // 100] * 1000, 2),
        },
        "chain_holds": all(v.broken is None and v.sequence == wish.events for v in verdicts),
    }
    print(msgspec.json.encode(result).decode(), flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    logs.configure(level="warning")
    rooms, batch, events = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="liveclass-bench-") as name:
        # Started by root, the database runs as somebody else, who must find its way in.
        os.chmod(name, 0o711)  # noqa: S103
        asyncio.run(append(Wish(rooms, batch, events), Path(name) / "data"))
