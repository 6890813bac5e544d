"""``liveclass demo``: a class that is going on, from nothing.

::

    standalone services ─▶ school (tenant, people, course, session) ─▶ workers ─▶ simulated class
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from protocol.ids import Role
from protocol.rest import NewJoinLink
from server.auth.join_links import JoinLinks
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.config import Settings, variable
from server.errors import InvalidInputError
from server.ids import new_id
from server.media.destinations.address import parse
from server.processes import free_port, stop_asked
from server.secrets.secret import Secret
from server.secrets.vault import Vault
from server.serve import Running, running
from server.standalone import Standalone, standalone, write_private
from server.store import courses, integrations, join_links, sessions, tenants, users
from server.store.pool import Pools
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TOKEN_SECONDS = 24 * 3600
STUDENT_TOKENS = 5
LOAD_STOP_SECONDS = 15.0


class Demo(Struct, frozen=True):
    """What the command line asked for."""

    port: int
    data: Path
    students: int
    has_teacher: bool
    destinations: tuple[str, ...]
    ready_file: Path | None


class School(Struct, frozen=True):
    """Who and what a demo directory knows; kept in it as ``demo.json``."""

    tenant: str
    lesson: str
    session: str
    people: dict[str, str]
    destinations: dict[str, str] = {}
    """URL without its key → id, so that the same address is not added twice."""


class ReadyTokens(Struct, frozen=True):
    """A day's tokens."""

    teacher: str
    assistant: str
    admin: str
    students: tuple[str, ...]


class Ready(Struct, frozen=True):
    """The ready file: where everything is."""

    url: str
    ops_url: str
    session: str
    tenant: str
    database_url: str
    redis_url: str
    tokens: ReadyTokens


async def hold_demo(wish: Demo, environ: Mapping[str, str]) -> None:
    """Hold the demo until SIGINT or SIGTERM; leaves no process, and keeps the directory."""
    port = free_port("127.0.0.1", wish.port)
    overrides = {
        "port": str(port),
        "ops_port": "0",
        "public_url": f"http://127.0.0.1:{port}",
        "allowed_origins": ",".join(
            filter(None, (environ.get(variable("allowed_origins")), f"http://localhost:{port}"))
        ),
        "drain_seconds": "1",
        "log_level": "warning",
    }
    # Whoever tries this out streams to programs on the same machine.
    overrides["egress_allow"] = "127.0.0.0/8:*,[::1/128]:*"
    async with (
        standalone(wish.data, environ, **overrides) as alone,
        Pools.open(alone.settings.database_url.reveal(), size=2) as pools,
    ):
        school = await _find_school(pools, wish.data / "demo.json")
        code = await _class_link(pools, alone.settings, school)
        school, enabled = await _add_destinations(pools, alone.settings, school, wish.destinations)
        write_private(wish.data / "demo.json", msgspec.json.encode(school))
        async with running(alone.settings, alone.environ) as server, Supervisor("demo") as tasks:
            ready = _ready(alone, school, server)
            content = msgspec.json.format(msgspec.json.encode(ready))
            place = wish.data / "ready.json"
            write_private(place, content)
            if wish.ready_file is not None:
                write_private(wish.ready_file, content)
            if wish.has_teacher or wish.students:
                tasks.start("class", _simulate(wish, place, enabled))
            _print_links(ready, wish, code)
            await stop_asked()


async def _find_school(pools: Pools, path: Path) -> School:
    """Return the directory's school; a new session if its last one has ended."""
    school = _read_school(path)
    if school is not None:
        session = await sessions.find(pools, school.session)
        if session is not None and session.status in ("scheduled", "live"):
            return school
    else:
        school = await _make_school(pools)
    async with pools.tenant(school.tenant) as connection:
        made = await sessions.create(
            connection, school.tenant, title="Trigonometry, live", lesson=school.lesson
        )
    return replace(school, session=made.id)


def _read_school(path: Path) -> School | None:
    return msgspec.json.decode(path.read_bytes(), type=School) if path.exists() else None


async def _make_school(pools: Pools) -> School:
    tenant = await tenants.create(pools, "Demo School")
    people = {name: new_id() for name in ("admin", "teacher", "assistant")}
    roles: dict[str, Role] = {"admin": "admin", "teacher": "teacher", "assistant": "assistant"}
    async with pools.tenant(tenant.id) as connection:
        for name, user in people.items():
            await users.ensure(connection, tenant.id, user, f"Demo {name}")
            await users.give_role(connection, tenant.id, user, roles[name])
        course = await courses.create(
            connection, tenant.id, title="Mathematics", status="published"
        )
        lesson = await courses.create_lesson(
            connection, tenant.id, course.id, title="Trigonometry", order_index=1
        )
    return School(tenant.id, lesson.id, "", people)


