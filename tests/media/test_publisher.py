"""Publishers that vanish, come back, change, or are of another kind, against real peers."""

import asyncio
import time

import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket

from server.media.fabric import RecordingTarget
from server.media.health import kilobits
from server.media.ingest import source
from server.media.rtmp.chunks import MessageType
from tests.media.conftest import SESSION, TEACHER, Media, RtmpServer
from tests.media.onair import Kept, children, watching
from tests.media.publisher import ObsPublisher, PublishingProcess, TestPublisher
from tests.media.scripted_server import ScriptedServer
from tests.patience import PATIENCE, Stopwatch, eventually

pytestmark = pytest.mark.usefixtures("soon")

PREFIX = "tenant/session/recordings/rec"


async def test_a_publisher_that_is_killed_leaves_one_connection_and_one_file(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,))
    killed = await media.publish(kind=PublishingProcess)
    await media.hears("destination.live")
    await killed.kill()
    watch = Stopwatch()
    async with watching(media) as viewer:
        lost = await media.hears("publisher.lost")
        assert lost.data == {"user": TEACHER, "reason": "silence"}
        # Two of silence; who asks whether the way is there still waits for half a minute.
        assert watch.seconds <= 4
        await media.hears("publisher.warning", code="stalled")
        # Viewers are not left with a frozen picture either.
        await viewer.shows(8)
    back = await media.publish()
    returned = Stopwatch()
    await media.hears("publisher.resumed", user=TEACHER)
    assert time.monotonic() - back.picture.first_key_at - returned.lost <= 3
    await media.reports(1)
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]
    await media.desire(destinations=())
    await media.hears("destination.stopped")

    kept = await kept_by(rtmp)
    assert kept.longest_gap <= 4 + watch.lost
    assert kept.slate_pictures >= 8
    # The teacher's picture, the slate, the teacher's picture.
    assert kept.headers == 3


async def kept_by(rtmp: RtmpServer) -> Kept:
    """Return what the server recorded, once it has all of it."""
    await rtmp.finished()
    kept = Kept.read(rtmp.directory)
    kept.check()
    return kept


def keyframes_after(server: ScriptedServer, count: int) -> int:
    """Return how many keyframes have come since there were so many headers."""
    heads = [head[:2] for _, _, head in server.heads]
    headers = [number for number, head in enumerate(heads) if head == b"\x17\x00"]
    return 0 if len(headers) < count else heads[headers[count - 1] :].count(b"\x17\x01")


async def test_a_change_of_size_is_one_new_header_with_a_keyframe(media: Media) -> None:
    async with ScriptedServer() as server:
        await media.desire(destinations=(media.destination("one", server.url()),))
        publisher = await media.publish()
        await media.hears("destination.live")
        for count, size in enumerate(((320, 180), (640, 360)), 2):
            media.events.clear()
            publisher.picture.resize(*size)
            await media.hears("publisher.connected", width=size[0])
            await eventually(lambda count=count: keyframes_after(server, count) >= 1)
            # A keyframe of the same size is no reason for a header.
            publisher.picture.want_key()
            await eventually(lambda count=count: keyframes_after(server, count) >= 2)
        headers = [i for i, (_, _, head) in enumerate(server.heads) if head[:2] == b"\x17\x00"]
        told = [i for i, (kind, _, _) in enumerate(server.heads) if kind == MessageType.DATA]
        assert len(headers) == len(told) == 3
        for header in headers:
            # What follows it, but for sound, is a keyframe.
            after = next(h for k, _, h in server.heads[header + 1 :] if k == MessageType.VIDEO)
            assert after[:2] == b"\x17\x01"
        # What precedes it is its metadata.
        assert all(a < b for a, b in zip(told, headers, strict=True))
        assert server.connections == 1
        assert server.backward_steps == 0


