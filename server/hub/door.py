"""Who may come into a class: the access rule over what the database knows."""

from protocol.errors import CloseCode
from protocol.ids import Role
from server.auth import policy
from server.auth.origins import Origins
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError
from server.hub.seating import Place, RejectedError
from server.store import integrations, participants, tenants, users
from server.store.pool import Pools


class Door:
    """Answers for the live socket what only the tenants' tables know."""

    def __init__(self, pools: Pools, origins: Origins, log_id: str) -> None:
        self._pools = pools
        self._origins = origins
        self._log_id = log_id

    async def enter(self, identity: Identity, session: str) -> tuple[Place, Role]:
        """Return the session's place and in which role they come; the first time makes them known.

        Raises:
            NotFoundError: If it is not there for this person.
            RejectedError: If they were removed or banned.
            UnavailableError: If the database is away.

        """
        async with self._pools.tenant(identity.tenant) as connection:
            standing = await participants.standing(connection, session, identity.user)
            if identity.scope:  # made for something else, as publishing
                raise NotFoundError
            try:
                role = policy.role_in_session(identity, session, standing)
            except ForbiddenError:
                is_banned = standing.status == "banned"
                code = CloseCode.BANNED if is_banned else CloseCode.REMOVED
                raise RejectedError(code) from None
            await users.ensure(connection, identity.tenant, identity.user, identity.name)
        return Place(session, identity.tenant, self._log_id), role

    async def may_come_from(self, origin: str, tenant: str) -> bool:
        """Return whether pages of ``origin`` may connect for ``tenant``."""
        if self._origins.permits(origin, ()):
            return True
        domain = origin.lower().removeprefix("https://")
        owner = await tenants.find_by_domain(self._pools, domain)
        return owner == tenant and self._origins.permits(origin, (domain,))

    async def has_destination(self, tenant: str, destination: str) -> bool:
        """Return whether the tenant has this destination."""
        found = await integrations.find_destination(self._pools, tenant, destination)
        return found is not None
