"""Which sessions this node owns.

Ownership moves only when its node is dead for certain; the epoch that a take-over raises is what
fences every append that the old owner may still send.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple

import structlog

from server.clock import SystemClock
from server.errors import NotFoundError, UnavailableError
from server.hub.news import News
from server.ops import metrics
from server.store.nodes import (
    BEAT_SECONDS,
    LIFE_SECONDS,
    Membership,
    Owner,
    find_owner,
    take_over,
)
from server.store.pool import Pools
from server.store.succession import Neighbour, glance, neighbours

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ATTEMPTS = 5
LEAVE_SECONDS = 2.0


class Held(NamedTuple):
    """This node owns the session, under this epoch."""

    epoch: int


class Elsewhere(NamedTuple):
    """A living node owns the session, or is to own it; ``link`` is where its links are taken."""

    link: str
    node: str


Claim = Held | Elsewhere


class Lease:
    """This node's claim on sessions.

    ``node`` is ``server.number``: nodes of one server share its media workers.
    """

    def __init__(self, pools: Pools, node: str, membership: Membership) -> None:
        self._pools = pools
        self.node = node
        self._membership = membership
        self.news = News(partial(glance, pools), membership.is_dead, SystemClock())
        """What becomes of sessions whose owner is not reached."""
        self._is_leaving = False
        self._leaves_server = False
        self._left_to: dict[str, int] = {}
        """The epoch in which a session's owner died, and a nearer node was asked to take it."""
        self._beat_at = time.monotonic()

    @property
    def beat_age_seconds(self) -> float:
        """How long ago this node last renewed its life."""
        return time.monotonic() - self._beat_at

    async def check(self) -> str:
        """Say that what this node owns is safe from others.

        Raises:
            UnavailableError: If it has not renewed its life for too long.

        """
        if self.beat_age_seconds > LIFE_SECONDS:
            raise UnavailableError("The leases are not renewed.")
        return f"renewed {self.beat_age_seconds:.1f} s ago"

    async def acquire(self, session: str, followers: Collection[str] = ()) -> Claim:
        """Make this node the owner of ``session``, unless a living node is.

        The epoch is a new one also where this node was the owner already: whatever of its own is
        still under way is fenced. A node that leaves owns nothing: it is told who is to own the
        session in its place, best one of ``followers``.

        Raises:
            NotFoundError: If there is no such session.
            UnavailableError: If the database is away; if this node leaves and is the only one.

        """
        for _ in range(ATTEMPTS):
            seen = await find_owner(self._pools, session)
            is_other = seen is not None and seen.node != self.node
            if seen is not None and is_other and not await self._membership.is_dead(seen.node):
                if seen.link is None:  # it has come to life since it was looked up
                    continue
                return Elsewhere(seen.link, seen.node)
            if self._is_leaving:
                return await self._heir(session, followers)
            if seen is not None and is_other and (nearer := await self._nearer(session, seen)):
                return nearer
            epoch = await take_over(self._pools, session, self.node, seen)
            if epoch is not None:
                before = "another" if is_other else "nobody" if seen is None else "itself"
                metrics.lease_taken.labels(before).inc()
                return Held(epoch)
            if seen is None and await find_owner(self._pools, session) is None:
                raise NotFoundError
        raise UnavailableError("The session changes its owner too often.")

    async def keep(self, doubt: Callable[[], None]) -> None:
        """Stay alive in the eyes of the others, until cancelled or :meth:`leave`.

        ``doubt`` is called when others may have taken this node for dead meanwhile.
        """
        while not self._is_leaving:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                if not self._is_leaving:
                    was_alive = await self._membership.beat()
                    self._beat_at = time.monotonic()
                    if not was_alive:
                        log.warning("lease_interrupted", node=self.node)
                        doubt()
            except UnavailableError:
                continue  # the next beat makes it good, on a new connection

    async def leave(self, *, with_server: bool = False) -> bool:
        """Let others take at once what this node owns; say whether there is anybody who can.

        What it owns stays its own until somebody has taken it. ``with_server`` says that the
        other nodes of its server leave, too.
        """
        self._is_leaving, self._leaves_server = True, with_server
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                is_known = await self._membership.leave()
                # Where that hangs, whatever else is asked hangs for longer than may be waited.
                return is_known and bool(await self._others())
        except (UnavailableError, TimeoutError):
            return False

    async def _others(self) -> list[Neighbour]:
        found = await neighbours(self._pools, self.node)
        return [each for each in found if not (self._leaves_server and self.is_near(each.node))]

    async def _heir(self, session: str, followers: Collection[str]) -> Elsewhere:
        """Return who is to own ``session``: where its media is, where it is known, or anybody."""
        others = await self._others()
        if not others:
            raise UnavailableError("No other node is there to take the class.")

        def rank(each: Neighbour) -> tuple[bool, bool, bytes]:
            spread = _spread(session, each.node)
            return not self.is_near(each.node), each.node not in followers, spread

        heir = min(others, key=rank)
        return Elsewhere(heir.link, heir.node)

    async def _nearer(self, session: str, seen: Owner) -> Elsewhere | None:
        """Return a living node of the dead owner's server: the session's media is there.

        That one takes it, as soon as this one follows it. It is asked once; who does not take it
        then does not get it.
        """
        if self.is_near(seen.node) or self._left_to.pop(session, None) == seen.epoch:
            return None
        others = await neighbours(self._pools, self.node)
        # The dead one is among them for as long as its time has not run out.
        near = [
            each
            for each in others
            if _server_of(each.node) == _server_of(seen.node) != "" and each.node != seen.node
        ]
        if not near:
            return None
        self._left_to[session] = seen.epoch
        chosen = min(near, key=lambda each: _spread(session, each.node))
        return Elsewhere(chosen.link, chosen.node)

    def is_near(self, node: str) -> bool:
        """Say whether ``node`` is of this node's server."""
        return _server_of(node) == _server_of(self.node) != ""


def _server_of(node: str) -> str:
    return node.rpartition(".")[0]


def _spread(session: str, node: str) -> bytes:
    """Return what puts nodes into another order for each session, the same everywhere."""
    return hashlib.blake2b(f"{session}/{node}".encode(), digest_size=8).digest()
