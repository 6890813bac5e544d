"""The command line against real services, as an operator uses it."""

import base64
import os
import subprocess
import sys

import jwt
import pytest

from server.ids import new_id


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
            env=environ | more, capture_output=True, text=True, timeout=30,
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
    planned = liveclass("migrate", "--dry-run", **url).stdout
    assert planned == liveclass("migrate", **url).stdout != ""
    assert liveclass("migrate", **url).stdout == ""
    checked = liveclass("check", **url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert {line.split()[0] for line in checked.stdout.splitlines()} == {
        "PostgreSQL", "schema", "clock", "Redis", "objects",
    }  # fmt: skip


async def test_a_service_that_is_away_fails_the_check_and_names_no_secret(liveclass, database_url):
    checked = liveclass(
        "check", database_url=database_url, redis_url="redis://127.0.0.1:1",
        trusted_issuers="https://id jwks=http://127.0.0.1:1/ algorithms=ES256 tenants=any",
    )  # fmt: skip
    assert checked.returncode == 1
    lines = dict(line.split(maxsplit=1) for line in checked.stdout.splitlines())
    assert lines["Redis"].startswith("FAILED")
    assert lines["PostgreSQL"].startswith("ok")
    assert "of https://id  FAILED  http://127.0.0.1:1/: ClientConnectorError" in checked.stdout
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
