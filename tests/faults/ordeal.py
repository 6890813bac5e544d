"""Some classes on a cluster that is broken for a while; and then whether every promise was kept.

::

    cluster ◀── nemesis          from one seed: the same people want the same, the same breaks;
       ▲                         what the machine makes of it differs from run to run
    lessons (people) ──▶ histories ──▶ check
"""

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from load.fuzz.rooms import Mint
from protocol.commands import COMMANDS
from server.ids import new_id
from server.store import courses, integrations, sessions, tenants
from server.store.log import LogReader
from server.store.pool import Pools
from server.tasks import Supervisor
from tests.faults.brief import Brief
from tests.faults.check import violations
from tests.faults.cluster import Cluster, running
from tests.faults.history import History
from tests.faults.nemesis import PAUSE, Nemesis
from tests.faults.recorder import Clock
from tests.faults.speech import Did
from tests.faults.story import tell, timeline
from tests.faults.workload import Crowd, Lesson
from tests.patience import PATIENCE

WHOLE_SECONDS = 90.0
"""After the last fault everybody must be back, and of one mind, within this time."""
END_SECONDS = 60.0
BRIEF_SECONDS = 15.0
BY_PROXY = 0.35
MOST_STORIES = 20


class _LogRecord(Struct):
    event: str
    level: str


class Plan(Struct, frozen=True):
    """What is to happen. ``faults`` names those that may; all, unless told."""

    seed: int
    seconds: float
    tenants: int = 2
    lessons: int = 4
    briefs: int = 0
    """Classes that are brought to their end meanwhile, one after another."""
    crowd: Crowd = Crowd()
    pace: float = 3.0
    ops: frozenset[str] = frozenset(COMMANDS)
    nodes: int = 3
    how: tuple[str, ...] = ()
    """How the nodes are broken (``tests.faults.node``)."""
    faults: frozenset[str] = frozenset()
    pause: tuple[float, float] = PAUSE
    """Seconds between one fault and the next, at least and at most."""
    fast: bool = False
    acked: int = 0
    """It goes on until so many commands were acked: on a slow machine that takes longer."""


