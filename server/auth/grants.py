"""Short-lived grants in the paths of HLS files: a player cannot send a bearer token.

``<expiry>.<tenant>.<user>.<mac>``: the MAC is HMAC-SHA256 over these and the session, so a grant
opens one session for one person for a while, and the access token appears in no URL.
``<expiry>.<tenant>.<user>.<role>.<mac>`` opens what is on air instead of what was recorded: with
each request its holder's place in the class is looked at again.
"""

import base64
import hmac
import re
from typing import NamedTuple, get_args

from aiohttp import web

from protocol.ids import Role, TenantId, UserId
from server.clock import Clock
from server.errors import UnauthorizedError
from server.secrets.secret import Secret

GRANT_SECONDS = 3600

_ROLES: dict[str | None, Role] = {role: role for role in get_args(Role)}

_GRANT = re.compile(
    r"(?P<expiry>[0-9]{1,12})\.(?P<tenant>[0-9a-f-]{36})\.(?P<user>[0-9a-f-]{36})"
    r"(?:\.(?P<role>[a-z]{1,16}))?\.(?P<mac>[A-Za-z0-9_-]{43})"
)


class Holder(NamedTuple):
    """Who a grant for what is on air was made for."""

    tenant: TenantId
    user: UserId
    role: Role


class Grants:
    """Makes and checks the grants of one installation."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        # A key of its own: a grant must never pass for a token, nor a token's MAC for a grant.
        self._key = hmac.digest(secret.reveal().encode(), b"liveclass/grants/1", "sha256")
        self._clock = clock

    def issue(
        self, tenant: str, session: str, user: str, live_as: Role | None = None
    ) -> tuple[str, int]:
        """Return a grant for ``user`` on ``session``, and when it ends in milliseconds.

        With ``live_as`` it opens what is on air to ``user`` in that role, and no recording.
        """
        expiry = self._clock.now_ms() // 1000 + GRANT_SECONDS
        mac = self._mac(tenant, session, user, expiry, live_as)
        role = "" if live_as is None else f"{live_as}."
        return f"{expiry}.{tenant}.{user}.{role}{mac}", expiry * 1000

    def verify(self, session: str, grant: str) -> str:
        """Return the tenant that this grant for ``session`` was made in.

        Raises:
            UnauthorizedError: If it was not made here for this session, or is over.

        """
        found = self._found(session, grant)
        if found["role"] is not None:
            raise UnauthorizedError("The grant is not valid.")
        return found["tenant"]

    def holder(self, session: str, grant: str) -> Holder:
        """Return who this grant for what is on air in ``session`` was made for.

        Raises:
            UnauthorizedError: If it was not made here for that, or is over.

        """
        found = self._found(session, grant)
        role = _ROLES.get(found["role"])
        if role is None:
            raise UnauthorizedError("The grant is not valid.")
        return Holder(TenantId(found["tenant"]), UserId(found["user"]), role)

    def _found(self, session: str, grant: str) -> re.Match[str]:
        found = _GRANT.fullmatch(grant)
        if found is None:
            raise UnauthorizedError("The grant is not valid.")
        expiry = int(found["expiry"])
        mac = self._mac(found["tenant"], session, found["user"], expiry, found["role"])
        if not hmac.compare_digest(found["mac"], mac):
            raise UnauthorizedError("The grant is not valid.")
        if expiry * 1000 <= self._clock.now_ms():
            raise UnauthorizedError("The grant has expired.")
        return found

    def _mac(self, tenant: str, session: str, user: str, expiry: int, role: str | None) -> str:
        text = f"{tenant}\n{session}\n{user}\n{expiry}"
        if role is not None:
            text += f"\n{role}"
        mac = hmac.digest(self._key, text.encode(), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


grants_key = web.AppKey("grants", Grants)
