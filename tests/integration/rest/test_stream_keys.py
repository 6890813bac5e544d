"""A stream key goes in and never comes out: not over REST, not in any table, not in the log."""

import asyncpg
import pytest_asyncio

from protocol.events import DestinationFailed
from server.ids import new_id
from server.rest.ports import live_sessions_key
from server.secrets.secret import Secret
from server.store import integrations

KEY = "canary-4b1d-stream-key"


@pytest_asyncio.fixture
async def destination(api, school):
    integration = await api.post(school.teacher, "/v1/integrations", {"provider": "custom"})
    body = {
        "integration": integration.body["id"],
        "name": "Main",
        "url": "rtmp://127.0.0.1/live",
        "stream_key": KEY,
    }
    headers = {"Idempotency-Key": "k1"}
    made = await api.post(school.teacher, "/v1/destinations", body, headers=headers)
    assert made.status == 201
    assert made.body == made.body | {"name": "Main", "profile": "tolerant", "backup_url": None}
    again = await api.post(school.teacher, "/v1/destinations", body, headers=headers)
    assert again.raw == made.raw
    return made.body["id"]


async def reference(pools, school, destination):
    async with pools.tenant(school.tenant) as connection:
        return (await integrations.get_destination(connection, destination)).stream_key_ref


async def everything(database_url):
    """Every row of every table, as text."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        rows = [
            row[0]
            for (table,) in tables
            for row in await connection.fetch(f"SELECT t::text FROM {table} t")
        ]
    finally:
        await connection.close()
    return "\n".join(rows)


async def test_no_answer_and_no_table_holds_the_key(
    api, pools, school, destination, vault, database_url
) -> None:
    for path in (
        "/v1/destinations",
        f"/v1/destinations/{destination}",
        "/v1/integrations",
        f"/v1/sessions/{school.session}/destinations",
    ):
        answer = await api.get(school.teacher, path)
        assert answer.status == 200
        assert KEY.encode() not in answer.raw
        assert b"vault:" not in answer.raw
    kept = await everything(database_url)
    assert destination in kept
    assert KEY not in kept
    assert KEY.encode().hex() not in kept
    found = await vault.resolve(await reference(pools, school, destination), school.tenant)
    assert found == Secret(KEY)


async def test_a_class_that_had_given_up_tries_again_with_another_key(
    api, app, school, destination
) -> None:
    commands = f"/v1/sessions/{school.session}/commands"
    for op, data in (
        ("session.start", {}),
        ("destination.enable", {"destination": destination}),
    ):
        body = {"key": new_id(), "op": op, "data": data}
        done = await api.post(school.teacher, commands, body)
        assert done.status == 200
    key = f"/v1/destinations/{destination}/stream-key"
    events = f"/v1/sessions/{school.session}/events?types=destination.retry_requested"
    assert (await api.send("PUT", school.teacher, key, {"stream_key": "one"})).status == 204
    assert (await api.get(school.teacher, events)).body["events"] == []
    failed = DestinationFailed(destination, "auth_rejected", 2)
    assert await app[live_sessions_key].report(school.tenant, school.session, "f", failed)
    head = (await api.get(school.teacher, events)).body["head"]
    path = f"/v1/sessions/{school.session}/destinations?after_sequence={head}"
    assert (await api.get(school.teacher, path)).body["items"][0]["status"] == "failed"
    assert (await api.send("PUT", school.teacher, key, {"stream_key": "two"})).status == 204
    (event,) = (await api.get(school.teacher, events)).body["events"]
    assert event["data"] == {"destination": destination}


async def test_another_key_takes_its_place_and_the_former_is_gone(
    api, pools, school, destination, vault
) -> None:
    former = await reference(pools, school, destination)
    path = f"/v1/destinations/{destination}/stream-key"
    answer = await api.send("PUT", school.teacher, path, {"stream_key": "another"})
    assert (answer.status, answer.raw) == (204, b"")
    now = await reference(pools, school, destination)
    assert now != former
    assert await vault.resolve(now, school.tenant) == Secret("another")
    assert await vault.resolve(former, school.tenant) is None
    elsewhere = {"stream_key_ref": "env:STREAM_KEY_A"}
    assert (await api.send("PUT", school.teacher, path, elsewhere)).status == 204
    assert await vault.resolve(now, school.tenant) is None
    assert (await api.get(school.teacher, path)).status == 405


async def test_a_key_that_is_refused_is_neither_kept_nor_repeated(
    api, school, destination, database_url
) -> None:
    path = f"/v1/destinations/{destination}/stream-key"
    for body in ({"stream_key": f"{KEY} 2"}, {"stream_key": KEY + "\0"}, {"stream_kee": KEY}):
        answer = await api.send("PUT", school.teacher, path, body)
        assert answer.status == 400
        assert KEY.encode() not in answer.raw
    both = {"stream_key": KEY, "stream_key_ref": "env:STREAM_KEY_A"}
    assert (await api.send("PUT", school.teacher, path, both)).status == 422
    assert KEY not in await everything(database_url)
