"""What overlaps in one session: joining and ending, an end of a stream and its next beginning."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.clock import SystemClock
from server.media.destinations.address import AddressGuard
from server.media.destinations.gate import ConnectGate
from server.media.fabric import Desired, DestinationTarget
from server.media.session import MediaSession
from server.media.viewers.admission import Admission
from server.secrets.secret import Secret
from tests.media.offers import CHROMIUM
from tests.patience import PATIENCE
from tests.unit.media.test_recording import MemoryObjects

ANN = "ann"
TARGET = DestinationTarget("d1", "custom", "rtmp://127.0.0.1/live")


class Platform:
    """Asked for a key, it takes its time; to say goodbye, too."""

    def __init__(self) -> None:
        self.inside = self.most = self.asked = 0

    async def key(self, _destination: str) -> Secret | None:
        self.asked += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.2)
            raise
        finally:
            self.inside -= 1
        return None


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
async def session(tmp_path: Path, platform: Platform) -> AsyncIterator[MediaSession]:
    clock = SystemClock()
    session = MediaSession(
        "s1",
        clock=clock,
        guard=AddressGuard(),
        gate=ConnectGate(clock),
        objects=MemoryObjects(),
        spool=tmp_path,
        emit=lambda *_: None,
        resolve_secret=platform.key,
        admission=Admission(lambda: 0),
    )
    yield session
    await session.close()


async def test_nobody_begins_to_publish_in_a_session_that_ends_meanwhile(
    session: MediaSession,
) -> None:
    publishing = asyncio.create_task(session.publish(ANN, CHROMIUM.encode()))
    await asyncio.sleep(0)
    await session.close()
    answer = await publishing
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert not session.source.is_published


async def test_nobody_begins_to_watch_in_a_session_that_ends_meanwhile(
    session: MediaSession,
) -> None:
    offer = CHROMIUM.replace("a=sendonly", "a=recvonly").replace("a=sendrecv", "a=recvonly")
    assert (await session.watch(ANN, offer.encode())).status == 201
    watching = asyncio.create_task(session.watch(ANN, offer.encode()))
    await asyncio.sleep(0)
    await session.close()
    answer = await watching
    assert answer.status == 503
    assert not session.viewers


async def test_a_platform_never_has_two_of_a_stream(
    session: MediaSession, platform: Platform
) -> None:
    session.bus.ready.set()
    await session.apply(Desired(live=True, destinations=(TARGET,)))
    async with asyncio.timeout(PATIENCE):
        while not platform.asked:
            await asyncio.sleep(0.01)
    # On and off, faster than a goodbye takes.
    for is_on in itertools.islice(itertools.cycle((False, True)), 4):
        await session.apply(Desired(live=True, destinations=(TARGET,) if is_on else ()))
        await asyncio.sleep(0.01)
    async with asyncio.timeout(PATIENCE):
        while platform.asked < 2:
            await asyncio.sleep(0.01)
    assert platform.most == 1