async def test_a_publisher_like_obs_is_streamed_and_its_teacher_warned(
    media: Media, rtmp: RtmpServer
) -> None:
    one, two = media.destination("one", rtmp.url("kept")), media.destination("two", rtmp.url("two"))
    await media.desire(destinations=(one,))
    watch = Stopwatch()
    publisher = await media.publish(kind=ObsPublisher, gop=150)
    await media.hears("publisher.connected", width=640)
    live = await media.hears("destination.live")
    assert live.data["ttff_ms"] <= 3_000 + watch.lost * 1000
    await media.hears("publisher.warning", code="gop")
    assert publisher.picture.asked >= 2
    # Who comes late begins with the cached group of pictures, which has just begun.
    async with asyncio.timeout(PATIENCE):
        while publisher.picture.keyframes < 2:
            await asyncio.sleep(0.02)
    await media.desire(destinations=(one, two))
    late = await media.hears("destination.live", destination="two")
    assert late.data["ttff_ms"] <= 3_000 + watch.lost * 1000
    assert publisher.picture.keyframes == 2
    await media.desire()
    await media.hears("destination.stopped", destination="one")
    kept = await kept_by(rtmp)
    assert kept.headers == 1


async def test_a_publisher_of_vp8_is_transcoded_while_somebody_takes_it(
    media: Media, rtmp: RtmpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "IDLE_SECONDS", 0.2)
    await media.publish(codec="VP8", noisy=True)
    connected = await media.hears("publisher.connected")
    assert connected.data == {"user": TEACHER, "width": 640, "height": 360, "codec": "VP8"}
    assert not await children("ingest.transcode")
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,))
    await media.hears("destination.live")
    assert len(await children("ingest.transcode")) == 1
    # As when another one is enabled that takes no more.
    await media.desire(destinations=(one,), max_kbps=150)
    await media.reports(4)
    await media.desire()
    await media.hears("destination.stopped")
    async with asyncio.timeout(PATIENCE):
        while await children("ingest.transcode"):
            await asyncio.sleep(0.05)
    kept = await kept_by(rtmp)
    assert kept.longest_gop <= 4
    assert kept.headers == 1
    # Without the limit it takes more than 350.
    end = kept.video[-1][0]
    assert kilobits(sum(size for at, _, size in kept.video if at > end - 2), 2) < 225


async def test_sound_alone_is_streamed_watched_and_recorded_with_a_picture_of_ours(
    media: Media, rtmp: RtmpServer
) -> None:
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,), recording=RecordingTarget("rec", PREFIX))
    await media.publish(picture=False)
    connected = await media.hears("publisher.connected")
    assert connected.data == {"user": TEACHER, "width": 1280, "height": 720, "codec": "opus"}
    async with watching(media) as viewer:
        await viewer.sees(3)
        assert set(viewer.pictures) == {(1280, 720)}
    await media.hears("destination.live")
    await media.reports(2)
    async with asyncio.timeout(PATIENCE):
        while media.health[-1]["uplink"]["state"] != "good":
            await media.reports()
    await media.desire()
    await media.hears("destination.stopped")
    kept = await kept_by(rtmp)
    assert kept.slate_pictures >= 5
    playlist = media.objects.root / PREFIX / "index.m3u8"
    await eventually(lambda: playlist.exists() and ".m4s" in playlist.read_text())


class Discovering(TestPublisher):
    """Its first reports come late, and say that the picture is not where its packets put it."""

    SILENT_SECONDS, AHEAD_SECONDS = 1.5, 0.8

    def prepare(self, sender: RTCRtpSender) -> None:
        since = time.monotonic()
        ahead = round(self.AHEAD_SECONDS * (1 << 32)) if sender.kind == "video" else 0
        send = sender._send_rtcp

        async def send_changed(packets: list[AnyRtcpPacket]) -> None:
            for packet in packets:
                if isinstance(packet, RtcpSrPacket):
                    if time.monotonic() - since < self.SILENT_SECONDS:
                        return
                    packet.sender_info.ntp_timestamp += ahead
            await send(packets)

        sender._send_rtcp = send_changed


async def test_sound_and_picture_that_are_found_far_apart_are_set_anew_and_that_is_told(
    media: Media,
) -> None:
    await media.desire()
    await media.publish(kind=Discovering)
    await media.hears("publisher.connected")
    # Somebody takes pictures: there are keyframes, at which they can be moved.
    assert (await media.fabric.hls(SESSION, "index.m3u8")).status == 200
    await media.hears("publisher.warning", code="clock")
    await media.reports(2)
    assert media.names(code="clock") == ["publisher.warning"]