class Verdict(Struct):
    """What came of it."""

    histories: list[History]
    found: list[str] = field(default_factory=list)
    """The story of each violation."""
    kinds: Counter[str] = field(default_factory=Counter)
    did: Did = field(default_factory=Did)
    faults: dict[str, int] = field(default_factory=dict)
    defects: Counter[str] = field(default_factory=Counter)
    """What the server's logs call errors."""

    @property
    def figures(self) -> dict[str, object]:
        """Return what to report."""
        asked = [each for history in self.histories for each in history.asked]
        waits = sorted(each.answered - each.sent for each in asked if each.answered is not None)
        clients = [client for history in self.histories for client in history.clients]
        return {
            "violations": sum(self.kinds.values()),
            "classes": len(self.histories),
            "clients": len(clients),
            "events": sum(len(history.log) for history in self.histories),
            "commands": len(asked),
            "acked": self.did.total("acked"),
            "no_change": self.did.total("no change"),
            "duplicates": self.did.total("duplicate"),
            "connections": sum(
                type(history.items[ref]).__name__ == "Connected"
                for history in self.histories
                for client in history.clients
                for ref in client.heard
            ),
            "p50_answer_s": round(waits[len(waits) // 2], 3) if waits else None,
            "p99_answer_s": round(waits[len(waits) * 99 // 100], 3) if waits else None,
            "longest_answer_s": round(waits[-1], 1) if waits else None,
            "errors_logged": dict(self.defects),
            "never_acked": self.did.never_acked,
            **{name.replace(" ", "_"): count for name, count in self.faults.items()},
        }


async def endure(directory: Path, plan: Plan) -> Verdict:
    """Run it all on ``directory``."""
    rng = random.Random(plan.seed)
    verdict = Verdict([])
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            running(directory, nodes=plan.nodes, how=plan.how, fast=plan.fast)
        )
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        tasks = await stack.enter_async_context(Supervisor("people"))
        clock = Clock()
        lessons = await prepare(cluster, plan, http, clock, rng, verdict.did, tasks)
        briefs = [
            Brief(each, cluster)
            for each in await prepare(
                cluster, replace(plan, lessons=plan.briefs), http, clock, rng, verdict.did, tasks
            )
        ]
        await asyncio.gather(*(each.begin(plan.crowd) for each in lessons))
        holding = asyncio.ensure_future(_hold(briefs, clock, plan.seconds))
        nemesis = Nemesis(
            cluster, clock, random.Random(rng.random()), only=plan.faults, pause=plan.pause
        )
        await nemesis.run(plan.seconds)
        async with asyncio.timeout(PATIENCE):
            while verdict.did.total("acked") < plan.acked:
                await nemesis.run(1.0)
        await asyncio.gather(*(each.rest() for each in lessons))
        await asyncio.gather(*(each.become_whole(WHOLE_SECONDS) for each in lessons))
        await asyncio.wait((holding,), timeout=END_SECONDS)
        if not holding.done():
            lessons[0].recorder.history.failed.append("a class is not brought to its end")
            holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        reader = LogReader(cluster.pools)
        for lesson in [*lessons, *(each.lesson for each in briefs)]:
            await lesson.recorder.read_log(reader)
            lesson.recorder.history.faults += nemesis.faults
            verdict.histories.append(lesson.recorder.history)
        verdict.histories[0].failed += nemesis.complaints
        verdict.faults = nemesis.counts
        verdict.defects = defects(cluster.logs)
    judge(verdict)
    return verdict


async def _hold(briefs: Sequence[Brief], clock: Clock, seconds: float) -> None:
    """Hold classes from beginning to end, one after another, for as long as there is time."""
    for each in briefs:
        if clock() > seconds:
            break
        await each.hold(BRIEF_SECONDS)


def judge(verdict: Verdict) -> None:
    """Check every history; write those in which something is wrong to a file that stays."""
    for history in verdict.histories:
        path = Path(tempfile.gettempdir()) / f"history-{history.session}.ndjson"
        history.write(path)
        found = violations(history)
        verdict.kinds.update(each.kind for each in found)
        # What many were told wrongly is one story.
        stories = {(each.kind, each.text): each for each in found}
        verdict.found += [tell(history, each) for each in [*stories.values()][:MOST_STORIES]]
        if found:
            verdict.found.append(f"{path}\n{timeline(history)}")
        else:
            path.unlink()


async def prepare(
    cluster: Cluster,
    plan: Plan,
    http: aiohttp.ClientSession,
    clock: Clock,
    rng: random.Random,
    did: Did,
    tasks: Supervisor,
) -> list[Lesson]:
    """Make the tenants and their classes; nobody acts yet."""
    lessons = []
    schools = [await _school(cluster.pools, number) for number in range(plan.tenants)]
    choosing = random.Random(rng.random())

    def choose(session: str) -> tuple[str, str]:
        node, by_proxy = choosing.choice(cluster.nodes), choosing.random() < BY_PROXY
        url = f"{node.url(by_proxy=by_proxy)}/v1/sessions/{session}/live"
        return f"{node.name}{' by proxy' * by_proxy}", url

    for number in range(plan.lessons):
        tenant, lesson, destinations = schools[number % len(schools)]
        async with cluster.pools.tenant(tenant) as connection:
            made = await sessions.create(connection, tenant, title="Algebra", lesson=lesson)
        lessons.append(
            Lesson(
                made.id,
                Mint(cluster.token_secret, tenant),
                http=http,
                choose=choose,
                clock=clock,
                rng=random.Random(rng.random()),
                did=did,
                tasks=tasks,
                pace=plan.pace,
                destinations=destinations,
                ops=plan.ops,
            )
        )
    return lessons


async def _school(pools: Pools, number: int) -> tuple[str, str, tuple[str, ...]]:
    """Return a tenant, a lesson of it, and its destinations: nobody listens there."""
    tenant = (await tenants.create(pools, f"School {number}", id=new_id())).id
    async with pools.tenant(tenant) as connection:
        course = await courses.create(connection, tenant, title="Maths", status="published")
        lesson = await courses.create_lesson(
            connection, tenant, course.id, title="One", order_index=1
        )
        integration = await integrations.create(connection, tenant, provider="custom")
        made = [
            await integrations.create_destination(
                connection, tenant, integration.id, name=f"D{each}",
                url="rtmp://127.0.0.1:9/live", stream_key_ref="env:NO_SUCH_KEY",
            )
            for each in range(2)
        ]  # fmt: skip
    return tenant, lesson.id, tuple(each.id for each in made)


def defects(logs: Sequence[Path]) -> Counter[str]:
    """Return what the nodes' logs call errors, by the name of the record."""
    found: Counter[str] = Counter()
    for path in logs:
        for line in path.read_text(errors="replace").splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                record = msgspec.json.decode(line, type=_LogRecord)
                if record.level in ("error", "critical"):
                    found[record.event] += 1
    return found
