"""Who may enter what: the one rule for REST and the live socket. Pure; the look-ups come in.

A session is there only for its tenant, and for a person who has to do with it: by a token for that
very session, by a role that covers it, or because they came to it before. For everybody else it
does not exist, in the same words as one that never did.

A token ends before its time when its person is deactivated or its tenant suspended: it is refused
then as one that was never valid, whatever it asks for.
"""

from collections.abc import Iterable
from typing import Literal, Protocol

from protocol.ids import Role
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError, UnauthorizedError

RANK: dict[Role, int] = {"student": 0, "assistant": 1, "teacher": 2, "admin": 3}


class TenantStanding(Protocol):
    """What was looked up about a person and their tenant (``server.store.users``)."""

    @property
    def roles(self) -> Iterable[Role]:
        """Those of the person's ``user_roles`` that cover the whole tenant."""

    @property
    def is_revoked(self) -> bool:
        """Whether the person is inactive or the tenant suspended."""


class Standing(Protocol):
    """What was looked up about a person and a session (``server.store.participants``)."""

    @property
    def is_revoked(self) -> bool:
        """Whether the person is inactive or the tenant suspended."""

    @property
    def tenant(self) -> str | None:
        """The session's; None if there is no such session."""

    @property
    def roles(self) -> Iterable[Role]:
        """Those of the person's ``user_roles`` that cover the session."""

    @property
    def role(self) -> Role | None:
        """The person's in the session's log, if they came."""

    @property
    def status(self) -> Literal["admitted", "waiting", "denied", "removed", "banned"] | None:
        """The person's in the session's log, if they came."""


def role_in_session(identity: Identity, session: str, standing: Standing) -> Role:
    """Return the role in which ``identity`` may enter ``session``.

    The role in the log wins over the token's; without one, a role that was given never makes
    more of a token than the token says.

    Raises:
        UnauthorizedError: If the person is inactive or the tenant suspended.
        NotFoundError: If it is not theirs.
        ForbiddenError: If they were removed or banned from it, or not let in.

    """
    _require_active(standing.is_revoked)
    if standing.tenant != identity.tenant or identity.session not in (None, session):
        raise NotFoundError
    if standing.status in ("denied", "removed", "banned"):
        raise ForbiddenError("You may not come into this class.")
    if standing.role is not None:
        # The log knows no admins: it keeps them as teachers.
        is_admin = identity.role == "admin" and standing.role == "teacher"
        return "admin" if is_admin else standing.role
    if identity.session is not None:
        return identity.role
    granted = _highest(standing.roles)
    if granted is None:
        raise NotFoundError
    return min(granted, identity.role, key=RANK.__getitem__)


def role_in_tenant(identity: Identity, standing: TenantStanding) -> Role:
    """Return the role in which ``identity`` manages its tenant's courses and destinations.

    Raises:
        UnauthorizedError: If the person is inactive or the tenant suspended.
        ForbiddenError: If the token opens one session only, or the person has no such role.

    """
    _require_active(standing.is_revoked)
    granted = _highest(standing.roles)
    if identity.session is not None or granted is None:
        raise ForbiddenError
    return min(granted, identity.role, key=RANK.__getitem__)


def require_scope(identity: Identity, scope: str | None) -> None:
    """Return if a token may be used for ``scope``; one without scopes may be used for all.

    Raises:
        ForbiddenError: If it is limited to other scopes.

    """
    if identity.scope and scope not in identity.scope:
        raise ForbiddenError("This token is for something else.")


def _require_active(is_revoked: bool) -> None:
    if is_revoked:
        raise UnauthorizedError("This token was revoked.")


def _highest(roles: Iterable[Role]) -> Role | None:
    return max(roles, key=RANK.__getitem__, default=None)
