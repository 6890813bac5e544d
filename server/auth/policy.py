"""Who may do what: the one rule for REST and the live socket. Pure; the look-ups come in.

:mod:`server.auth.access` is the table, this applies it. What is in a tenant is there only for that
tenant, and a class only for a person who has to do with it: by a token for that very session, by a
role that covers it, or because they came to it before. For everybody else it does not exist, in
the same words as what never did.

A token ends before its time when its person is deactivated or its tenant suspended: it is refused
then as one that was never valid, whatever it asks for.
"""

from collections.abc import Iterable
from typing import Literal, Protocol, TypeVar

from protocol.ids import Role
from server.auth.access import IN_SESSION, Access
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError, UnauthorizedError

RANK: dict[Role, int] = {"student": 0, "assistant": 1, "teacher": 2, "admin": 3}
OPERATOR = "operator"
"""The scope of a token that manages the installation: what belongs to no tenant."""


class Granted(Protocol):
    """A role that was given to a person, in whatever scope."""

    @property
    def role(self) -> Role:
        """What they are there."""


AnyGranted = TypeVar("AnyGranted", bound=Granted)


class Standing(Protocol):
    """What was looked up about a person and a resource (``server.store.standings``)."""

    @property
    def is_revoked(self) -> bool:
        """Whether the person is inactive or the tenant suspended."""

    @property
    def tenant(self) -> str | None:
        """The resource's; None if there is no such resource."""

    @property
    def session(self) -> str | None:
        """The session that the resource is (of), if it is of one."""

    @property
    def roles(self) -> Iterable[Role]:
        """Those of the person's ``user_roles`` that cover the resource."""

    @property
    def role(self) -> Role | None:
        """The person's in the session's log, if they came."""

    @property
    def status(self) -> Literal["admitted", "waiting", "denied", "removed", "banned"] | None:
        """The person's in the session's log, if they came."""


def authorize(access: Access, identity: Identity, standing: Standing) -> Role:
    """Return the role in which ``identity`` does what ``access`` is asked for.

    Raises:
        UnauthorizedError: If the person is inactive or the tenant suspended.
        NotFoundError: If the resource is not theirs.
        ForbiddenError: If it is, and they may not.

    """
    if access.within in IN_SESSION:
        role = role_in_session(identity, standing)
        if standing.status == "waiting" and not access.waiting:
            raise ForbiddenError("This is for those who are in the class.")
    else:
        role = _role_outside(access, identity, standing)
    if role not in access.roles:
        raise ForbiddenError
    return role


def role_in_session(identity: Identity, standing: Standing) -> Role:
    """Return the role in which ``identity`` may enter the session of ``standing``.

    The role in the log wins over the token's; without one, a role that was given never makes
    more of a token than the token says.

    Raises:
        UnauthorizedError: If the person is inactive or the tenant suspended.
        NotFoundError: If it is not theirs.
        ForbiddenError: If they were removed or banned from it, or not let in.

    """
    require_active(standing.is_revoked)
    if standing.tenant != identity.tenant or identity.session not in (None, standing.session):
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
    return _at_most(identity, granted)


def reaching(
    access: Access, identity: Identity, granted: Iterable[AnyGranted], *, is_revoked: bool
) -> tuple[Role, list[AnyGranted]]:
    """Return in which role ``identity`` lists what there is, and which of its roles open it.

    Students without any role list what they came to.

    Raises:
        UnauthorizedError: If the person is inactive or the tenant suspended.
        ForbiddenError: If the token opens one session only, or no role is enough.

    """
    require_active(is_revoked)
    if identity.session is not None:
        raise ForbiddenError
    counting = [each for each in granted if _at_most(identity, each.role) in access.roles]
    if not counting and "student" not in access.roles:
        raise ForbiddenError
    highest = _highest(each.role for each in counting)
    return "student" if highest is None else _at_most(identity, highest), counting


def require_operator(identity: Identity) -> Role:
    """Return the role in which the operator of the installation acts: an admin's.

    Raises:
        ForbiddenError: If ``identity`` is somebody else.

    """
    if OPERATOR not in identity.scope or identity.session is not None:
        raise ForbiddenError
    return "admin"


def require_scope(identity: Identity, scope: str | None) -> None:
    """Return if a token may be used for ``scope``; one without scopes may be used for all.

    Raises:
        ForbiddenError: If it is limited to other scopes.

    """
    if identity.scope and scope not in identity.scope:
        raise ForbiddenError("This token is for something else.")


def require_active(is_revoked: bool) -> None:
    """Return if a person is active, and so is their tenant.

    Raises:
        UnauthorizedError: If not.

    """
    if is_revoked:
        raise UnauthorizedError("This token was revoked.")


def _role_outside(access: Access, identity: Identity, standing: Standing) -> Role:
    """Return the role in the tenant, or in a course or lesson of it."""
    require_active(standing.is_revoked)
    if identity.session is not None:
        raise ForbiddenError
    if access.within != "tenant" and standing.tenant != identity.tenant:
        raise NotFoundError
    granted = _highest(standing.roles)
    if granted is None:
        raise ForbiddenError if access.within == "tenant" else NotFoundError
    return _at_most(identity, granted)


def _at_most(identity: Identity, role: Role) -> Role:
    return min(role, identity.role, key=RANK.__getitem__)


def _highest(roles: Iterable[Role]) -> Role | None:
    return max(roles, key=RANK.__getitem__, default=None)
