"""Trickled candidates and ICE restarts, read and written."""

import pytest

from server.media import fragment
from server.media.sdp import UnacceptableOfferError

HOST = "1387637174 1 udp 2122260223 192.0.2.1 61764 typ host"

TRICKLE = f"""\
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:{HOST} generation 0 ufrag EsAw network-id 1
a=candidate:3 1 udp 2122260223 4f1c.local 61764 typ host generation 0 ufrag EsAw
a=candidate:4 1 udp 2122260223 192.0.2.9 61764 typ host generation 0 ufrag Old1
a=end-of-candidates
""".replace("\n", "\r\n")  # RFC 9725 §4.3.2

ANSWER = """\
v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic:WMS *
a=ice-options:trickle
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=candidate:1 1 udp 1 198.51.100.1 39132 typ host
a=ice-ufrag:38sd
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
""".replace("\n", "\r\n")


def test_a_fragment_says_whose_ice_session_its_candidates_are_of() -> None:
    said = fragment.read(TRICKLE.encode())
    assert (said.username, said.password) == ("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert said.candidates == (f"{HOST} generation 0 ufrag EsAw network-id 1",)


def test_candidates_alone_are_a_fragment_too() -> None:
    said = fragment.read(f"a=candidate:{HOST} ufrag Old1\n".encode())
    assert said.username is said.password is None
    assert fragment.of_session(said.candidates, "EsAw") == []
    assert fragment.of_session((HOST,), "EsAw") == [HOST]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"hello",
        b'{"candidate": ""}',
        b"a=ice-ufrag:a\r\n",
        b"a=ice-ufrag:abcd\r\na=ice-ufrag:efgh\r\n",
        b"a=ice-pwd:with space\r\n",
    ],
)
def test_what_is_no_fragment_is_refused(body: bytes) -> None:
    with pytest.raises(UnacceptableOfferError) as refused:
        fragment.read(body)
    assert refused.value.status == 400


def test_our_side_of_a_restart_has_the_options_of_the_answer_and_its_first_section() -> None:
    written = fragment.write(ANSWER, "289b", "0b66f472495ef0ccac7bda", [HOST])
    assert written.decode().splitlines() == [
        "a=group:BUNDLE 0 1",
        "a=ice-options:trickle",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=ice-ufrag:289b",
        "a=ice-pwd:0b66f472495ef0ccac7bda",
        f"a=candidate:{HOST}",
        "a=end-of-candidates",
    ]
    assert fragment.read(written).username == "289b"
