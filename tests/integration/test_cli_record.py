"""The record of a class on the command line: verified, signed, taken out, erased from."""

import asyncio
import json
import os
import stat
import subprocess
import sys

import asyncpg
import orjson
import pytest
from click.testing import CliRunner

from server import cli
from server.errors import ConflictError, LiveClassError, NotFoundError
from server.ids import new_id
from server.store import users
from server.store.log import LogWriter
from server.store.migrate import migrate
from tests.integration.store.conftest import Room


@pytest.fixture
def liveclass(database_url):
    """Run a command on the database, in this process; returns what it printed and its status."""

    async def run(name, *words):
        environ = {"LIVECLASS_DATABASE_URL": database_url}
        arguments = [str(word) for word in words]
        done = await asyncio.to_thread(
            CliRunner().invoke, cli.liveclass.commands[name], arguments, env=environ
        )
        assert isinstance(done.exception, SystemExit | LiveClassError | None), done.exception
        return done

    return run


@pytest.fixture
async def lesson(pools):
    """A session of 1,203 events, more than a page."""
    room = await Room.open(pools)
    async with LogWriter(pools) as writer:
        for start in range(0, 1203, 401):
            commands = [room.chat(f"word {start + n}", actor=new_id()) for n in range(401)]
            await writer.append(room.session, room.epoch, commands)
    return room


@pytest.fixture
def tamper(owner):
    """Change the log as only a superuser of the database server could."""

    async def tamper(statement, *values):
        await owner.execute("ALTER TABLE session_state_events DISABLE TRIGGER USER")
        await owner.execute(statement, *values)

    return tamper


async def test_a_log_is_verified_up_to_the_first_event_that_does_not_fit(liveclass, lesson, tamper):
    done = await liveclass("verify", lesson.session)
    assert done.stdout == f"ok  1203 events  head {lesson.digest.hex()}\n", done.stderr
    await tamper("UPDATE session_state_events SET actor_id = NULL WHERE sequence = 1100")
    done = await liveclass("verify", lesson.session)
    assert done.stdout.startswith("BROKEN at event 1100: does not fit")
    assert done.exit_code == 3
    done = await liveclass("export", lesson.session)
    assert (done.exit_code, done.stderr[:21]) == (3, "BROKEN at event 1100:")


async def test_a_signed_head_shows_what_the_chain_alone_cannot(liveclass, lesson, tamper, tmp_path):
    file = tmp_path / "head.json"
    file.write_text((await liveclass("head", lesson.session)).stdout)
    head = json.loads(file.read_text())
    assert (head["sequence"], head["digest"]) == (1203, lesson.digest.hex())
    async with LogWriter(lesson.pools) as writer:
        await writer.append(lesson.session, lesson.epoch, [lesson.chat()])
    done = await liveclass("verify", lesson.session, "--head", file)
    assert done.stdout.startswith("ok  1204 events, holds the signed head of event 1203")
    forged = json.dumps(head | {"sequence": 1202})
    done = await liveclass("verify", lesson.session, "--head", forged)
    assert (done.exit_code, done.stdout[:21]) == (3, "BROKEN at event 1202:")
    other = json.dumps(head | {"log": new_id()})
    done = await liveclass("verify", lesson.session, "--head", other)
    assert done.exit_code == 3
    assert "of another log" in done.stdout
    done = await liveclass("verify", lesson.session, "--head", file, "--public-key", "AAAA")
    assert done.exit_code == 3
    assert "another key" in done.stdout
    await tamper("DELETE FROM session_state_events WHERE sequence > 1100")
    assert (await liveclass("verify", lesson.session)).exit_code == 0
    done = await liveclass("verify", lesson.session, "--head", file)
    assert done.stdout.startswith("BROKEN at event 1101: missing: the signed head is of event 1203")
    assert done.exit_code == 3


async def test_an_export_verifies_with_no_database(liveclass, lesson, tmp_path):
    file = tmp_path / "class.ndjson"
    done = await liveclass("export", lesson.session, "--out", file)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    header, *events, end = map(orjson.loads, file.read_bytes().splitlines())
    assert (header["session"], header["tenant"]) == (lesson.session, lesson.tenant)
    assert [event["payload"]["text"] for event in events] == [f"word {n}" for n in range(1203)]
    assert end["head"] == json.loads((await liveclass("head", lesson.session)).stdout)
    key = header["public_key"]
    away = {"database-url": "postgresql://127.0.0.1:1/none"}
    words = [word for name, value in away.items() for word in (f"--{name}", value)]
    done = await liveclass("verify", "--file", file, "--public-key", key, *words)
    assert done.stdout == (f"ok  1203 events  head {lesson.digest.hex()}  signed by {key}\n"), (
        done.stderr
    )
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b'"word 1150"', b'"word 115O"'))
    done = await liveclass("verify", "--file", file)
    assert done.stdout == "BROKEN at event 1151: holds other data than was written\n"
    assert done.exit_code == 3
    assert list(tmp_path.iterdir()) == [file], "no half of a file is left"


