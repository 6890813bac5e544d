"""Who may enter what: the one rule for REST and the live socket. Pure; the look-ups come in.

A session is there only for its tenant, and for a person who has to do with it: by a token for that
very session, by a role that covers it, or because they came to it before. For everybody else it
does not exist, in the same words as one that never did.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from protocol.ids import Role
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError

RANK: dict[Role, int] = {"student": 0, "assistant": 1, "teacher": 2, "admin": 3}


class Participation(Struct, frozen=True):
    """What the log says of a person in a session."""

    role: Role
    status: Literal["admitted", "waiting", "removed", "banned"]


def role_in_session(
    identity: Identity,
    session: str,
    *,
    tenant: str | None,
    roles: Iterable[Role],
    participation: Participation | None,
) -> Role:
    """Return the role in which ``identity`` may enter ``session``.

    ``tenant`` is the session's, None if there is no such session; ``roles`` are those of the
    person's ``user_roles`` that cover it. The role in the log wins over the token's; without one,
    a role that was given never makes more of a token than the token says.

    Raises:
        NotFoundError: If it is not theirs.
        ForbiddenError: If they were removed or banned from it.

    """
    if tenant != identity.tenant or identity.session not in (None, session):
        raise NotFoundError
    if participation is not None:
        if participation.status in ("removed", "banned"):
            raise ForbiddenError("You were taken out of this class.")
        # The log knows no admins: it keeps them as teachers.
        is_admin = identity.role == "admin" and participation.role == "teacher"
        return "admin" if is_admin else participation.role
    if identity.session is not None:
        return identity.role
    granted = _highest(roles)
    if granted is None:
        raise NotFoundError
    return min(granted, identity.role, key=RANK.__getitem__)


def role_in_tenant(identity: Identity, roles: Iterable[Role]) -> Role:
    """Return the role in which ``identity`` manages its tenant's courses and destinations.

    ``roles`` are those of the person's ``user_roles`` that cover the whole tenant.

    Raises:
        ForbiddenError: If the token opens one session only, or the person has no such role.

    """
    granted = _highest(roles)
    if identity.session is not None or granted is None:
        raise ForbiddenError
    return min(granted, identity.role, key=RANK.__getitem__)


def _highest(roles: Iterable[Role]) -> Role | None:
    return max(roles, key=RANK.__getitem__, default=None)
