"""What goes wrong at one destination stays there."""

import asyncio
import socket
from itertools import pairwise

import pytest

from server.media.destinations import egress
from tests.demo import free_port
from tests.media.conftest import TEACHER, Media, RtmpServer
from tests.media.pulled import pull
from tests.media.scripted_server import ScriptedServer

KEY = "canary-4f6c-stream-key"


async def test_dead_destinations_cost_the_others_nothing(media: Media, rtmp: RtmpServer) -> None:
    with socket.socket() as mute:
        # Accepts connections, by the backlog, and never answers.
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)
        good = [media.destination(name, rtmp.url(name)) for name in ("one", "two")]
        refused = media.destination("refused", f"rtmp://127.0.0.1:{free_port()}/live")
        silent = media.destination("silent", f"rtmp://127.0.0.1:{mute.getsockname()[1]}/live")
        denied = media.destination("denied", rtmp.url("closed"))
        await media.desire(destinations=(*good, refused, silent, denied))
        await media.publish()
        for name in ("one", "two"):
            await media.hears("destination.live", 8, destination=name)
        retry = await media.hears("destination.retry_scheduled", 5, destination="refused")
        assert retry.data["code"] == "tcp_refused"
        retry = await media.hears("destination.retry_scheduled", 8, destination="silent")
        assert retry.data["code"] == "handshake"
        await media.reports(2)
        for name in ("one", "two"):
            figures = media.figures(name)
            assert figures["dropped"] == 0
            assert figures["state"] == "good"
            assert figures["kbps"] > 100
        assert not {"destination.degraded", "destination.retry_scheduled"} & set(
            media.names(destination="one") + media.names(destination="two")
        )


async def test_a_destination_that_is_cut_comes_back_with_a_keyframe(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("one"))
    await media.desire(destinations=(one,))
    await media.publish()
    await media.hears("destination.live", 8)
    rtmp.stop()
    retry = await media.hears("destination.retry_scheduled", 3)
    assert retry.data["code"] in ("provider_close", "reset")
    media.events.clear()
    rtmp.start()
    live = await media.hears("destination.live", 10)
    assert 0 <= live.data["ttff_ms"] < 3_000
    pulled = await pull(rtmp.url("one") + "/stream", 2)
    assert pulled.video[0][1]
    assert pulled.decoded >= len(pulled.video) - 2


async def test_a_publisher_that_falls_silent_and_returns_keeps_the_connection(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("one"))
    await media.desire(destinations=(one,))
    publisher = await media.publish()
    await media.hears("destination.live", 8)
    pulling = asyncio.ensure_future(pull(rtmp.url("one") + "/stream", 6))
    # The puller begins at the next keyframe.
    await media.reports(4)
    publisher.mute()
    lost = await media.hears("publisher.lost", 4)
    assert lost.data == {"user": TEACHER, "reason": "silence"}
    publisher.mute(False)
    await media.hears("publisher.resumed", 4, user=TEACHER)
    pulled = await pulling
    times = [time for time, _ in pulled.video]
    assert times == sorted(set(times))
    assert max(b - a for a, b in pairwise(times)) > 1.9
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]


async def test_a_new_publisher_replaces_the_old_one(media: Media, rtmp: RtmpServer) -> None:
    one = media.destination("one", rtmp.url("one"))
    await media.desire(destinations=(one,))
    await media.publish()
    await media.hears("destination.live", 8)
    old = media.publishers[0]
    await media.publish(TEACHER)
    await media.hears("publisher.replaced", 3, user=TEACHER)
    pulled = await pull(rtmp.url("one") + "/stream", 2)
    times = [time for time, _ in pulled.video]
    assert times == sorted(set(times))
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]
    async with asyncio.timeout(5):
        while old.pc.connectionState != "closed":
            await asyncio.sleep(0.05)


async def test_disabling_ends_one_stream_and_no_other(media: Media, rtmp: RtmpServer) -> None:
    one, two = (media.destination(name, rtmp.url(name)) for name in ("one", "two"))
    await media.desire(destinations=(one, two))
    await media.publish()
    await media.hears("destination.live", 8, destination="one")
    await media.hears("destination.live", 8, destination="two")
    await media.desire(destinations=(two,))
    await media.hears("destination.stopped", 3, destination="one")
    # Enabled again in mid-stream: live at once, from the cached group of pictures.
    media.events.clear()
    await media.desire(destinations=(one, two))
    live = await media.hears("destination.live", 3, destination="one")
    assert live.data["ttff_ms"] < 1_500
    assert media.names(destination="two") == []


async def test_a_missing_key_fails_for_good_until_somebody_retries(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("one"), key=None)
    await media.desire(destinations=(one,), retries={"one": 0})
    await media.publish()
    failed = await media.hears("destination.failed", 8)
    assert failed.data == {"destination": "one", "code": "secret_missing", "attempts": 2}
    media.keys["one"] = "stream"
    await media.desire(destinations=(one,), retries={"one": 1})
    await media.hears("destination.live", 5)


async def test_a_private_address_is_refused_unless_allowed(media: Media) -> None:
    metadata = media.destination("one", "rtmp://169.254.169.254/latest")
    await media.desire(destinations=(metadata,))
    await media.publish()
    failed = await media.hears("destination.failed", 8)
    assert failed.data["code"] == "ssrf_blocked"


async def test_the_key_is_in_no_log(
    media: Media, rtmp: RtmpServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    one = media.destination("one", rtmp.url("one"), key=KEY)
    denied = media.destination("denied", rtmp.url("closed"), key=KEY)
    await media.desire(destinations=(one, denied))
    await media.publish()
    await media.hears("destination.live", 8, destination="one")
    await media.hears("destination.retry_scheduled", 8, destination="denied")
    await media.desire(destinations=())
    await media.hears("destination.stopped", 4, destination="one")
    assert KEY in (rtmp.directory / "error.log").read_text()  # the key did travel
    out, err = capfd.readouterr()
    told = repr([event.data for event in media.events])
    assert KEY not in caplog.text + out + err + told


async def test_a_destination_that_stops_reading_is_left_and_the_other_never_drops(
    media: Media, rtmp: RtmpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel hides several megabytes: less patience and a smaller window show it in time.
    monkeypatch.setattr(egress, "STALL_SECONDS", 2.0)
    async with ScriptedServer(stops_reading_after=60_000) as server:
        good = media.destination("good", rtmp.url("one"))
        stuck = media.destination("stuck", server.url())
        await media.desire(destinations=(good, stuck))
        await media.publish(noisy=True)
        await media.hears("destination.live", 8, destination="good")
        await media.hears("destination.live", 8, destination="stuck")
        retry = await media.hears("destination.retry_scheduled", 12, destination="stuck")
        assert retry.data["code"] in ("stall", "overflow")
        await media.reports()
        assert media.figures("good")["dropped"] == 0
        assert "destination.degraded" not in media.names(destination="good")
