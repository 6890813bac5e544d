"""How a node leaves while classes go on: first what it owns, then whoever sits on it.

::

    leave ─▶ hand over: rooms follow their new owners ─▶ goodbyes, a few at a time ─▶ rooms end

Until their goodbye people take part through this node, and each of them is away for no longer than
it takes to connect again. Where nobody else is there to own anything, all are told at once to come
back, each at another time.
"""

import asyncio
import random
from collections.abc import Callable

import structlog

from protocol.errors import CloseCode
from server.hub.hub import Hub
from server.hub.lease import Lease

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

HAND_OVER_SECONDS = 3.0
GOODBYES_PER_SECOND = 500
"""So many come back that other nodes do not feel it."""
TICK_SECONDS = 0.01
CLOSED_SECONDS = 2.0


async def depart(hub: Hub, lease: Lease, drain_seconds: float, *, with_server: bool) -> None:
    """Hand over what ``hub`` owns and send everybody on; it takes requests until it drains.

    Takes ``drain_seconds`` and seven seconds more at the most, whatever is away. ``with_server``
    says that the other nodes of this node's server leave, too.
    """
    hub.is_draining = True
    hub.has_heirs = await lease.leave(with_server=with_server)
    owned = sum(room.owns for room in hub.rooms)
    if hub.has_heirs:
        for room in hub.rooms:
            room.hand_over()
        await _until(lambda: not any(room.owns for room in hub.rooms), HAND_OVER_SECONDS)
    log.info(
        "handed_over",
        sessions=owned,
        kept=sum(room.owns for room in hub.rooms),
        has_heirs=hub.has_heirs,
    )
    await _say_goodbye(hub, drain_seconds if hub.has_heirs else 0.0)
    await _until(lambda: not hub.peers, CLOSED_SECONDS)


async def _say_goodbye(hub: Hub, most_seconds: float) -> None:
    """Close every socket, over as little time as others can take, in no order."""
    peers = list(hub.peers)
    random.shuffle(peers)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    per_second = max(GOODBYES_PER_SECOND, len(peers) / most_seconds if most_seconds else 1e9)
    said = 0
    while said < len(peers):
        due = min(len(peers), 1 + int((loop.time() - begun) * per_second))
        for peer in peers[said:due]:
            peer.close(CloseCode.DRAINING)
        said = due
        await asyncio.sleep(TICK_SECONDS if said < len(peers) else 0)
    for peer in hub.peers - set(peers):  # who came meanwhile
        peer.close(CloseCode.DRAINING)


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until it holds, for about ``seconds`` at the most."""
    for _ in range(round(seconds / TICK_SECONDS)):
        if holds():
            return
        await asyncio.sleep(TICK_SECONDS)
    log.warning("departure_goes_on")
