"""ICE servers and the credentials of TURN, as coturn checks them."""

import base64
import hashlib
import hmac

import pytest

from protocol.rest import IceServer, IceServers
from server.auth.turn import HOLDS_SECONDS, Turn, links, parse_ice_url
from server.secrets.secret import Secret

USER = "0193a000-0000-7000-8000-0000000000aa"
NOW_MS = 1_795_302_000_000


class Noon:
    def now_ms(self) -> int:
        return NOW_MS

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    "url",
    [
        "stun:stun.example",
        "stuns:stun.example:5349",
        "turn:192.0.2.1:3478?transport=udp",
        "turn:[2001:db8::1]?transport=tcp",
        "turns:turn.example",
    ],
)
def test_urls_of_stun_and_turn_are_taken(url: str) -> None:
    assert parse_ice_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://turn.example",
        "stun:",
        "stun:stun.example?transport=udp",
        "turn:turn.example?transport=sctp",
        'turn:a"; rel="x',
        "turn://turn.example",
    ],
)
def test_other_urls_are_not(url: str) -> None:
    with pytest.raises(ValueError, match="expected stun"):
        parse_ice_url(url)


def test_a_credential_holds_for_a_while_and_for_somebody() -> None:
    turn = Turn(("stun:s", "turn:t?transport=udp", "turns:t"), Secret("shared"), Noon())
    stun, relay = turn.servers(USER).ice_servers
    assert stun == IceServer(("stun:s",), None, None)
    assert relay.urls == ("turn:t?transport=udp", "turns:t")
    assert relay.username == f"{NOW_MS // 1000 + HOLDS_SECONDS}:{USER}"
    # As coturn does: base64(HMAC-SHA1(static-auth-secret, username)).
    mac = hmac.new(b"shared", relay.username.encode(), hashlib.sha1).digest()
    assert relay.credential == base64.b64encode(mac).decode()
    assert turn.servers(USER).expires_at == "2026-11-22T11:00:00.000Z"
    assert turn.servers("other").ice_servers[1].username != relay.username


def test_without_relays_there_is_nothing_to_keep() -> None:
    assert Turn((), None, Noon()).servers(USER) == IceServers((), None)
    assert Turn(("stun:s",), None, Noon()).servers(USER).expires_at is None


def test_links_are_those_of_rfc_9725() -> None:
    turn = Turn(("stun:s", "turn:t?transport=udp", "turns:t"), Secret("shared"), Noon())
    stun, *relays = links(turn.servers(USER))
    assert stun == '<stun:s>; rel="ice-server"'
    server = turn.servers(USER).ice_servers[1]
    assert relays == [
        f'<{url}>; rel="ice-server"; username="{server.username}"; '
        f'credential="{server.credential}"; credential-type="password"'
        for url in server.urls
    ]