async def test_to_standard_output_it_is_the_same(liveclass, lesson, tmp_path):
    out = await liveclass("export", lesson.session)
    (tmp_path / "piped").write_text(out.stdout)
    done = await liveclass("verify", "--file", tmp_path / "piped")
    assert done.stdout.startswith("ok  1203 events")


async def test_an_export_is_put_back(liveclass, lesson, empty_database_url, tmp_path):
    file = tmp_path / "class.ndjson"
    await liveclass("export", lesson.session, "--out", file)
    head = (await liveclass("head", lesson.session)).stdout
    done = await liveclass("import", file)
    assert isinstance(done.exception, ConflictError), "it is here already"
    await migrate(empty_database_url)
    there = ("--database-url", empty_database_url)
    done = await liveclass("import", file, "--public-key", "AAAA", *there)
    assert done.exit_code == 3
    assert done.stderr.startswith("BROKEN at the header: signed by another key")
    done = await liveclass("import", file, *there)
    assert isinstance(done.exception, NotFoundError), "the tenant is not there"
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, 'a')", lesson.tenant)
    await connection.close()
    done = await liveclass("import", file, "--head", head, *there)
    assert done.stdout == (
        f"imported  {lesson.session}  1203 events  head {lesson.digest.hex()}  "
        f"tenant {lesson.tenant}\n"
    )
    done = await liveclass("verify", lesson.session, *there)
    assert done.stdout == f"ok  1203 events  head {lesson.digest.hex()}\n"


async def test_a_person_is_erased_and_the_record_still_verifies(liveclass, lesson, pools, tmp_path):
    ann = new_id()
    async with pools.tenant(lesson.tenant) as connection:
        await users.ensure(connection, lesson.tenant, ann, "Ann")
    async with LogWriter(pools) as writer:
        await writer.append(lesson.session, lesson.epoch, [lesson.chat("secret", actor=ann)])
    kept = (await liveclass("head", lesson.session)).stdout
    words = ("erase", ann, "--tenant", lesson.tenant)
    done = await liveclass(*words)
    assert (done.exit_code, "Aborted" in done.stderr) == (1, True), "nobody has said yes"
    assert "secret" in (await liveclass("export", lesson.session)).stdout
    done = await liveclass(*words, "--yes")
    assert done.stdout.endswith("erased  1 events in 1 sessions\n"), "perhaps after a log line"
    done = await liveclass("verify", lesson.session, "--head", kept)
    assert done.stdout.startswith("ok  1204 events, 1 erased, holds the signed head of event 1204")
    file = tmp_path / "class.ndjson"
    await liveclass("export", lesson.session, "--out", file)
    assert "secret" not in file.read_text()
    done = await liveclass("verify", "--file", file, "--head", kept)
    assert done.stdout.startswith("ok  1204 events, 1 erased, holds the signed head of event 1204")
    assert (await liveclass("erase", new_id(), "--tenant", lesson.tenant, "--yes")).exit_code == 1


async def test_what_was_asked_wrongly_is_said_to_be(liveclass, lesson, tmp_path):
    for words, status in {
        ("verify",): 2,
        ("verify", "not-an-id"): 2,
        ("verify", lesson.session, "--file", __file__): 2,
        ("verify", lesson.session, "--head", tmp_path / "none"): 2,
        ("verify", lesson.session, "--head", "{}"): 2,
        ("verify", new_id()): 1,
        ("head", new_id()): 1,
        ("export", new_id()): 1,
        ("export", new_id(), "--out", tmp_path / "new"): 1,
        ("export", lesson.session, "--out", tmp_path / "no" / "where"): 1,
        ("verify", "--file", __file__): 3,  # BROKEN at the header
        ("import", __file__): 3,
        ("import", tmp_path / "none"): 2,
    }.items():
        done = await liveclass(*words)
        assert done.exit_code == status, (words, done.stdout, done.stderr)
    assert list(tmp_path.iterdir()) == []


async def test_what_fails_is_one_sentence(database_url):
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "server", "verify", new_id()],
        env=os.environ | {"LIVECLASS_DATABASE_URL": database_url},
        capture_output=True, timeout=120, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "liveclass: There is no such session.\n"
