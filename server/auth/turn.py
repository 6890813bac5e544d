"""The STUN and TURN servers that clients are told of, with credentials that end by themselves.

TURN servers share a secret with us and know no users (coturn: ``use-auth-secret``,
draft-uberti-behave-turn-rest): a username says until when it holds, the password proves that we
made it. Nothing is asked over the network, and one that leaks is worth little, and not for long.
"""

import base64
import hmac
import re
from collections.abc import Sequence

from aiohttp import web

from protocol.codec import timestamp
from protocol.rest import IceServer, IceServers
from server.clock import Clock
from server.secrets.secret import Secret

HOLDS_SECONDS = 12 * 3600
"""Longer than a class: a TURN server asks again whenever an allocation is renewed."""

_URL = re.compile(
    r"(?:stuns?|turns?):(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
    r"(?P<transport>\?transport=(?:udp|tcp))?"
)


def parse_ice_url(text: str) -> str:
    """Return a URL of a STUN or TURN server (RFC 7064, RFC 7065).

    Raises:
        ValueError: If it is none.

    """
    found = _URL.fullmatch(text)
    if found is None or (found["transport"] and text.startswith("stun")):
        raise ValueError("expected stun:HOST[:PORT] or turn(s):HOST[:PORT][?transport=udp|tcp]")
    return text


class Turn:
    """The servers of one installation."""

    def __init__(self, urls: Sequence[str], secret: Secret | None, clock: Clock) -> None:
        self._open = tuple(each for each in urls if each.startswith("stun"))
        self._relays = tuple(each for each in urls if each.startswith("turn"))
        self._secret = secret
        self._clock = clock

    def servers(self, user: str) -> IceServers:
        """Return what ``user`` may use, and until when."""
        servers = [IceServer((url,), None, None) for url in self._open]
        if not self._relays or self._secret is None:
            return IceServers(tuple(servers), None)
        expiry = self._clock.now_ms() // 1000 + HOLDS_SECONDS
        name = f"{expiry}:{user}"
        mac = hmac.digest(self._secret.reveal().encode(), name.encode(), "sha1")
        servers.append(IceServer(self._relays, name, base64.b64encode(mac).decode()))
        return IceServers(tuple(servers), timestamp(expiry * 1000))


turn_key = web.AppKey("turn", Turn)


def links(servers: IceServers) -> list[str]:
    """Return ``servers`` as values of ``Link`` headers (RFC 9725 §4.6)."""
    values = []
    for server in servers.ice_servers:
        for url in server.urls:
            link = f'<{url}>; rel="ice-server"'
            if server.username is not None:
                link += (
                    f'; username="{server.username}"; credential="{server.credential}"'
                    '; credential-type="password"'
                )
            values.append(link)
    return values
