"""What the worker answers to WHIP and WHEP, good and bad, and an ICE session that is replaced."""

import asyncio
import json
import re
import socket

import pytest
from aioice import stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender

from server.media import aioice_seam
from server.media.fragment import read
from server.media.network import EVERYWHERE
from tests.media.conftest import SESSION, STUDENT, TEACHER, Media
from tests.media.offers import CHROMIUM, FFMPEG, OBS, RFC_9725
from tests.media.publisher import TestPublisher
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE


async def offer(codec: str, *, kinds: tuple[str, ...] = ("video", "audio")) -> bytes:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in kinds:
        transceiver = pc.addTransceiver(kind, direction="sendonly")
        if kind == "video":
            transceiver.setCodecPreferences(
                [
                    c
                    for c in RTCRtpSender.getCapabilities("video").codecs
                    if c.mimeType == f"video/{codec}"
                ]
            )
    await pc.setLocalDescription(await pc.createOffer())
    sdp = pc.localDescription.sdp
    await pc.close()
    return sdp.encode()


async def test_what_is_not_sdp_is_a_bad_request(media: Media) -> None:
    for body in (b"", b"hello", b"\xff\xfe", b"v=0\r\n", b'{"type":"offer"}', b"v=0\r\nm=video"):
        for post in (media.fabric.whip, media.fabric.whep):
            answer = await post(SESSION, TEACHER, body)
            assert answer.status == 400
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert json.loads(answer.body)["code"] == "bad_request"


async def test_sdp_in_form_only_is_a_bad_request(media: Media) -> None:
    good = (await offer("H264")).decode()
    for old, new in (
        ("m=video", "m=video x"),
        ("a=setup:", "a=setup:nonsense"),
        ("a=fingerprint:sha-256", "a=fingerprint:"),
        ("a=rtpmap:", "a=rtpmap:x"),
        ("UDP/TLS/RTP/SAVPF", "udp savpf"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 7 8"),
    ):
        answer = await media.fabric.whip(SESSION, TEACHER, good.replace(old, new).encode())
        assert answer.status in (201, 400, 422), (old, answer)
    assert (await media.fabric.whip(SESSION, TEACHER, good.encode())).status == 201


async def test_a_publisher_may_send_vp8_or_sound_alone(media: Media) -> None:
    for body in (await offer("VP8"), await offer("H264", kinds=("audio",))):
        assert (await media.fabric.whip(SESSION, TEACHER, body)).status == 201


async def test_a_codec_that_nobody_here_knows_is_refused(media: Media) -> None:
    body = (await offer("VP8")).replace(b"VP8/90000", b"AV1/90000")
    answer = await media.fabric.whip(SESSION, TEACHER, body)
    assert answer.status == 422
    problem = json.loads(answer.body)
    assert problem["code"] == "unsupported_codec"


async def test_main_profile_alone_is_accepted(media: Media) -> None:
    sdp = (await offer("H264")).decode()
    for profile in ("42001f", "42e01f"):
        sdp = sdp.replace(profile, "4d0028")
    answer = await media.fabric.whip(SESSION, TEACHER, sdp.encode())
    assert answer.status == 201
    assert b"profile-level-id=4d002a" in answer.body


@pytest.mark.parametrize(
    "text", [OBS, FFMPEG, RFC_9725, CHROMIUM], ids=["obs", "ffmpeg", "rfc9725", "chromium"]
)
async def test_offers_of_the_field_are_answered_whole(media: Media, text: str) -> None:
    answer = await media.fabric.whip(SESSION, TEACHER, text.encode())
    assert answer.status == 201
    said = answer.body.decode()
    assert [line.split()[0] for line in said.splitlines() if line[:2] == "m="] == [
        "m=audio",
        "m=video",
    ]
    assert said.count("a=recvonly\r\n") == said.count("a=rtcp-mux-only\r\n") == 2
    assert "a=group:BUNDLE 0 1\r\n" in said
    assert "a=ice-options:trickle\r\n" in said
    assert "H264/90000" in said
    assert "simulcast" not in said
    assert "a=setup:active" in said
    assert "profile-level-id=42" in said
    # The server has gathered all its candidates, and says so (RFC 9725 §4.3.2).
    assert re.search(r"a=candidate:\S+ 1 udp \d+ \S+ \d+ typ host", said)
    assert "a=end-of-candidates" in said


async def test_of_simulcast_one_layer_is_taken(media: Media) -> None:
    layers = "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n"
    text = OBS.replace("a=mid:1\r\n", f"a=mid:1\r\n{layers}")
    answer = await media.fabric.whip(SESSION, TEACHER, text.encode())
    assert answer.status == 201
    # RFC 8853 §5.3.2: whoever does not say simulcast takes what comes first.
    assert b"a=simulcast" not in answer.body
    assert b"a=rid" not in answer.body


def fragment(username: str, port: int, password: str = "0123456789abcdefghijklmn") -> bytes:
    return (
        f"a=ice-ufrag:{username}\r\na=ice-pwd:{password}\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2113937151 4f1c.local 50000 typ host\r\n"
        f"a=candidate:2 1 udp 2113937151 127.0.0.1 {port} typ host ufrag {username}\r\n"
        "a=end-of-candidates\r\n"
    ).encode()


async def test_a_trickled_candidate_is_checked_and_one_of_another_session_is_not(
    media: Media,
) -> None:
    answer = await media.fabric.whip(SESSION, TEACHER, OBS.encode())
    resource = answer.headers["Location"].rpartition("/")[2]
    etag = {"If-Match": answer.headers["ETag"]}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        loop, port = asyncio.get_running_loop(), peer.getsockname()[1]

        async def patch(body: bytes, headers: dict[str, str]) -> int:
            return (await media.fabric.patch(SESSION, resource, body, headers)).status

        # OBS's ICE session is called n0Jq.
        stale = fragment("n0Jq", port).replace(b"typ host ufrag n0Jq", b"typ host ufrag Old1")
        assert await patch(stale, etag) == 204
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.sock_recv(peer, 2048), 0.5)
        assert await patch(fragment("n0Jq", port), etag) == 204
        check = await asyncio.wait_for(loop.sock_recv(peer, 2048), PATIENCE)
        assert check[:2] == b"\x00\x01"  # a STUN binding request
        assert b"n0Jq:" in check


