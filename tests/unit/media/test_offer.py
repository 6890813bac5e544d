"""Which offers are answered, and what the others are told."""

import json

import pytest

from server.media import offer
from server.media.sdp import MAX_CANDIDATES, UnacceptableOfferError
from tests.media.offers import CHROMIUM, FFMPEG, FIREFOX, OBS, RFC_9725


@pytest.mark.parametrize("text", [OBS, FFMPEG, CHROMIUM, FIREFOX, RFC_9725])
def test_offers_of_the_field_are_read(text: str) -> None:
    read = offer.read(text.encode(), "publish")
    assert read.kinds == {"audio", "video"}
    assert len(read.ice_username) >= 4
    assert ".local" not in read.text
    assert "end-of-candidates" not in read.text
    assert read.text.endswith("\r\n")


def test_lines_that_end_in_newline_alone_are_understood() -> None:
    assert offer.read(OBS.replace("\r\n", "\n").encode(), "publish") == offer.read(
        OBS.encode(), "publish"
    )


def test_more_candidates_than_are_checked_are_left_out() -> None:
    many = "".join(f"a=candidate:1 1 udp 1 192.0.2.1 {port} typ host\r\n" for port in range(1, 200))
    text = OBS.replace("a=mid:0\r\n", f"a=mid:0\r\n{many}")
    read = offer.read(text.encode(), "publish").text
    assert read.count("a=candidate:") == MAX_CANDIDATES
    assert "a=mid:0" in read


def test_a_bundled_section_gets_what_only_the_first_one_says() -> None:
    audio, video = offer.read(RFC_9725.encode(), "publish").sections
    assert "a=bundle-only" in video.lines
    for name in ("ice-ufrag", "ice-pwd", "fingerprint", "setup"):
        assert video.attribute(name) == audio.attribute(name) is not None


def test_a_section_keeps_what_it_says_itself() -> None:
    video = offer.read(OBS.encode(), "publish").sections[1]
    assert sum(line.startswith("a=ice-ufrag:") for line in video.lines) == 1


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        pytest.param(lambda t: "", 400, "not an SDP offer", id="empty"),
        pytest.param(lambda t: "hello", 400, "not an SDP offer", id="text"),
        pytest.param(lambda t: t[5:], 400, "not an SDP offer", id="no version"),
        pytest.param(lambda t: t.split("m=")[0], 400, "not an SDP offer", id="no media"),
        pytest.param(lambda t: t + "a=x\r\n" * 2_000, 400, "not an SDP offer", id="long"),
        pytest.param(
            lambda t: t.replace("m=video", "m=video x"), 400, "not an SDP offer", id="broken media"
        ),
        pytest.param(lambda t: t.replace("a=ice-ufrag", "a=x"), 400, "no ICE", id="no ICE"),
        pytest.param(lambda t: t.replace("a=fingerprint", "a=x"), 400, "no ICE", id="no DTLS"),
        pytest.param(
            lambda t: t + "m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:2\r\n",
            422,
            "at most one audio and one video",
            id="two pictures",
        ),
        pytest.param(
            lambda t: t + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n",
            422,
            "Data channels are not taken",
            id="data channel",
        ),
        pytest.param(
            lambda t: t + "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:2\r\n",
            422,
            "Only audio and video",
            id="text",
        ),
        pytest.param(
            lambda t: t.replace("a=group:BUNDLE", "a=group:LS"), 422, "max-bundle", id="no bundle"
        ),
        pytest.param(
            lambda t: t.replace("BUNDLE 0 1", "BUNDLE 0"), 422, "max-bundle", id="half a bundle"
        ),
        pytest.param(lambda t: t.replace("a=mid:1", "a=mid:0"), 422, "max-bundle", id="same mid"),
        pytest.param(
            lambda t: t.replace("a=rtcp-mux\r\n", ""), 422, "a=rtcp-mux is missing", id="no mux"
        ),
        pytest.param(
            lambda t: t.replace("a=sendonly", "a=recvonly", 1), 422, "sendonly", id="recvonly"
        ),
        pytest.param(lambda t: t.replace("a=sendonly", "a=inactive"), 422, "inactive", id="off"),
    ],
)
def test_what_is_refused_is_told_why(change, status: int, says: str) -> None:
    with pytest.raises(UnacceptableOfferError) as refused:
        offer.read(change(OBS).encode(), "publish")
    answer = refused.value.answer()
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert says in json.loads(answer.body)["detail"]


def test_what_is_not_text_is_no_offer() -> None:
    with pytest.raises(UnacceptableOfferError, match="not an SDP offer"):
        offer.read(b"v=0\r\n\xff", "publish")


def test_to_watch_is_the_mirror_image_of_to_publish() -> None:
    with pytest.raises(UnacceptableOfferError, match="To watch offer recvonly, not sendonly"):
        offer.read(OBS.encode(), "watch")
    assert offer.read(OBS.replace("a=sendonly", "a=recvonly").encode(), "watch").kinds
    for use in ("publish", "watch"):
        assert offer.read(OBS.replace("a=sendonly", "a=sendrecv").encode(), use).kinds
        assert offer.read(OBS.replace("a=sendonly\r\n", "").encode(), use).kinds
