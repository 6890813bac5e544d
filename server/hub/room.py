"""One live session: takes asks in order, stores what they lead to, tells everybody.

Rules:

1. Only the room's own task changes its state. A socket that goes away tears nothing.
2. One batch is in flight at a time; the next is decided only after its outcome.
3. Nothing is told, and no ask answered, before what it rests on is committed.
4. When the outcome is not known, the log is: the room takes the session again under a new epoch,
   so that whatever may still be under way is fenced, and reads what it has missed.
5. What it remembers is saved now and then, behind its back; it is opened from there and the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from protocol.errors import Refusal
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.clock import Clock
from server.errors import FencedError, UnavailableError
from server.hub.asks import Ask, Perform, Report
from server.hub.draft import Draft, Head, Recorded, stored_key
from server.hub.history import recall
from server.hub.inbox import Inbox
from server.hub.keys import KeyHashes, Keys, Known
from server.hub.reach import Reach
from server.hub.saved import Image
from server.hub.seating import Place, Seating
from server.hub.snapshots import SLICE, Snapshots
from server.ops import metrics
from server.store import chain
from server.store.log import PAGE, LogReader, LogWriter, PoisonedError, StoredEvent
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SAVE_EVERY = 2000
"""Events after which a room saves what it remembers …"""
SAVE_LEAST = 200
"""… or, when it closes, if there are that many: fewer are folded faster than read."""


class Listener(Protocol):
    """Whoever outside the room follows it; hears without waiting."""

    def opened(self, room: "Room") -> None:
        """Hear that this node owns the session now, perhaps again."""

    def committed(self, room: "Room", before: Classroom, recorded: Sequence[Recorded]) -> None:
        """Hear that ``recorded`` has changed the room's state, which was ``before``."""

    def closed(self, room: "Room") -> None:
        """Hear that this node does not own the session any more."""