async def test_ffmpeg_is_found_by_checks_that_say_less_than_they_should(media: Media) -> None:
    said = (await media.fabric.whip(SESSION, TEACHER, FFMPEG.encode())).body.decode()
    ours = {name: re.search(rf"a=ice-{name}:(\S+)", said)[1] for name in ("ufrag", "pwd")}
    # FFmpeg takes the first candidate of type host, and no other.
    _, host, port = re.search(r"a=candidate:\S+ 1 udp (\d+) (\S+) (\d+) typ host", said).groups()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.setblocking(False)
        peer.connect((host, int(port)))
        loop = asyncio.get_running_loop()
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{ours['ufrag']}:9d3cbc5f"
        request.attributes["USE-CANDIDATE"] = None  # and neither PRIORITY nor its role
        request.add_message_integrity(ours["pwd"].encode())
        await loop.sock_sendall(peer, bytes(request))
        got = []
        async with asyncio.timeout(PATIENCE):
            while len(got) < 2:
                got.append(stun.parse_message(await loop.sock_recv(peer, 2048)))
        assert {each.message_class for each in got} == {stun.Class.RESPONSE, stun.Class.REQUEST}
        (check,) = [each for each in got if each.message_class is stun.Class.REQUEST]
        answer = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=check.transaction_id
        )
        answer.add_message_integrity(b"6f4a3d7e8a5b21c09d3cbc5f10f4e2aa")
        await loop.sock_sendall(peer, bytes(answer))
        async with asyncio.timeout(PATIENCE):
            while True:
                hello = await loop.sock_recv(peer, 2048)
                if hello[0] == 22:  # a DTLS handshake: it is the client, since FFmpeg is passive
                    break


