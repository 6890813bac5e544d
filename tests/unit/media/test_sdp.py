"""What is taken out of offers and put into answers."""

import pytest

from server.media import sdp

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\n"
    "a=fingerprint:sha-256 00\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
    "a=candidate:1 1 udp 2113937151 4f1c-2a.local 50000 typ host\r\n"
    "a=candidate:2 1 udp 2113937151 203.0.113.5 50001 typ srflx\r\n"
    "a=candidate:broken\r\na=end-of-candidates\r\n"
)


def test_local_candidates_and_the_end_of_candidates_are_taken_out() -> None:
    text = sdp.offer(OFFER.encode())
    assert ".local" not in text
    assert "end-of-candidates" not in text
    assert "broken" not in text
    assert "203.0.113.5" in text
    assert text.endswith("\r\n")


def test_lines_that_end_in_newline_alone_are_understood() -> None:
    assert sdp.offer(OFFER.replace("\r\n", "\n").encode()) == sdp.offer(OFFER.encode())


@pytest.mark.parametrize("body", [b"", b"\xff", b"v=1\r\n", b"hello", OFFER[5:].encode()])
def test_what_is_no_offer_is_refused(body: bytes) -> None:
    with pytest.raises(sdp.UnacceptableOfferError) as refused:
        sdp.offer(body)
    answer = refused.value.answer()
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_two_pictures_are_one_too_many() -> None:
    assert sdp.kinds(OFFER) == {"video"}
    with pytest.raises(sdp.UnacceptableOfferError):
        sdp.kinds(OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 97\r\n")


def test_the_answer_asks_for_a_usable_bitrate_and_takes_any_level() -> None:
    text = sdp.answer(
        "a=rtpmap:99 H264/90000\r\n"
        "a=fmtp:99 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
        "a=fmtp:100 apt=99\r\n"
    )
    assert (
        "a=fmtp:99 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e02a"
        ";x-google-start-bitrate=2500;x-google-min-bitrate=500;x-google-max-bitrate=6000\r\n"
    ) in text
    assert "a=fmtp:100 apt=99\r\n" in text


def test_candidates_of_a_fragment_belong_to_their_section() -> None:
    fragment = (
        b"a=ice-ufrag:x\r\na=mid:0\r\na=candidate:1 1 udp 1 10.0.0.1 5 typ host\r\n"
        b"a=mid:1\r\na=candidate:2 1 udp 1 10.0.0.2 5 typ host\r\na=end-of-candidates\r\n"
    )
    assert sdp.candidates(fragment) == [
        ("0", "1 1 udp 1 10.0.0.1 5 typ host"),
        ("1", "2 1 udp 1 10.0.0.2 5 typ host"),
    ]