async def _add_destinations(
    pools: Pools, settings: Settings, school: School, urls: tuple[str, ...]
) -> tuple[School, list[str]]:
    """Add what ``--destination`` names; the last part of an address is its key."""
    known, enabled = dict(school.destinations), []
    vault = Vault(pools, settings.secret_keys)
    for full in urls:
        url, _, key = full.rpartition("/")
        if not key or urlsplit(url).path.strip("/") == "":
            raise InvalidInputError("A destination is rtmp(s)://host/application/stream-key.")
        parse(url)
        async with pools.tenant(school.tenant) as connection:
            reference = await vault.put(connection, school.tenant, Secret(key))
            if url in known:
                await integrations.set_stream_key(connection, known[url], reference)
            else:
                integration = await integrations.create(
                    connection, school.tenant, provider="custom"
                )
                made = await integrations.create_destination(
                    connection, school.tenant, integration.id,
                    name=url.partition("://")[2], url=url, stream_key_ref=reference,
                )  # fmt: skip
                known[url] = made.id
        enabled.append(known[url])
    return replace(school, destinations=known), enabled


async def _class_link(pools: Pools, settings: Settings, school: School) -> str:
    """Return the code of the link for everybody; the class has had it since its first start."""
    async with pools.tenant(school.tenant) as connection:
        known = await join_links.list_of(connection, school.session, limit=1)
        link = known[0] if known else await join_links.add(
            connection, school.tenant, school.session, school.people["teacher"],
            id=new_id(), expires_at=None, max_uses=NewJoinLink().max_uses,
        )  # fmt: skip
    return JoinLinks(settings.token_secret).code(link.id)


def _ready(alone: Standalone, school: School, server: Running) -> Ready:
    settings = alone.settings
    tokens = Tokens(settings.token_secret, settings.token_issuer, SystemClock())

    def token(role: Role, name: str, user: str) -> str:
        return tokens.issue(
            subject=user, tenant=school.tenant, role=role, name=name, ttl_seconds=TOKEN_SECONDS,
            session=None if role == "admin" else school.session,
        )  # fmt: skip

    return Ready(
        url=server.url,
        ops_url=server.ops_url,
        session=school.session,
        tenant=school.tenant,
        database_url=settings.database_url.reveal(),
        redis_url=settings.redis_url.reveal(),
        tokens=ReadyTokens(
            teacher=token("teacher", "Demo teacher", school.people["teacher"]),
            assistant=token("assistant", "Demo assistant", school.people["assistant"]),
            admin=token("admin", "Demo admin", school.people["admin"]),
            students=tuple(
                token("student", f"Student {number + 1}", new_id())
                for number in range(STUDENT_TOKENS)
            ),
        ),
    )


async def _simulate(wish: Demo, ready_file: Path, destinations: list[str]) -> None:
    """Run the simulated class as a process of its own; it ends with its standard input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load", "class",
        "--ready-file", str(ready_file),
        "--teacher", "simulated" if wish.has_teacher else "none",
        "--students", str(wish.students), "--returning",
        *(word for each in destinations for word in ("--destination", each)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        status = await process.wait()
        if status != 0:  # 0: the class is over
            log.error("simulated_class_failed", status=status)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(LOAD_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _print_links(ready: Ready, wish: Demo, code: str) -> None:
    page = f"{ready.url}/sessions/{ready.session}"
    going_on = "A class is going on." if wish.has_teacher else "The class waits for you."
    lines = [
        "",
        f"  {going_on} Open these in a browser:",
        "",
        f"  studio  (teacher)  {page}/studio#token={ready.tokens.teacher}",
        "",
        f"  room    (student)  {page}/room#token={ready.tokens.students[0]}",
        "",
        f"  class   (anybody)  {ready.url}/join#{code}",
        "",
        f"  replay             {page}/replay#token={ready.tokens.students[0]}",
        "",
        f"  home    (admin)    {ready.url}/#token={ready.tokens.admin}",
        "",
        f"  Kept in {wish.data}. Ctrl-C stops everything.",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
