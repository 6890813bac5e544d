"""A class as its log has it, with whoever sits in it on this node: read on, never written.

It is the same on the node that owns the class and on those that follow it.
"""

import asyncio
from collections.abc import Callable, Sequence

from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.clock import Clock
from server.hub.asks import Ask
from server.hub.draft import Draft, Head, Recorded
from server.hub.history import recall
from server.hub.keys import KeyHashes, Keys
from server.hub.link_messages import Told
from server.hub.saved import Image
from server.hub.seating import Place, Seating
from server.hub.snapshots import SLICE, Snapshots
from server.store import chain
from server.store.log import PAGE, LogReader
from server.tasks import Supervisor

SAVE_EVERY = 2000
"""Events after which what is remembered is saved …"""
SAVE_LEAST = 200
"""… or, when it is put away, if there are that many: fewer are folded faster than read."""


class Replica:
    """The fold of one session's log, told to whoever is here as it grows."""

    def __init__(
        self,
        place: Place,
        *,
        submit: Callable[[Ask], None],
        reader: LogReader,
        snapshots: Snapshots,
        clock: Clock,
        tasks: Supervisor,
    ) -> None:
        self.place = place
        self.epoch = 0
        """The owner's, as far as it is known here."""
        self.state = Classroom()
        self.head = Head(0, chain.genesis(place.session), 0)
        self.keys = Keys(place.session, reader, KeyHashes())
        self.whole_since = 0
        """The epoch in which the log was last read from its beginning, here or by the owner whose
        word for it is taken; 0 before."""
        self.must_reload = False
        """Whether what is known of the log is not what it holds."""
        self.is_settled = asyncio.Event()
        """Set once the log has been read, or will not be."""
        self.seating = Seating(
            place,
            committed=lambda: (self.state, self.head.sequence),
            submit=submit,
            reader=reader,
            clock=clock,
            tasks=tasks,
        )
        self._reader = reader
        self._snapshots = snapshots
        self._saved = 0

    @property
    def is_loaded(self) -> bool:
        """Whether the log has been read; it stays so while the log is away."""
        return self.whole_since > 0

    async def load(self, epoch: int) -> None:
        """Begin with what is saved and the log after it; whoever is here gets a snapshot.

        ``epoch`` is the one since which the log is known to be whole.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        past = await self._snapshots.past(self.place.session)
        self.state, self.head = past.state, past.head
        self.keys.reload(past.keys)
        self._saved = past.saved
        self.whole_since, self.must_reload = max(epoch, 1), False
        self.seating.restart(past.views, past.head.sequence)
        self.is_settled.set()

    async def read_on(self, heard: Callable[[Classroom, list[Recorded]], None]) -> None:
        """Tell whoever is here what the log holds beyond what is known; ``heard`` takes it, too.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        while page := await self._reader.read(self.place.session, self.head.sequence, PAGE):
            for start in range(0, len(page), SLICE):
                self.follow([Told(each, None) for each in page[start : start + SLICE]], heard)
                await asyncio.sleep(0)

    async def catch_up(self, whole_since: int = 0, *, is_unbroken: bool = False) -> None:
        """Read on, or from the beginning if the owner has done so later than this node.

        ``is_unbroken`` says that nobody but a new owner can have touched the session since: the
        log has not changed, whenever that one has read it.

        Raises:
            UnavailableError: If the log cannot be read now.

        """
        if is_unbroken and self.is_loaded:
            self.whole_since = max(self.whole_since, whole_since)
        if self.is_loaded and not self.must_reload and whole_since <= self.whole_since:
            await self.read_on(_nobody_else)
        else:
            await self.load(whole_since)

    async def take_batch(self, events: Sequence[Told]) -> None:
        """Take a batch of the owner's, and from the log what came before it and was not heard.

        Raises:
            UnavailableError: If the log is needed and cannot be read now.

        """
        if events[0].stored.sequence > self.head.sequence + 1:
            await self.read_on(_nobody_else)
        new = [each for each in events if each.stored.sequence > self.head.sequence]
        if new:
            self.follow(new, _nobody_else)

    def follow(
        self, events: Sequence[Told], heard: Callable[[Classroom, list[Recorded]], None]
    ) -> None:
        """Take the next events of the log."""
        before = self.state
        recorded: list[Recorded] = []
        for stored, key in events:
            if stored.key is not None:
                self.keys.hashes.add(stored.key)
            each = recall(stored)
            if each is not None:
                recorded.append(each._replace(key=key))
                self.state = evolve(
                    self.state, each.event, sequence=each.sequence, at=each.at, by=each.by
                )
        last = events[-1].stored
        self.head = Head(last.sequence, last.digest, last.at_ms)
        self._tell(before, recorded)
        heard(before, recorded)

    def take(self, draft: Draft) -> None:
        """Take what this node has decided and the log now has."""
        before, self.state, self.head = self.state, draft.state, draft.head
        for stored, used in draft.keys.items():
            self.keys.remember(stored, used)
        if draft.recorded:
            self._tell(before, draft.recorded)

    def save(self, *, is_last: bool = False) -> None:
        """Have it saved, by the owner under its epoch, if it has grown enough."""
        if self.head.sequence - self._saved < (SAVE_LEAST if is_last else SAVE_EVERY):
            return
        self._saved = self.head.sequence
        frames = {each.audience: each.snapshot for each in self.seating.views.values()}
        image = Image(self.head, self.state, frames, self.keys.hashes.pack())
        self._snapshots.save(self.place.session, self.epoch, image)

    def _tell(self, before: Classroom, recorded: list[Recorded]) -> None:
        self.seating.tell(recorded, before)
        if self.state.blanked is before.blanked:
            return
        # Nobody catches up on words that were removed, from frames that still hold them.
        if newly := self.state.blanked - before.blanked:
            for view in self.seating.views.values():
                view.feed.forget(max(newly))


def _nobody_else(_before: Classroom, _recorded: Sequence[Recorded]) -> None:
    """Tell nobody but those who are here: the owner does."""
