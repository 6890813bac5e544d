"""Several media workers as one engine: homes, relays, deaths, with real processes."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from server.media.fabric import MediaEvent
from server.media.placement import FOUND_SECONDS
from server.media.pool import WorkerPool
from server.media.sdp import PROBLEM
from server.secrets.secret import Secret
from tests.media.conftest import SESSION, STUDENT, TEACHER, DirectoryObjects, Media
from tests.media.test_process import WorkerProcess
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE, Stopwatch


class Pool:
    """Worker processes and the pool over them."""

    def __init__(self, directory: Path, count: int) -> None:
        self.workers = [WorkerProcess(directory / str(number)) for number in range(count)]
        for worker in self.workers:
            worker.socket.parent.mkdir()
        self.state: Media
        self.viewers: list[TestViewer] = []

    def open(self) -> WorkerPool:
        async def on_event(event: MediaEvent) -> None:
            self.state.tell(event)

        async def resolve_secret(session: str, destination: str) -> Secret | None:
            return None

        return WorkerPool(
            [worker.socket for worker in self.workers],
            on_event=on_event,
            resolve_secret=resolve_secret,
            on_health=lambda session, data: self.state.measure(data),
        )

    @property
    def fabric(self) -> WorkerPool:
        return self.state.fabric

    async def publish(self) -> int:
        """Publish and return the number of the session's home."""
        await self.state.desire()
        publisher = await self.state.publish()
        await self.state.hears("publisher.connected")
        return number_of(publisher.location)

    async def leaves(self, home: int) -> None:
        """Wait until the session has left its home."""
        async with asyncio.timeout(PATIENCE):
            while (now := self.fabric._placement._homes.get(SESSION)) is None or now.number == home:
                await asyncio.sleep(0.02)

    async def watch(self, user: str = STUDENT) -> TestViewer:
        viewer = TestViewer()
        self.viewers.append(viewer)

        async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
            answer = await self.fabric.whep(SESSION, user, sdp)
            return answer.status, answer.headers, answer.body

        assert await viewer.watch(post) == 201
        return viewer

    async def watch_through_relay(self, home: int, user: str = STUDENT) -> TestViewer:
        """Watch as the first for whom there is no room at home."""
        self.fabric._members[home].fabric.whep = no_room  # type: ignore[method-assign]
        try:
            viewer = await self.watch(user)
        finally:
            del self.fabric._members[home].fabric.whep
        assert number_of(viewer.location) != home
        return viewer


async def no_room(session: str, user: str, sdp: bytes):
    from server.media.viewers.admission import NotAdmittedError

    return NotAdmittedError("Full.", 5).answer()


def number_of(location: str) -> int:
    return int(location.rpartition("/")[2].partition("-")[0])


@asynccontextmanager
async def running(tmp_path: Path, count: int) -> AsyncIterator[Pool]:
    pool = Pool(tmp_path, count)
    await asyncio.gather(*(worker.start() for worker in pool.workers))
    async with AsyncExitStack() as stack:
        fabric = await stack.enter_async_context(pool.open())
        pool.state = Media(fabric, DirectoryObjects(tmp_path))
        async with asyncio.timeout(PATIENCE):
            await fabric.ready()
        yield pool
        await pool.state.close()
        await asyncio.gather(*(viewer.close() for viewer in pool.viewers))
    for worker in pool.workers:
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()
        worker.process._transport.close()


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    async with running(tmp_path, 2) as pool:
        yield pool


async def closed(viewer: TestViewer, pool: Pool) -> None:
    """Wait until it is, which is promised within a second."""
    watch = Stopwatch(*(worker.process.pid for worker in pool.workers))
    async with asyncio.timeout(PATIENCE):
        while viewer.pc.connectionState != "closed":
            await asyncio.sleep(0.02)
    assert watch.seconds < 3


