"""The command line against real services, as an operator uses it."""

import asyncio
import base64
import os
import re
import socket
import subprocess
import sys

import jwt
import pytest

from server.ids import new_id
from server.secrets.secret import Secret
from server.secrets.vault import Vault
from tests.integration.store.conftest import make_session


@pytest.fixture
def liveclass(redis_url, tmp_path):
    """Run a command; returns what it printed and its exit status."""
    environ = {
        **os.environ,
        "LIVECLASS_REDIS_URL": redis_url,
        "LIVECLASS_OBJECTS_URL": (tmp_path / "objects").as_uri(),
        "LIVECLASS_TOKEN_SECRET": "a secret of thirty-two bytes or so, for tests",
        "LIVECLASS_SECRET_KEYS": base64.b64encode(bytes(32)).decode(),
    }

    def run(*words, **settings):
        more = {f"LIVECLASS_{name.upper()}": value for name, value in settings.items()}
        return subprocess.run(
            [sys.executable, "-m", "server", *words],
            env=environ | more, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return run


async def test_an_empty_database_is_said_to_be_and_then_migrated(liveclass, empty_database_url):
    url = {"database_url": empty_database_url}
    refused = liveclass("serve", **url)
    assert refused.returncode == 1
    assert "run `liveclass migrate`" in refused.stderr
    checked = liveclass("check", **url)
    assert checked.returncode == 1
    assert "migrations to apply" in checked.stdout
    assert re.search("^roles +FAILED +not tried, for schema$", checked.stdout, re.MULTILINE)
    planned = liveclass("migrate", "--dry-run", **url).stdout
    assert planned == liveclass("migrate", **url).stdout != ""
    assert liveclass("migrate", **url).stdout == ""
    checked = liveclass("check", **url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [line.split()[0] for line in checked.stdout.splitlines()] == [
        "PostgreSQL", "commits", "clock", "connections", "schema", "roles", "vault", "tables",
        "Redis", "objects", "ports", "media", "files", "disk", "kernel",
    ]  # fmt: skip
    # The tests' PostgreSQL keeps nothing for ever.
    assert re.search("^commits +warning +fsync is off", checked.stdout, re.MULTILINE)
    assert "FAILED" not in checked.stdout


async def test_what_will_be_felt_one_day_is_a_warning(liveclass, database_url, owner, pools):
    tenant, session = await make_session(pools)
    await owner.execute(
        "INSERT INTO projections (session_id, tenant_id, error) VALUES ($1, $2, 'event 3 (x)')",
        session, tenant,
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        checked = liveclass(
            "check", database_url=database_url, port=str(port), media_ports="50000-50005",
            hub_workers="64",
        )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    found = dict(line.split(maxsplit=1) for line in checked.stdout.splitlines())
    assert found["tables"] == f"warning  stopped at an event: {session}: event 3 (x)"
    assert found["media"].startswith("warning  UDP ports 50000-50005: enough for 3 people")
    assert f"127.0.0.1, port {port}" in found["ports"]
    assert found["connections"].endswith(": raise max_connections")


async def test_a_key_of_the_vault_that_is_missing_fails(liveclass, database_url, pools):
    tenant, _ = await make_session(pools)
    vault = Vault(pools, [Secret(base64.b64encode(b"k" * 32).decode())])
    async with pools.tenant(tenant) as connection:
        await vault.put(connection, tenant, Secret("a stream key"))
    checked = liveclass("check", database_url=database_url, media_addresses="192.0.2.1")
    assert checked.returncode == 1
    found = dict(line.split(maxsplit=1) for line in checked.stdout.splitlines())
    assert found["vault"] == "FAILED   1 of 1 secrets cannot be read: is a key missing?"
    assert found["media"].startswith("FAILED   192.0.2.1: Cannot assign")


async def test_stun_and_turn_servers_are_asked(liveclass, database_url):
    class Stun(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(b"\x01\x01" + data[2:], address)

    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Stun, local_addr=("127.0.0.1", 0))
    async with await asyncio.start_server(lambda _, to: to.close(), "127.0.0.1", 0) as deaf:
        good, bad = (
            each.getsockname()[1] for each in (server.get_extra_info("socket"), deaf.sockets[0])
        )
        checked = await asyncio.to_thread(
            liveclass, "check", database_url=database_url, turn_secret="s",
            ice_servers=f"stun:127.0.0.1:{good},turn:127.0.0.1:{bad}?transport=tcp",
        )  # fmt: skip
    server.close()
    found = dict(line.split(maxsplit=1) for line in checked.stdout.splitlines())
    assert found[f"stun:127.0.0.1:{good}"].startswith("ok       answers within")
    # Whether it has gone before the question came or after it.
    assert found[f"turn:127.0.0.1:{bad}?transport=tcp"].startswith("warning  127.0.0.1, port")


async def test_a_service_that_is_away_fails_the_check_and_names_no_secret(liveclass, database_url):
    checked = liveclass(
        "check", database_url=database_url, redis_url="redis://127.0.0.1:1",
        trusted_issuers="https://id jwks=http://127.0.0.1:1/ algorithms=ES256 tenants=any",
    )  # fmt: skip
    assert checked.returncode == 1
    lines = dict(line.split(maxsplit=1) for line in checked.stdout.splitlines())
    assert lines["Redis"].startswith("FAILED")
    assert lines["PostgreSQL"].startswith(("ok", "warning")), "it may be slow"
    assert "of https://id  FAILED   http://127.0.0.1:1/: ClientConnectorError" in checked.stdout
    assert "thirty-two" not in checked.stdout + checked.stderr


async def test_wrong_settings_are_all_said_at_once(liveclass):
    done = liveclass("serve", port="70000", prot="1")
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "LIVECLASS_DATABASE_URL", "LIVECLASS_PORT", "LIVECLASS_PROT",
    ]  # fmt: skip


async def test_a_token(liveclass, database_url):
    words = ("--tenant", new_id(), "--role", "teacher", "--name", "Tess")
    made = liveclass("token", *words, database_url=database_url)
    assert made.stdout.count(".") == 2
    made = liveclass("token", "--operator", database_url=database_url)
    claims = jwt.decode(made.stdout.strip(), options={"verify_signature": False})
    assert (claims["scope"], claims["role"]) == ("operator", "admin")
    refused = liveclass("token", "--name", "Tess", database_url=database_url)
    assert refused.returncode == 2
