"""Who may come into a class: the access rule over what the database knows."""

from protocol.commands import AnyCommand
from protocol.ids import Role
from server.auth import policy
from server.auth.origins import Origins
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError
from server.hub.seat import RejectedError
from server.hub.seating import Place
from server.hub.standing import OUT
from server.store import references, sessions, standings, tenants, users
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
            RejectedError: If they were removed, banned or denied.
            UnavailableError: If the database is away.

        """
        async with self._pools.tenant(identity.tenant) as connection:
            standing = await standings.find(connection, "session", session, identity.user)
            if identity.scope:  # made for something else, as publishing
                raise NotFoundError
            try:
                role = policy.role_in_session(identity, standing)
            except ForbiddenError:
                raise RejectedError(OUT[standing.status or "removed"]) from None
            await users.ensure(connection, identity.tenant, identity.user, identity.name)
        return Place(session, identity.tenant, self._log_id), role

    async def may_come_from(self, origin: str, tenant: str) -> bool:
        """Return whether pages of ``origin`` may connect for ``tenant``."""
        if self._origins.permits(origin, ()):
            return True
        domain = origin.lower().removeprefix("https://")
        owner = await tenants.find_by_domain(self._pools, domain)
        return owner == tenant and self._origins.permits(origin, (domain,))

    async def title(self, place: Place) -> str | None:
        """Return the session's title as it is now.

        Raises:
            UnavailableError: If the database is away.

        """
        found = await sessions.find(self._pools, place.session)
        return None if found is None else found.title

    async def check(self, tenant: str, command: AnyCommand) -> None:
        """Do nothing if what ``command`` names outside its class is there.

        Raises:
            Refusal: ``not_found``.
            UnavailableError: If the database is away.

        """
        await references.check(self._pools, tenant, command)
