"""What is put into answers."""

import pytest

from server.media import sdp


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


def test_the_answer_says_that_it_takes_trickled_candidates_and_multiplexed_rtcp_alone() -> None:
    text = sdp.complete("v=0\r\nm=audio 9\r\na=rtcp-mux\r\nm=video 9\r\na=rtcp-mux\r\n")
    assert text == (
        "v=0\r\na=ice-options:trickle\r\nm=audio 9\r\na=rtcp-mux\r\na=rtcp-mux-only\r\n"
        "m=video 9\r\na=rtcp-mux\r\na=rtcp-mux-only\r\n"
    )


@pytest.mark.parametrize(
    ("line", "useless"),
    [
        ("a=candidate:1 1 udp 2113937151 4f1c-2a.local 50000 typ host", True),
        ("a=candidate:1 1 udp 2113937151 4F1C.LOCAL 50000 typ host", True),
        ("a=candidate:1 2 udp 2113937151 203.0.113.5 50000 typ host", True),
        ("a=candidate:broken", True),
        ("a=rtcp:9 IN IP4 0.0.0.0", True),
        ("a=end-of-candidates", True),
        ("a=candidate:1 1 udp 2113937151 203.0.113.5 50000 typ srflx", False),
        ("a=candidate:1 1 udp 2113937151 2001:db8::1 50000 typ host", False),
        ("a=rtcp-mux", False),
        ("a=mid:0", False),
    ],
)
def test_what_is_better_not_believed(line: str, useless: bool) -> None:
    assert sdp.is_useless(line) is useless