async def test_a_patch_names_the_ice_session_it_is_for(media: Media) -> None:
    answer = await media.fabric.whip(SESSION, TEACHER, OBS.encode())
    resource = answer.headers["Location"].rpartition("/")[2]
    etag = answer.headers["ETag"]
    body = fragment("n0Jq", 50001)
    for match, status in (
        (None, 428),
        ('"other"', 412),
        (f"W/{etag}", 412),
        (etag, 204),
        (f'"other", {etag}', 204),
        ("*", 204),
    ):
        headers = {} if match is None else {"If-Match": match}
        answer = await media.fabric.patch(SESSION, resource, body, headers)
        assert answer.status == status, match
        assert "ETag" not in answer.headers
    assert (await media.fabric.patch(SESSION, resource, b"hello", {})).status == 400
    assert (await media.fabric.patch(SESSION, "unknown", body, {})).status == 404
    # Nothing is connected that a new session could take over.
    answer = await media.fabric.patch(SESSION, resource, fragment("neu1", 1), {"If-Match": "*"})
    assert (answer.status, json.loads(answer.body)["code"]) == (409, "conflict")

    assert (await media.fabric.delete(SESSION, resource)).status == 200
    assert (await media.fabric.delete(SESSION, resource)).status == 404


async def test_an_ice_restart_moves_the_media_to_new_addresses(media: Media) -> None:
    publisher, viewer = await media.publish(), TestViewer()
    # The publisher's side restarts with the same code: its peer is another aiortc.
    aioice_seam.let_restart(publisher.pc)

    async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
        answer = await media.fabric.whep(SESSION, STUDENT, sdp)
        return answer.status, answer.headers, answer.body

    try:
        assert await viewer.watch(post) == 201
        await viewer.sees(10)
        resource = publisher.location.rpartition("/")[2]
        restart = aioice_seam.IceRestart(publisher.pc, EVERYWHERE, lambda _: False)
        mine = await restart.gather()
        body = f"a=ice-ufrag:{restart.username}\r\na=ice-pwd:{restart.password}\r\n" + "".join(
            f"a=candidate:{each}\r\n" for each in mine
        )
        answer = await media.fabric.patch(SESSION, resource, body.encode(), {"If-Match": "*"})
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/trickle-ice-sdpfrag"
        theirs = read(answer.body)
        restart.meet(theirs.username, theirs.password)
        for each in theirs.candidates:
            await restart.add(each)
        async with asyncio.timeout(PATIENCE):
            await restart.establish()
        await restart.close()  # what was used until now: nothing reaches the server there any more
        seen = len(viewer.pictures)
        await viewer.sees(seen + 15)
        # The first ICE session is over: its tag, and its credentials under any tag.
        etag, old = answer.headers["ETag"], offered_username(publisher)
        for headers, name, status in (
            ({"If-Match": etag}, restart.username, 204),
            ({"If-Match": '"first"'}, restart.username, 412),
            ({"If-Match": "*"}, old, 412),
        ):
            said = await media.fabric.patch(SESSION, resource, fragment(name, 9), headers)
            assert said.status == status
        # One that cannot be reached leaves the session as it is.
        failed = await media.fabric.patch(SESSION, resource, fragment("gone", 9), {"If-Match": "*"})
        assert failed.status == 200
        seen = len(viewer.pictures)
        await viewer.sees(seen + 15)
    finally:
        await viewer.close()


def offered_username(publisher: TestPublisher) -> str:
    return re.search(r"a=ice-ufrag:(\S+)", publisher.pc.localDescription.sdp)[1]


async def test_a_viewer_is_answered_before_anybody_publishes(media: Media) -> None:
    sdp = (await offer("H264")).replace(b"a=sendonly", b"a=recvonly")
    answer = await media.fabric.whep(SESSION, STUDENT, sdp)
    assert answer.status == 201
    assert answer.headers["Location"].startswith(f"/v1/sessions/{SESSION}/whep/")
    assert b"a=sendonly" in answer.body
