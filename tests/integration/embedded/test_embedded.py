"""The embedded services: up from nothing, gone with their holder, up again on the same data."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from server.embedded import EmbeddedError, EmbeddedServices
from tests.patience import PATIENCE, eventually

HOLDER = Path(__file__).with_name("holder.py")
ROOT = Path(__file__).parents[3]


class Holder:
    """A child process with the services; its ``facts`` are what it said when it was up."""

    def __init__(self, directory, uid=None):
        self.process = subprocess.Popen(
            [sys.executable, str(HOLDER), str(directory), *([str(uid)] if uid else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert line, f"the holder ended with status {self.process.wait(10)}"
        self.facts = json.loads(line)

    def kill(self):
        self.process.kill()
        self._close()

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        self._close()

    def _close(self):
        self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


@pytest.fixture
def holder():
    holders = []

    def start(directory, uid=None):
        holders.append(Holder(directory, uid))
        return holders[-1]

    yield start
    for each in holders:
        each.stop()


def is_running(pid):
    """Say whether ``pid`` runs; a zombie that init has not fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def gone(pids, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline, "still running"
        await asyncio.sleep(0.02)


async def query(url, statement):
    connection = await asyncpg.connect(url, timeout=PATIENCE)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def children(pid):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.parent.name))
    return found


async def test_both_answer_and_nobody_else_gets_in(data_dir):
    async with EmbeddedServices(data_dir / "data", fast=True) as services:
        assert await query(services.database_url, "SHOW server_version") >= "18"
        # An ordinary login: what the server runs with is no superuser.
        assert not await query(
            services.database_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        async with Redis.from_url(services.redis_url) as client:
            assert await client.ping()
        # Sockets in a directory that is closed to others, no port, and a password besides.
        sockets = data_dir / "data" / "services" / "run"
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert sorted(path.name for path in sockets.iterdir()) == [
            ".s.PGSQL.5432", ".s.PGSQL.5432.lock", "valkey.sock",
        ]  # fmt: skip
        assert await query(services.database_url, "SHOW listen_addresses") == ""
        for user in ("liveclass", "postgres"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(
                    host=str(sockets), port=5432, user=user, password="guess", database="liveclass"
                )
        for name in ("postgres.log", "postgres.password", "valkey.log", "lock"):
            assert stat.S_IMODE((data_dir / "data" / name).stat().st_mode) == 0o600
        pids = [services.postgres.pid, services.valkey.pid]
        assert all(map(is_running, pids))
        # Root lends them an unprivileged user, and an ordinary user itself.
        assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in pids)
    await gone(pids, 0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_kill_9_of_the_holder_leaves_no_process_and_the_next_start_recovers(data_dir, holder):
    first = holder(data_dir)
    await query(first.facts["database_url"], "CREATE TABLE kept AS SELECT 7 AS n")
    busy = await asyncpg.connect(first.facts["database_url"])
    (postmaster, _) = first.facts["pids"]
    backends = await eventually(lambda: len(found := children(postmaster)) >= 5 and found)
    first.kill()
    # At once, while the old servers are still ending.
    second = holder(data_dir)
    assert await query(second.facts["database_url"], "SELECT n FROM kept") == 7
    await gone(first.facts["pids"] + backends)
    busy.terminate()
    second.kill()
    await gone(second.facts["pids"])


async def test_kill_9_of_the_servers_themselves_is_made_good(data_dir):
    async with EmbeddedServices(data_dir, fast=True) as services:
        url = services.database_url
        await query(url, "CREATE TABLE kept AS SELECT 7 AS n")
        for server in (services.postgres, services.valkey):
            os.kill(server.pid, signal.SIGKILL)

        async def both_answer():
            with suppress(OSError, asyncpg.PostgresError, RedisConnectionError):
                assert await query(url, "SELECT n FROM kept") == 7
                async with Redis.from_url(services.redis_url) as client:
                    return await client.ping()

        await eventually(both_answer)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(data_dir):
    """As after a restart of a container, where numbers begin anew."""
    async with EmbeddedServices(data_dir, fast=True):
        pid_file = data_dir / "services" / "postgres" / "postmaster.pid"
        text = pid_file.read_text()
    stranger = subprocess.Popen(["sleep", "600"], user=pid_file.parent.stat().st_uid, cwd="/")
    try:
        pid_file.write_text(text.replace(text.split("\n")[0], str(stranger.pid), 1))
        shutil.chown(pid_file, pid_file.parent.stat().st_uid)
        async with EmbeddedServices(data_dir, fast=True) as services:
            assert await query(services.database_url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_busy_directory_gets_one_sentence(data_dir, holder):
    first = holder(data_dir)
    second = holder(data_dir)
    assert second.facts == {
        "error": f"Another liveclass (process {first.process.pid}) is using the data directory "
        f"{data_dir}: stop it or choose another directory."
    }
    assert await query(first.facts["database_url"], "SELECT 1") == 1


async def refused(directory):
    with pytest.raises(EmbeddedError) as raised:
        async with EmbeddedServices(directory, fast=True):
            pass
    text = str(raised.value)
    assert "\n" not in text
    assert str(directory) in text
    return text


async def test_a_broken_directory_gets_one_sentence(data_dir):
    data = data_dir / "data"
    async with EmbeddedServices(data, fast=True):
        pass
    cluster = data / "services" / "postgres"
    version = cluster / "PG_VERSION"
    version.write_text("15\n")
    assert "was made by PostgreSQL 15, this is PostgreSQL 18" in await refused(data)
    version.unlink()
    assert "is broken" in await refused(data)
    version.write_text("18\n")
    shutil.chown(version, cluster.stat().st_uid)
    (cluster / "global" / "pg_control").write_bytes(b"")
    assert "does not start" in await refused(data)
    (data / "postgres.password").unlink()
    assert "is broken" in await refused(data)
    # And it lets the directory go each time.
    assert "is broken" in await refused(data)


async def test_an_interrupted_first_start_is_begun_again(data_dir):
    (data_dir / "services" / "postgres.partial" / "base").mkdir(parents=True)
    async with EmbeddedServices(data_dir, fast=True) as services:
        assert await query(services.database_url, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="the whole suite is the test of an ordinary user")
async def test_an_ordinary_user_needs_nothing_of_the_system(data_dir, holder):
    uid = pwd.getpwnam("nobody").pw_uid
    data_dir.chmod(0o777)
    first = holder(data_dir / "data", uid)
    assert await query(first.facts["database_url"], "SELECT 1") == 1
    for pid in first.facts["pids"]:
        assert Path(f"/proc/{pid}").stat().st_uid == uid
    first.stop()
    await gone(first.facts["pids"], 0.1)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user reaches its own directories")
async def test_root_may_keep_the_data_where_only_root_can_go(data_dir):
    """As below root's home: the servers' files stand elsewhere, and are found again."""
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    place = None
    try:
        async with EmbeddedServices(data, fast=True) as services:
            await query(services.database_url, "CREATE TABLE kept AS SELECT 7 AS n")
            place = (data / "services").resolve()
        assert place.is_relative_to("/var/lib/liveclass")
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        async with EmbeddedServices(data, fast=True) as services:
            assert await query(services.database_url, "SELECT n FROM kept") == 7
        # A new directory under the same name begins anew.
        shutil.rmtree(data)
        async with EmbeddedServices(data, fast=True) as services:
            assert await query(services.database_url, "SELECT to_regclass('kept') IS NULL")
    finally:
        if place is not None:
            shutil.rmtree(place)
