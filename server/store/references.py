"""What a command names outside its class: only the database knows whether it is there."""

from protocol.commands import AnyCommand, DestinationEnable
from protocol.errors import Refusal

from .integrations import find_destination
from .pool import Pools


async def check(pools: Pools, tenant: str, command: AnyCommand) -> None:
    """Do nothing if whatever ``command`` names outside its class is there, and may be used.

    Raises:
        Refusal: ``not_found``, or ``conflict`` where an integration is revoked.
        UnavailableError: If the database is away.

    """
    if not isinstance(command, DestinationEnable):
        return
    found = await find_destination(pools, tenant, command.destination)
    if found is None:
        raise Refusal("not_found", "There is no such destination.", field="destination")
    if found.is_revoked:
        text = "The integration of this destination is revoked."
        raise Refusal("conflict", text, field="destination")
