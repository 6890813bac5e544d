"""What it is to follow the node that owns a session: what it tells is told on here.

Nothing that is told may be lost on the way: a batch that does not continue what is known sends the
room to the log, and so does an owner that is not reached.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog

from server.hub.inbox import Inbox
from server.hub.lease import Elsewhere
from server.hub.link_messages import (
    Batch,
    Done,
    Felt,
    Followed,
    Reactions,
    Refused,
    Roster,
    ToFollower,
)
from server.hub.news import News
from server.hub.reach import Reach
from server.hub.replica import Replica
from server.hub.seating import Place
from server.hub.upstream import Upstream

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Follow = Callable[[str, Place, bool], AbstractAsyncContextManager[Upstream]]
"""Follow what the node owns whose links are taken there; True: what it is to own from now on."""

RELINK_SECONDS = 1.0
RELINK_MOST_SECONDS = 8.0
"""How often an owner that is alive, but is not reached, is tried again."""


class Following:
    """One room's, while it has an owner that is reached, and while it waits for one."""

    def __init__(self, replica: Replica, inbox: Inbox, reach: Reach, news: News) -> None:
        self.owner: Elsewhere | None = None
        """Who is followed just now …"""
        self.upstream: Upstream | None = None
        """… and the way there: where asks go meanwhile."""
        self._replica = replica
        self._inbox = inbox
        self._reach = reach
        self._news = news
        self._relink_seconds = RELINK_SECONDS

    async def follow(self, owner: Elsewhere, upstream: Upstream, followed: Followed) -> None:
        """Follow ``owner``, which lets this node do so from ``followed`` on, until it is lost.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        self._relink_seconds = RELINK_SECONDS
        replica = self._replica
        is_unbroken = followed.epoch == replica.epoch + 1
        replica.epoch = followed.epoch
        await replica.catch_up(followed.whole_since, is_unbroken=is_unbroken)
        self.owner, self.upstream = owner, upstream
        try:
            replica.seating.report(upstream)
            for ask in self._inbox.give():
                upstream.put(ask)
            self._inbox.is_open.set()
            self._reach.caught_up()
            log.info("room_follows", session=replica.place.session, head=replica.head.sequence)
            async for message in upstream.messages():
                await self._hear(upstream, message)
        finally:
            self.owner = self.upstream = None
            self._inbox.hold(upstream.give_back())

    async def miss(self, owner: Elsewhere) -> None:
        """Tell what the log holds until ``owner`` is gone or another one, or may be tried again.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        # Not all classes of one owner at once. It keeps no secret.
        seconds = self._relink_seconds * random.uniform(0.5, 1.0)  # noqa: S311
        self._relink_seconds = min(RELINK_MOST_SECONDS, 2 * self._relink_seconds)
        loop = asyncio.get_running_loop()
        until, has_grown = loop.time() + seconds, True
        while has_grown:
            await self._replica.catch_up()
            session, head = self._replica.place.session, self._replica.head.sequence
            has_grown = await self._news.grown(session, owner.link, head, until - loop.time())

    def stop(self) -> None:
        """Follow no longer: the owner gives the session up. What is asked now waits."""
        if self.upstream is not None:
            self._inbox.is_open.clear()
            self.upstream.lost()

    async def _hear(self, upstream: Upstream, message: ToFollower | None) -> None:
        replica = self._replica
        match message:
            case Batch(epoch=epoch, events=events) if epoch >= replica.epoch:
                replica.epoch = epoch
                await replica.take_batch(events)
                self._reach.moved()
            case Done() | Refused():
                upstream.answer(message)
            case Roster(people=people, is_full=is_full):
                replica.seating.list_people(people, is_full=is_full)
            case Reactions(counts=counts):
                replica.seating.ephemeral.show_reactions(counts)
            case Felt(view=view, frame=frame):
                replica.seating.ephemeral.feel(view, frame)
            case Followed(epoch=epoch, whole_since=whole_since):
                replica.epoch = epoch
                await replica.catch_up(whole_since)
            case None:
                await replica.catch_up()
                self._reach.caught_up()
            case _:
                pass  # of an owner that has been fenced
