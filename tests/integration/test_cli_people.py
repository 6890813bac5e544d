"""Tenants on the command line, and what is about to be removed."""

import asyncio
import json

from click.testing import CliRunner

from server import cli
from server.ids import new_id
from server.store import tenants
from server.store.log import LogWriter
from server.store.projector import Projector
from tests.integration.store.conftest import Room
from tests.patience import PATIENCE

DAY_MS = 86_400_000


async def run(database_url, *words):
    environ = {"LIVECLASS_DATABASE_URL": database_url}
    return await asyncio.to_thread(CliRunner().invoke, cli.liveclass, words, env=environ)


async def test_a_tenant_is_founded_and_listed(database_url, pools):
    tenant = new_id()
    words = ("tenant", "create", "A school", "--admin", "Ada", "--domain", "a.example")
    made = await run(database_url, *words, "--id", tenant)
    assert made.exit_code == 0, made.output
    told = json.loads(made.output)
    assert told["tenant"] == tenant == await tenants.find_by_domain(pools, "a.example")
    async with pools.tenant(tenant) as connection:
        name = await connection.fetchval(
            "SELECT display_name FROM users WHERE id = $1", told["admin"]
        )
    assert name == "Ada"
    assert tenant in (await run(database_url, "tenant", "list")).output
    taken = await run(database_url, *words)
    assert taken.exit_code == 1
    wrong = await run(database_url, *words[:-1], "no host")
    assert (wrong.exit_code, "domains" in wrong.output) == (2, True)


async def test_what_is_due_is_told_and_not_done(database_url, pools):
    room = await Room.open(pools)
    async with LogWriter(pools) as writer:
        ended = room.command(("session.started", {}), ("session.ended", {}), at_ms=DAY_MS)
        await writer.append(room.session, room.epoch, [ended])
    async with Projector(pools) as projector:
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    async with pools.tenant(room.tenant) as connection:
        await tenants.update(connection, room.tenant, sessions_days=7)
    told = await run(database_url, "retention", "--dry-run")
    assert told.exit_code == 0
    assert room.session in told.output
    assert "due 1970-01-09T00:00:00.000Z" in told.output
    assert (await run(database_url, "retention", "--dry-run")).output == told.output
    assert (await run(database_url, "retention")).exit_code == 2
