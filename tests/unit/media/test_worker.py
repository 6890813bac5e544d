"""What a worker does with what hubs say, however that overlaps."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.clock import SystemClock
from server.media import control
from server.media.destinations.address import AddressGuard
from server.media.fabric import Desired
from server.media.key_requests import KeyRequests
from server.media.worker import Worker
from server.tasks import Supervisor
from tests.patience import PATIENCE, eventually
from tests.unit.media.test_recording import MemoryObjects

NAME = "s1"


class Hub:
    """A hub's end of the control channel."""

    closed = False

    def __init__(self, *, hears: bool = True) -> None:
        self.hears = hears
        self.heard: list[control.ToHub] = []

    async def send_str(self, frame: str) -> None:
        if not self.hears:
            raise ConnectionResetError
        self.heard.append(control.decode_to_hub(frame))

    def events(self) -> list[str]:
        return [each.event.session for each in self.heard if isinstance(each, control.Happened)]


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    async with Supervisor("test") as tasks:
        worker = Worker(
            objects=MemoryObjects(),
            spool=tmp_path,
            guard=AddressGuard(),
            clock=SystemClock(),
            tasks=tasks,
        )
        yield worker
        await worker.close()


async def test_what_was_said_last_is_applied_last(worker: Worker) -> None:
    hub = Hub()
    worker._hubs._there.append(hub)
    session = worker._carry(NAME).session
    is_barred = asyncio.Event()
    expel = session.expel

    async def expel_slowly(users: frozenset[str]) -> None:
        await expel(users)
        if "ann" in users:
            await is_barred.wait()

    session.expel = expel_slowly
    applied: list[Desired] = []
    apply = session.apply

    async def note(desired: Desired) -> None:
        applied.append(desired)
        await apply(desired)

    session.apply = note
    slow = asyncio.create_task(
        worker._apply(control.Apply(NAME, 1, Desired(live=True, barred=("ann",))), hub)
    )
    await asyncio.sleep(0)
    over = Desired(live=False)
    await worker._apply(control.Apply(NAME, 1, over), hub)
    is_barred.set()
    await slow
    assert applied[-1] == over


async def test_a_session_that_ends_while_health_is_told_is_passed_over(worker: Worker) -> None:
    hub = Hub()
    worker._hubs._there.append(hub)
    for name in ("s1", "s2", "s3"):
        await worker._apply(control.Apply(name, 1, Desired()), hub)
    send = hub.send_str

    async def end_the_next(frame: str) -> None:
        if not hub.heard:
            await worker._stop("s2")
        await send(frame)

    hub.send_str = end_the_next
    telling = asyncio.create_task(worker._every_second())
    async with asyncio.timeout(PATIENCE):
        while len(hub.heard) < 2 and not telling.done():
            await asyncio.sleep(0.01)
    assert not telling.done()
    assert [each.session for each in hub.heard[:2]] == ["s1", "s3"]
    telling.cancel()
    await asyncio.wait({telling})


async def test_a_hub_that_takes_nothing_holds_up_its_own_sessions_only(worker: Worker) -> None:
    stuck, well = Hub(hears=False), Hub()
    worker._hubs._there += [stuck, well]
    await worker._apply(control.Apply("s1", 1, Desired(publisher="ann")), stuck)
    await worker._apply(control.Apply("s2", 1, Desired(publisher="bob")), well)
    telling = asyncio.create_task(worker._hubs.run())
    async with asyncio.timeout(PATIENCE):
        while not well.heard:
            await asyncio.sleep(0.01)
    assert well.events() == ["s2"]
    stuck.hears = True
    worker._hubs.tell_again()
    async with asyncio.timeout(PATIENCE):
        while not stuck.heard:
            await asyncio.sleep(0.01)
    assert stuck.events() == ["s1"]
    telling.cancel()
    await asyncio.wait({telling})


async def test_who_comes_before_the_hub_speaks_hides_no_loss(worker: Worker) -> None:
    hub = Hub()
    worker._hubs._there.append(hub)
    worker._carry(NAME)  # for somebody who watches, or is about to publish
    for _ in range(2):
        await worker._apply(control.Apply(NAME, 1, Desired(publisher="ann")), hub)
    telling = asyncio.create_task(worker._hubs.run())
    await eventually(lambda: hub.heard)
    telling.cancel()
    await asyncio.wait({telling})
    (told,) = [each.event for each in hub.heard if isinstance(each, control.Happened)]
    assert (told.type, told.data) == ("publisher.lost", {"user": "ann", "reason": "restarted"})


async def test_a_hub_that_is_gone_claims_nothing(worker: Worker) -> None:
    gone, there = Hub(hears=False), Hub()
    worker._hubs._there.append(there)
    # It said so, and was gone before that was looked at.
    await worker._apply(control.Apply(NAME, 1, Desired()), gone)
    assert await worker._hubs.send(NAME, control.Health(NAME, {}))


async def test_a_key_is_asked_for_again_when_another_hub_comes() -> None:
    asked: list[control.KeyRequest] = []

    async def say(session: str, request: control.KeyRequest) -> bool:
        asked.append(request)
        return False

    keys = KeyRequests(say)
    waiting = asyncio.create_task(keys.ask(NAME, "d1"))
    await asyncio.sleep(0)
    await keys.ask_again()
    assert len(asked) == 2
    assert asked[0] == asked[1]
    keys.answer(control.Key(asked[0].request, "secret"))
    key = await waiting
    assert key is not None
    assert key.reveal() == "secret"
    await keys.ask_again()
    assert len(asked) == 2