async def test_viewers_beyond_home_see_through_a_relay_and_are_expelled_there(pool: Pool) -> None:
    home = await pool.publish()
    near = await pool.watch(TEACHER)
    far = await pool.watch_through_relay(home)
    another = await pool.watch_through_relay(home, TEACHER)
    assert number_of(near.location) == home
    await asyncio.gather(*(viewer.sees(15) for viewer in (near, far, another)))
    # What the hub hears is one session's health, with all its viewers.
    async with asyncio.timeout(PATIENCE):
        while not pool.state.health or pool.state.health[-1]["viewers"] != 3:
            await pool.state.reports()
    await pool.fabric.expel(SESSION, STUDENT)
    await closed(far, pool)
    resource = another.location.rpartition("/")[2]
    answer = await pool.fabric.delete(SESSION, resource)
    assert answer.status == 200
    await closed(another, pool)
    for unknown in (resource, "0", "0-", "9-x", "x"):
        answer = await pool.fabric.delete(SESSION, unknown)
        assert (answer.status, answer.headers["Content-Type"]) == (404, PROBLEM), unknown
    seen = len(near.pictures)
    await near.sees(seen + 10)


async def test_a_session_whose_home_dies_gets_another_one(pool: Pool) -> None:
    home = await pool.publish()
    pool.workers[home].process.send_signal(signal.SIGKILL)
    await pool.workers[home].ended()
    await pool.leaves(home)
    pool.state.events.clear()
    assert await pool.publish() == 1 - home
    viewer = await pool.watch()
    assert number_of(viewer.location) == 1 - home
    await viewer.sees(5)
    # Back again, empty: the session stays where it is, and the other one relays.
    await pool.workers[home].start()
    async with asyncio.timeout(PATIENCE):
        await pool.fabric.ready()
    far = await pool.watch_through_relay(1 - home)
    await far.sees(5)


async def test_a_relay_finds_the_new_home_of_its_session(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as pool:
        home = await pool.publish()
        far = await pool.watch_through_relay(home)
        await far.sees(5)
        # Where nobody watches yet there is most room for a home.
        async with asyncio.timeout(PATIENCE):
            while not pool.state.health or pool.state.health[-1]["viewers"] != 1:
                await pool.state.reports()
        pool.workers[home].process.send_signal(signal.SIGKILL)
        await pool.workers[home].ended()
        await pool.leaves(home)
        pool.state.events.clear()
        assert await pool.publish() not in (home, number_of(far.location))
        # The time line of another home begins anew; the viewer's goes on.
        seen = len(far.pictures)
        await far.sees(seen + 5)


async def test_a_hub_that_is_started_again_finds_each_session_where_it_is(pool: Pool) -> None:
    home = await pool.publish()
    far = await pool.watch_through_relay(home)
    await far.sees(5)
    async with pool.open() as again:
        async with asyncio.timeout(PATIENCE):
            await again.ready()
        before, pool.state.fabric = pool.state.fabric, again
        try:
            await pool.state.desire()
            near = await pool.watch(TEACHER)
            assert number_of(near.location) == home
            await near.sees(5)
            seen = len(far.pictures)
            await far.sees(seen + 5)
            await again.expel(SESSION, STUDENT)
            await closed(far, pool)
        finally:
            pool.state.fabric = before


async def test_a_worker_that_hangs_keeps_no_other_session_waiting(pool: Pool) -> None:
    pool.workers[1].process.send_signal(signal.SIGSTOP)
    watch = Stopwatch()
    try:
        homes = await asyncio.gather(
            *(pool.fabric._placement.home(f"{SESSION[:-2]}{number:02}") for number in range(20))
        )
    finally:
        pool.workers[1].process.send_signal(signal.SIGCONT)
    assert len(homes) == 20
    assert watch.seconds < 4 * FOUND_SECONDS, "all were asked about at once, and not for long"


async def test_what_nobody_claims_here_is_ended_for_its_owner_elsewhere(pool: Pool) -> None:
    home = await pool.publish()
    assert await pool.fabric.unclaimed() == []
    await pool.fabric.end(SESSION, 99)
    assert pool.fabric._placement._homes[SESSION].number == home, "it is claimed"
    async with pool.open() as fabric:
        async with asyncio.timeout(PATIENCE):
            await fabric.ready()
        assert await fabric.unclaimed() == [SESSION]
        epoch, _ = pool.fabric._placement._desired[SESSION]
        await fabric.end(SESSION, epoch - 1)
        await asyncio.sleep(0.2)
        assert await fabric.unclaimed() == [SESSION], "an earlier owner has no say"
        await fabric.end(SESSION, epoch + 1)
        async with asyncio.timeout(PATIENCE):
            while await fabric.unclaimed():
                await asyncio.sleep(0.02)