class Room:
    """The single writer of one session's events."""

    def __init__(
        self,
        place: Place,
        *,
        acquire: Callable[[str], Awaitable[int]],
        writer: LogWriter,
        reader: LogReader,
        snapshots: Snapshots,
        clock: Clock,
        tasks: Supervisor,
        listener: Listener,
    ) -> None:
        self.place = place
        self.state = Classroom()
        self.epoch = 0
        self.head = Head(0, chain.genesis(place.session), 0)
        self.is_loaded = False
        """Whether the log has been read; it stays so while the log is away."""
        self.is_open = asyncio.Event()
        self._inbox = Inbox(self.is_open)
        self.reach = Reach(
            place.session,
            reader,
            head=lambda: self.head.sequence,
            is_open=self.is_open,
            call=self._inbox.call,
        )
        self.seating = Seating(
            place,
            committed=lambda: (self.state, self.head.sequence),
            submit=self.submit,
            reader=reader,
            clock=clock,
            tasks=tasks,
        )
        self._acquire = acquire
        self._writer = writer
        self._reader = reader
        self._snapshots = snapshots
        self._clock = clock
        self._listener = listener
        self._settled = asyncio.Event()
        self._keys = Keys(place.session, reader, KeyHashes())
        self._saved = 0
        self._must_reload = False
        self._is_whole = False

    # ------------------------------------------------------------ from outside

    async def loaded(self) -> None:
        """Wait until the room knows its log; it may not reach it later, and knows it still.

        Raises:
            UnavailableError: If it has ended instead.

        """
        await self._settled.wait()
        if not self.is_loaded:
            raise UnavailableError("The class cannot be opened here right now.")

    def reload(self) -> None:
        """Forget everything and read the log anew, as soon as what is in hand is done.

        For when the log has changed, which only the erasure of a person does. Sockets stay; each
        gets a snapshot.
        """
        self._must_reload = True
        self._inbox.call()

    def submit(self, ask: Ask) -> None:
        """Put an ask in line; it is answered exactly once, perhaps at once."""
        self._inbox.put(ask)

    @property
    def is_busy(self) -> bool:
        """Whether anything that was asked waits for its outcome."""
        return len(self._inbox) > 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody is here or awaited, and nothing goes on that needs an owner."""
        is_needed = self.is_busy or not self.seating.is_empty
        return not is_needed and self.state.status != "live" and not self.state.recordings

    # ------------------------------------------------------------ the room's own task

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            FencedError: If another node owns the session now.

        """
        try:
            await self._recover()
            while True:
                await self._inbox.wait()
                if self._must_reload or self.reach.is_behind:
                    self._inbox.refuse_all()
                    await self._recover()
                self._inbox.take()
                await self._turn()
        finally:
            self._inbox.refuse_all()
            self._settled.set()
            self._save(SAVE_LEAST)
            self.seating.ephemeral.close()
            self._listener.closed(self)

    async def _turn(self) -> None:
        """Decide, store, tell, answer: all that is in hand, in order."""
        asks = self._inbox.in_hand
        try:
            known = await self._keys.find(
                stored_key(ask) for ask in asks if isinstance(ask, Perform | Report)
            )
            while asks:
                draft, failed = self._draft(asks, known)
                if failed is None and draft.commands:
                    try:
                        await self._writer.append(self.place.session, self.epoch, draft.commands)
                    except PoisonedError as error:
                        log.exception("command_poisoned", session=self.place.session)
                        failed = draft.asked[error.index]
                if failed is None:
                    self._commit(draft)
                    break
                # One command that cannot be stored takes nobody else's down: decide without it.
                asks.remove(failed)
                if isinstance(failed, Perform | Report):
                    failed.answer(Refusal("internal", "This command failed; it was logged."))
        except UnavailableError as error:
            self._inbox.refuse_all()
            # Somebody has raised the epoch: another owner, which to recover will tell, or an
            # erasure, which has changed the log.
            self._must_reload |= isinstance(error, FencedError)
            log.warning("append_failed", session=self.place.session, error=repr(error))
            await self._recover()
        else:
            asks.clear()

    def _draft(self, asks: list[Ask], known: dict[str, Known]) -> tuple[Draft, Ask | None]:
        """Return the decisions on ``asks``, or the one that our own code fails on."""
        draft = Draft(self.place.session, self.state, self.head, self._clock.now_ms(), known)
        for ask in asks:
            try:
                draft.take(ask)
            except Exception:
                log.exception("command_failed", session=self.place.session)
                return draft, ask
        return draft, None

    def _commit(self, draft: Draft) -> None:
        before, self.state, self.head = self.state, draft.state, draft.head
        for stored, known in draft.keys.items():
            self._keys.remember(stored, known)
        if draft.recorded:
            for each in draft.recorded:
                metrics.events.labels(each.event.type).inc()
            self.seating.tell(draft.recorded, before)
            self._forget_blanked(before)
            self._listener.committed(self, before, draft.recorded)
        for ask, outcome in draft.outcomes:
            ask.answer(outcome)
        self.reach.moved()
        self._save(SAVE_EVERY)

    def _forget_blanked(self, before: Classroom) -> None:
        """Let nobody catch up on words that were removed, from frames that still hold them."""
        if self.state.blanked is before.blanked:
            return
        if newly := self.state.blanked - before.blanked:
            for view in self.seating.views.values():
                view.feed.forget(max(newly))

    # ------------------------------------------------------------ recovery

    async def _recover(self) -> None:
        """Take the session, read what this room does not have yet, and open.

        Raises:
            FencedError: If another live node owns the session.

        """
        while True:
            try:
                self.epoch = await self._acquire(self.place.session)
                if self._must_reload:
                    # Under the new epoch: what was saved under the old one does not come back.
                    await self._snapshots.forget(self.place.session)
                    self._must_reload = self._is_whole = False
                if self._is_whole:
                    await self._read_on()
                else:
                    await self._load()
                break
            except FencedError:
                raise
            except UnavailableError as error:
                log.warning("room_waits_for_log", session=self.place.session)
                await asyncio.sleep(error.retry_seconds)
        self.seating.reconcile()
        self.is_loaded = True
        self._settled.set()
        self.is_open.set()
        self.reach.caught_up()
        self._listener.opened(self)
        log.info("room_opened", session=self.place.session, head=self.head.sequence)

    async def _load(self) -> None:
        """Begin with what is saved and the log after it; whoever is here gets a snapshot."""
        past = await self._snapshots.past(self.place.session)
        self.state, self.head = past.state, past.head
        self._keys = Keys(self.place.session, self._reader, past.keys)
        self._saved = past.saved
        self._is_whole = True
        self.seating.restart(past.views, past.head.sequence)
        self._save(SAVE_EVERY)

    async def _read_on(self) -> None:
        """Tell whoever is here what the log holds beyond what this room knows."""
        while page := await self._reader.read(self.place.session, self.head.sequence, PAGE):
            for start in range(0, len(page), SLICE):
                self._follow(page[start : start + SLICE])
                await asyncio.sleep(0)

    def _follow(self, events: Sequence[StoredEvent]) -> None:
        before, recorded = self.state, []
        for stored in events:
            if stored.key is not None:
                self._keys.hashes.add(stored.key)
            each = recall(stored)
            if each is not None:
                recorded.append(each)
                self.state = evolve(
                    self.state, each.event, sequence=each.sequence, at=each.at, by=each.by
                )
        last = events[-1]
        self.head = Head(last.sequence, last.digest, last.at_ms)
        self.seating.tell(recorded, before)
        self._forget_blanked(before)
        self._listener.committed(self, before, recorded)

    def _save(self, least: int) -> None:
        """Have what this room remembers saved, if that has grown by ``least`` events."""
        if self.head.sequence - self._saved < least:
            return
        self._saved = self.head.sequence
        frames = {each.audience: each.snapshot for each in self.seating.views.values()}
        image = Image(self.head, self.state, frames, self._keys.hashes.pack())
        self._snapshots.save(self.place.session, self.epoch, image)
