"""The fabric under failure: hubs that go, come and move, while the worker carries on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.errors import UnavailableError
from server.media.fabric import Desired, MediaEvent
from server.media.local_fabric import LocalFabric
from server.secrets.secret import Secret
from tests.media.conftest import SESSION, STUDENT, TEACHER, Media, RtmpServer, is_passing
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE, Stopwatch, eventually

pytestmark = pytest.mark.usefixtures("soon")

ANOTHER = "0193a000-0000-7000-8000-0000000000cc"


class Hub:
    """A hub: it commits what it is told, unless it is told not to."""

    def __init__(self, fabric: LocalFabric) -> None:
        self.fabric = fabric
        self.events: list[MediaEvent] = []
        self.refusals = 0
        self.news = asyncio.Event()
        self.owns = asyncio.Event()
        """Set once it is told how the session is: only its owner is."""

    @property
    def names(self) -> list[str]:
        return [event.type for event in self.events if not is_passing(event)]

    async def hears(self, *kinds: str) -> None:
        """Wait until these, in this order, are what was told."""
        async with asyncio.timeout(PATIENCE):
            while self.names != list(kinds):
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def hub(media: Media) -> AsyncIterator[Hub]:
    """Run one more hub on the same worker; leaving is like ``kill -9``: it releases nothing."""

    async def on_event(event: MediaEvent) -> None:
        if running.refusals:
            running.refusals -= 1
            raise UnavailableError
        running.events.append(event)
        running.news.set()

    async def resolve_secret(session: str, destination: str) -> Secret | None:
        return Secret(media.keys[destination])

    running = Hub(
        LocalFabric(
            media.fabric._path,
            on_event=on_event,
            resolve_secret=resolve_secret,
            on_health=lambda session, data: running.owns.set(),
        )
    )
    async with running.fabric:
        async with asyncio.timeout(PATIENCE):
            await running.fabric.connected.wait()
        yield running


async def test_media_goes_on_without_a_hub_and_the_next_one_hears_once_what_happened(
    media: Media, rtmp: RtmpServer
) -> None:
    await media.fabric._tasks.close()  # the hub of the fixture: it only signals from now on
    one = media.destination("one", rtmp.url("one"))
    two = media.destination("two", rtmp.url("two"))
    async with hub(media) as first:
        await first.fabric.apply(SESSION, 1, Desired(live=True, destinations=(one,)))
        publisher = await media.publish()
        await first.hears("publisher.connected", "destination.connecting", "destination.live")
    await media.fabric.delete(SESSION, publisher.location.rpartition("/")[2])
    await media.publish()
    await asyncio.sleep(0.5)
    async with hub(media) as second:
        await second.hears("publisher.lost", "publisher.resumed")
        await second.fabric.apply(
            SESSION, 2, Desired(live=True, destinations=(one, two), publisher=TEACHER)
        )
        await second.hears("publisher.lost", "publisher.resumed", "destination.connecting",
                           "destination.live")  # fmt: skip
        told = [*first.events, *second.events]
        assert len({event.id for event in told}) == len(told)
    assert (rtmp.directory / "error.log").read_text().count("publish: name='stream'") == 2


async def test_a_session_that_moves_is_told_of_to_its_new_owner(media: Media) -> None:
    async with hub(media) as old, hub(media) as new:
        await old.fabric.apply(SESSION, 1, Desired(live=True))
        publisher = await media.publish()
        # The newer hub is connected, but the older one owns the session.
        await old.hears("publisher.connected")
        await new.fabric.apply(SESSION, 2, Desired(live=True, publisher=TEACHER))
        async with asyncio.timeout(PATIENCE):
            await new.owns.wait()
        # It does not know yet that it lost the session.
        await old.fabric.apply(SESSION, 1, Desired(live=True, barred=(TEACHER,)))
        await old.fabric.release(SESSION)
        await asyncio.sleep(0.3)
        assert publisher.pc.connectionState == "connected"
        await media.fabric.delete(SESSION, publisher.location.rpartition("/")[2])
        await new.hears("publisher.lost")
        assert old.names == ["publisher.connected"]
    assert media.events == []


async def test_what_the_owner_did_not_take_is_for_the_next_one(media: Media) -> None:
    async with hub(media) as next_owner:
        async with hub(media) as owner:
            owner.refusals = 1_000_000
            await owner.fabric.apply(SESSION, 1, Desired(live=True))
            await media.publish()
            async with asyncio.timeout(PATIENCE):
                while owner.refusals == 1_000_000:
                    await asyncio.sleep(0.02)
            assert next_owner.names == []
        await next_owner.hears("publisher.connected")


async def test_events_stay_in_order_when_the_first_is_refused(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.media.local_fabric.RETRY_SECONDS", 0.2)
    async with hub(media) as only:
        await only.fabric.apply(SESSION, 1, Desired(live=True))
        only.refusals = 8
        publisher = await media.publish()
        async with asyncio.timeout(PATIENCE):
            while only.refusals == 8:
                await asyncio.sleep(0.02)
        await media.fabric.delete(SESSION, publisher.location.rpartition("/")[2])
        await only.hears("publisher.connected", "publisher.lost")
        await asyncio.sleep(0.3)
        assert only.names == ["publisher.connected", "publisher.lost"]


async def test_who_is_barred_sees_nothing_a_second_later_although_nobody_could_be_told(
    media: Media,
) -> None:
    await media.desire()
    await media.publish()
    student, other = TestViewer(), TestViewer()
    try:
        assert await watch(media, student, STUDENT) == 201
        assert await watch(media, other, ANOTHER) == 201
        await student.sees(3)
        await other.sees(3)
        socket = media.fabric._socket
        assert socket is not None
        await socket.close()
        since = Stopwatch()
        await media.desire(barred=(STUDENT, TEACHER))
        async with asyncio.timeout(PATIENCE):
            while student.pc.connectionState != "closed":
                await asyncio.sleep(0.02)
        await media.hears("publisher.lost")
        assert since.seconds < 3, "it takes 0.25 s to connect again"
        assert other.pc.connectionState == "connected"
        again = TestViewer()
        assert await watch(media, again, STUDENT) == 403
        await again.close()
        answer = await media.fabric.whip(SESSION, TEACHER, b"whatever")
        assert answer.status == 403
        await media.desire()

        async def is_admitted() -> bool:
            again = TestViewer()
            status = await watch(media, again, STUDENT)
            await again.close()
            return status == 201

        await eventually(is_admitted)
    finally:
        await student.close()
        await other.close()


async def watch(media: Media, viewer: TestViewer, user: str) -> int:
    async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        answer = await media.fabric.whep(SESSION, user, sdp)
        return answer.status, answer.headers, answer.body

    return await viewer.watch(post)


async def test_a_worker_that_never_saw_the_publisher_says_that_it_is_lost(media: Media) -> None:
    await media.desire(publisher=TEACHER)
    lost = await media.hears("publisher.lost")
    assert lost.data == {"user": TEACHER, "reason": "restarted"}
    await media.publish()
    await media.hears("publisher.connected")
    await media.desire(publisher=TEACHER)
    await media.desire(publisher=TEACHER)
    await media.reports(1)
    assert media.names() == ["publisher.lost", "publisher.connected"]
