"""Short-lived grants in the paths of HLS files: a player cannot send a bearer token.

``<expiry>.<tenant>.<user>.<mac>``: the MAC is HMAC-SHA256 over these and the session, so a grant
opens one session for one person for a while, and the access token appears in no URL.
"""

import base64
import hmac
import re

from aiohttp import web

from server.clock import Clock
from server.errors import UnauthorizedError
from server.secrets.secret import Secret

GRANT_SECONDS = 3600

_GRANT = re.compile(
    r"(?P<expiry>[0-9]{1,12})\.(?P<tenant>[0-9a-f-]{36})\.(?P<user>[0-9a-f-]{36})"
    r"\.(?P<mac>[A-Za-z0-9_-]{43})"
)


class Grants:
    """Makes and checks the grants of one installation."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        # A key of its own: a grant must never pass for a token, nor a token's MAC for a grant.
        self._key = hmac.digest(secret.reveal().encode(), b"liveclass/grants/1", "sha256")
        self._clock = clock

    def issue(self, tenant: str, session: str, user: str) -> tuple[str, int]:
        """Return a grant for ``user`` on ``session``, and when it ends in milliseconds."""
        expiry = self._clock.now_ms() // 1000 + GRANT_SECONDS
        mac = self._mac(tenant, session, user, expiry)
        return f"{expiry}.{tenant}.{user}.{mac}", expiry * 1000

    def verify(self, session: str, grant: str) -> str:
        """Return the tenant that this grant for ``session`` was made in.

        Raises:
            UnauthorizedError: If it was not made here for this session, or is over.

        """
        found = _GRANT.fullmatch(grant)
        if found is None:
            raise UnauthorizedError("The grant is not valid.")
        tenant, expiry = found["tenant"], int(found["expiry"])
        if not hmac.compare_digest(found["mac"], self._mac(tenant, session, found["user"], expiry)):
            raise UnauthorizedError("The grant is not valid.")
        if expiry * 1000 <= self._clock.now_ms():
            raise UnauthorizedError("The grant has expired.")
        return tenant

    def _mac(self, tenant: str, session: str, user: str, expiry: int) -> str:
        mac = hmac.digest(self._key, f"{tenant}\n{session}\n{user}\n{expiry}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


grants_key = web.AppKey("grants", Grants)
