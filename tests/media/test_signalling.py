"""What WHIP and WHEP answer, good and bad."""

import json

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender

from tests.media.conftest import SESSION, STUDENT, TEACHER, Media


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
        assert answer.status in (201, 400), (old, answer)
    assert (await media.fabric.whip(SESSION, TEACHER, good.encode())).status == 201


async def test_a_publisher_needs_h264(media: Media) -> None:
    for body in (await offer("VP8"), await offer("H264", kinds=("audio",))):
        answer = await media.fabric.whip(SESSION, TEACHER, body)
        assert answer.status == 422
        problem = json.loads(answer.body)
        assert problem["code"] == "unsupported_codec"
        assert "H.264 is required" in problem["detail"]


async def test_main_profile_alone_is_accepted(media: Media) -> None:
    sdp = (await offer("H264")).decode()
    for profile in ("42001f", "42e01f"):
        sdp = sdp.replace(profile, "4d0028")
    answer = await media.fabric.whip(SESSION, TEACHER, sdp.encode())
    assert answer.status == 201
    assert b"profile-level-id=4d002a" in answer.body


async def test_a_resource_is_patched_and_deleted(media: Media) -> None:
    answer = await media.fabric.whip(SESSION, TEACHER, await offer("H264"))
    assert answer.status == 201
    assert b"x-google-start-bitrate=" in answer.body
    base = f"/v1/sessions/{SESSION}/whip/"
    assert answer.headers["Location"].startswith(base)
    resource = answer.headers["Location"].removeprefix(base)
    assert len(resource) >= 20

    fragment = (
        b"a=ice-ufrag:abcd\r\na=mid:0\r\n"
        b"a=candidate:1 1 udp 2113937151 4f1c.local 50000 typ host\r\n"
        b"a=candidate:2 1 udp 2113937151 127.0.0.1 50001 typ host\r\n"
    )
    patch = media.fabric.patch
    assert (await patch(SESSION, resource, fragment, {})).status == 204
    etag = {"If-Match": answer.headers["ETag"]}
    assert (await patch(SESSION, resource, fragment, etag)).status == 204
    assert (await patch(SESSION, resource, fragment, {"If-Match": '"other"'})).status == 412
    assert (await patch(SESSION, resource, fragment, {"If-Match": "*"})).status == 422
    assert (await patch(SESSION, "unknown", fragment, {})).status == 404

    assert (await media.fabric.delete(SESSION, resource)).status == 200
    assert (await media.fabric.delete(SESSION, resource)).status == 404


async def test_a_viewer_is_answered_before_anybody_publishes(media: Media) -> None:
    sdp = (await offer("H264")).replace(b"a=sendonly", b"a=recvonly")
    answer = await media.fabric.whep(SESSION, STUDENT, sdp)
    assert answer.status == 201
    assert answer.headers["Location"].startswith(f"/v1/sessions/{SESSION}/whep/")
    assert b"a=sendonly" in answer.body
