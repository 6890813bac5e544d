"""Control is level-triggered, events are told until they are committed."""

import asyncio
from pathlib import Path

import pytest

from server.errors import UnavailableError
from server.media import control, outbox, worker
from server.media.fabric import Desired, MediaEvent, RecordingTarget
from server.media.local_fabric import LocalFabric
from tests.media.conftest import SESSION, TEACHER, Media, is_passing
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have health reported five times a second: what is waited for here are rounds of it."""
    monkeypatch.setattr(worker, "HEALTH_SECONDS", 0.2)


async def test_an_event_that_was_not_committed_comes_again_under_the_same_id(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RESEND_SECONDS", 0.5)
    tried: list[MediaEvent] = []

    async def on_event(event: MediaEvent) -> None:
        if is_passing(event):
            return
        tried.append(event)
        if len(tried) < 3:
            raise UnavailableError
        media.tell(event)

    media.fabric._on_event = on_event
    await media.publish()
    await media.hears("publisher.connected")
    # It may be said once more while the word that it is committed is on its way.
    await media.reports(2)
    told = len(tried)
    await media.reports(5)
    assert len(tried) == told
    assert len({event.id for event in tried}) == 1


async def test_a_lower_epoch_is_rejected(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = RecordingTarget("rec", "t/s/recordings/rec")
    media.epoch = 7
    await media.desire(recording=recording)
    await media.publish()
    await media.hears("publisher.connected")
    # A hub that lost the session, and does not know it yet.
    await media.fabric._say(control.Apply(SESSION, 6, Desired(live=False)))
    await media.fabric._say(control.Release(SESSION, 6))
    await media.reports(4)
    assert "publisher.lost" not in media.names()
    assert "recording.finalized" not in media.names()
    monkeypatch.setattr(worker, "RELEASED_SECONDS", 0.5)
    await media.fabric.release(SESSION)
    await media.hears("publisher.lost")
    # Whoever has the session now goes on with its recording.
    assert "recording.finalized" not in media.names()


async def test_a_release_before_the_next_owner_speaks_ends_nothing(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RELEASED_SECONDS", 30.0)
    await media.desire()
    await media.publish()
    await media.hears("publisher.connected")
    await media.fabric.release(SESSION)
    await media.reports()
    media.epoch += 1
    await media.desire()
    await media.reports(2)
    # What is released would have been so for half a minute by now.
    monkeypatch.setattr(worker, "UNCLAIMED_SECONDS", 25.0)
    await media.reports(3)
    assert "publisher.lost" not in media.names()
    assert await media.fabric.sessions() == {SESSION: False}


async def test_a_session_that_carries_nothing_ends_with_its_release(media: Media) -> None:
    await media.desire()
    assert await media.fabric.sessions() == {SESSION: False}
    await media.fabric.release(SESSION)
    async with asyncio.timeout(PATIENCE):
        while await media.fabric.sessions():
            await asyncio.sleep(0.01)


async def test_a_session_nobody_claims_is_stopped(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    await media.publish()
    await media.hears("publisher.connected")
    monkeypatch.setattr(worker, "UNCLAIMED_SECONDS", 0.5)
    lost = await media.hears("publisher.lost")
    assert lost.data == {"user": TEACHER, "reason": "ended"}


async def test_a_worker_that_is_gone_is_unavailable(media: Media) -> None:
    gone = LocalFabric(
        Path(media.fabric._path + ".gone"),
        on_event=media.fabric._on_event,
        resolve_secret=media.fabric._resolve_secret,
        on_health=lambda session, data: None,
    )
    async with gone:
        await gone.apply(SESSION, 1, Desired())
        for call in (
            gone.whip(SESSION, TEACHER, b""),
            gone.whep(SESSION, TEACHER, b""),
            gone.patch(SESSION, "x", b"", {}),
            gone.delete(SESSION, "x"),
            gone.expel(SESSION, TEACHER),
        ):
            with pytest.raises(UnavailableError):
                await call
