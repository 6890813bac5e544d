"""What the database knows of sessions and destinations, as rooms and the engine ask for it."""

from collections.abc import Sequence

from server.hub.seating import Place
from server.media.fabric import DestinationTarget, RevokedError
from server.secrets.references import References
from server.secrets.secret import Secret
from server.store import integrations, sessions
from server.store.pool import Pools


class Registry:
    """Looks things up anew each time: what it says may change at any moment.

    Everything of it raises ``UnavailableError`` while the database is away.
    """

    def __init__(self, pools: Pools, references: References, log_id: str) -> None:
        self._pools = pools
        self._references = references
        self._log_id = log_id

    async def find_place(self, session: str) -> Place | None:
        """Return whose the session is, or None if there is none."""
        found = await sessions.find(self._pools, session)
        return None if found is None else Place(session, found.tenant_id, self._log_id)

    async def find_targets(self, tenant: str, wanted: Sequence[str]) -> list[DestinationTarget]:
        """Return where those of the destinations are that there are, without their keys."""
        found = [await integrations.find_destination(self._pools, tenant, each) for each in wanted]
        return [
            DestinationTarget(each.id, each.provider, each.url, each.backup_url, each.profile)
            for each in found
            if each is not None
        ]

    async def resolve_secret(self, session: str, destination: str) -> Secret | None:
        """Return the key of a destination of the session's tenant, or None if there is none.

        Raises:
            RevokedError: If it is not to be used any more.

        """
        place = await self.find_place(session)
        if place is None:
            return None
        found = await integrations.find_destination(self._pools, place.tenant, destination)
        if found is None:
            return None
        if found.is_revoked:
            raise RevokedError
        return await self._references.resolve(found.stream_key_ref, place.tenant)
