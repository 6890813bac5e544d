"""One live session: takes asks in order, stores what they lead to, tells everybody.

Rules:

1. Only the room's own task changes its state. A socket that goes away tears nothing.
2. One batch is in flight at a time; the next is decided only after its outcome.
3. Nothing is told, and no ask answered, before what it rests on is committed.
4. When the outcome is not known, the log is: the room takes the session again under a new epoch,
   so that whatever may still be under way is fenced, and reads what it has missed.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import structlog

from protocol import codec
from protocol.errors import CloseCode, Refusal
from protocol.events import ParticipantRemoved, SessionEnded
from protocol.frames import ResumePosition
from protocol.limits import END_GRACE_SECONDS
from server.classroom import people
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.classroom.view import mine, touches
from server.clock import Clock
from server.errors import FencedError, UnavailableError
from server.hub.asks import Arrive, Ask, Depart, Perform, Report, Who, unavailable
from server.hub.draft import Draft, Head, Known, Recorded, stored_key
from server.hub.ephemeral import Ephemeral
from server.hub.fanout import Feed, Frame, Peer, websocket_frame
from server.hub.history import PAGE, REPLAY_MOST, catch_up_frame, recall
from server.hub.roster import Roster
from server.hub.views import AUDIENCES, Audience, View
from server.ops import metrics
from server.store import chain
from server.store.log import LogReader, LogWriter, PoisonedError
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

INBOX = 1024
BATCH = 256
LOAD_PAGE = 1000
RECENT_KEYS = 4096


class Place(NamedTuple):
    """Which session a room is of."""

    session: str
    tenant: str
    log_id: str


class Seat(NamedTuple):
    """One connection of one person in the room."""

    peer: Peer
    who: Who
    audience: Audience


class RejectedError(Exception):
    """This person may not enter; ``code`` says why."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.reason)
        self.code = code


class Listener(Protocol):
    """Whoever outside the room follows it; hears without waiting."""

    def opened(self, room: "Room") -> None:
        """Hear that this node owns the session now, perhaps again."""

    def committed(self, room: "Room", before: Classroom) -> None:
        """Hear that the room's state is no longer ``before``."""

    def closed(self, room: "Room") -> None:
        """Hear that this node does not own the session any more."""


def key_hash(stored: str) -> int:
    """Return 64 bits of a stored key: a hit is likely a duplicate, a miss is certainly new."""
    return int.from_bytes(hashlib.blake2b(stored.encode(), digest_size=8).digest())


class Room:
    """The single writer of one session's events."""

    def __init__(
        self,
        place: Place,
        *,
        acquire: Callable[[str], Awaitable[int]],
        writer: LogWriter,
        reader: LogReader,
        clock: Clock,
        tasks: Supervisor,
        listener: Listener,
    ) -> None:
        self.place = place
        self.state = Classroom()
        self.epoch = 0
        self.head = Head(0, chain.genesis(place.session), 0)
        self.roster = Roster()
        self.is_loaded = False
        """Whether the log has been read; it stays so while the log is away."""
        self.is_open = asyncio.Event()
        self.views = {
            audience: View(audience, Feed(head=0, read=self._reader_of(audience), tasks=tasks))
            for audience in AUDIENCES
        }
        self.ephemeral = Ephemeral(
            {audience: view.feed for audience, view in self.views.items()},
            self.roster,
            lambda: (self.state, self.head.sequence),
        )
        self._acquire = acquire
        self._writer = writer
        self._read = reader
        self._clock = clock
        self._tasks = tasks
        self._listener = listener
        self._inbox: deque[Ask] = deque()
        self._wake = asyncio.Event()
        self._seats: dict[str, set[Seat]] = {}
        self._turning: list[Ask] = []
        self._settled = asyncio.Event()
        self._hashes: set[int] = set()
        self._recent: dict[str, Known] = {}

    # ------------------------------------------------------------ from outside

    async def loaded(self) -> None:
        """Wait until the room knows its log; it may not reach it later, and knows it still.

        Raises:
            UnavailableError: If it has ended instead.

        """
        await self._settled.wait()
        if not self.is_loaded:
            raise UnavailableError("The class cannot be opened here right now.")

    def submit(self, ask: Ask) -> None:
        """Put an ask in line; it is answered exactly once, perhaps at once.

        While the log cannot be reached the answer is ``unavailable``, and ``overloaded`` when
        too many wait. What the room asks itself is never turned away.
        """
        if isinstance(ask, Perform | Report):
            if not self.is_open.is_set():
                ask.answer(unavailable())
                return
            if len(self._inbox) >= INBOX:
                busy = Refusal("overloaded", "The class is very busy.", retry_ms=500)
                ask.answer(busy)
                return
        self._inbox.append(ask)
        self._wake.set()

    def role_of(self, who: Who) -> Who:
        """Return ``who`` with the role that holds here: the log's wins over the token's."""
        return who._replace(role=people.actor(self.state, *who).role)

    def check_entry(self, who: Who) -> None:
        """Do nothing if ``who`` may come in.

        Raises:
            RejectedError: If they were removed.

        """
        member = self.state.people.get(who.user)
        if member is not None and member.removed:
            raise RejectedError(CloseCode.REMOVED)

    def recovery(self, audience: Audience, resume: ResumePosition | None) -> int | None:
        """Return the position to go on from, or None if only a snapshot will do."""
        if resume is None or resume.log != self.place.log_id or resume.view != audience:
            return None
        missed = self.head.sequence - resume.sequence
        return resume.sequence if 0 <= missed <= REPLAY_MOST else None

    def join(self, seat: Seat, position: int | None) -> None:
        """Give ``seat`` what it missed after ``position`` (None: a snapshot), then what comes."""
        view = self.views[seat.audience]
        if position is None:
            seat.peer.send(view.snapshot)
            position = view.sequence
        seat.peer.on_current = lambda: self._greet(seat)
        self._seats.setdefault(seat.who.user, set()).add(seat)
        self.roster.connect(seat.who)
        self.ephemeral.presence_changed()
        self.submit(Arrive(seat.who))
        view.feed.attach(seat.peer, position)
        if self.state.status in ("ended", "archived"):
            self._leave_after_end(seat)

    def leave(self, seat: Seat) -> None:
        """Forget a connection. Idempotent."""
        seats = self._seats.get(seat.who.user)
        if seats is None or seat not in seats:
            return
        seats.discard(seat)
        if not seats:
            del self._seats[seat.who.user]
        self.views[seat.audience].feed.detach(seat.peer)
        self.roster.disconnect(seat.who.user, self._clock.monotonic())
        self.ephemeral.presence_changed()

    def resync(self, seat: Seat, sequence: int) -> None:
        """Send again what follows ``sequence``, to a client that found a gap."""
        position = self.recovery(
            seat.audience, ResumePosition(self.place.log_id, sequence, seat.audience)
        )
        view = self.views[seat.audience]
        if position is None:
            seat.peer.send(view.snapshot)
            position = view.sequence
        view.feed.attach(seat.peer, position)

    def tick(self) -> None:
        """Notice who has been away for too long. Called once a second."""
        for user in self.roster.expire(self._clock.monotonic()):
            self.submit(Depart(user))
            self.ephemeral.presence_changed()

    @property
    def is_busy(self) -> bool:
        """Whether anything that was asked waits for its outcome."""
        return bool(self._inbox or self._turning)

    @property
    def is_idle(self) -> bool:
        """Whether nobody is here or awaited, and nothing goes on that needs an owner."""
        is_needed = self._seats or len(self.roster) or self.is_busy
        return not is_needed and self.state.status != "live" and not self.state.recordings

    @property
    def behind(self) -> int:
        """How many peers lag."""
        return sum(view.feed.behind for view in self.views.values())

    @property
    def seats(self) -> list[Seat]:
        """Every connection in the room."""
        return [seat for seats in self._seats.values() for seat in seats]

    # ------------------------------------------------------------ the room's own task

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            FencedError: If another node owns the session now.

        """
        try:
            await self._recover()
            while True:
                while not self._inbox:
                    self._wake.clear()
                    await self._wake.wait()
                count = min(len(self._inbox), BATCH)
                self._turning = [self._inbox.popleft() for _ in range(count)]
                await self._turn()
        finally:
            self._refuse_all()
            self._settled.set()
            self.ephemeral.close()
            self._listener.closed(self)

    async def _turn(self) -> None:
        """Decide, store, tell, answer: all that is in hand, in order."""
        asks = self._turning
        try:
            known = await self._find_known(asks)
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
            self._refuse_all()
            if isinstance(error, FencedError):
                raise
            log.warning("append_outcome_unknown", session=self.place.session)
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
            self._remember(stored, known)
        if draft.recorded:
            for each in draft.recorded:
                metrics.events.labels(each.event.type).inc()
            self._tell(draft.recorded, before)
        for ask, outcome in draft.outcomes:
            ask.answer(outcome)

    def _tell(self, recorded: list[Recorded], before: Classroom) -> None:
        touched: set[str] = set()
        for each in recorded:
            touched |= touches(before, each.event, each.by)
            if isinstance(each.event, ParticipantRemoved):
                self._expel(each.event.user, CloseCode.REMOVED)
            elif isinstance(each.event, SessionEnded):
                for seat in self.seats:
                    self._leave_after_end(seat)
        encoded: dict[int, bytes] = {}
        for view in self.views.values():
            view.commit(recorded, self.head.sequence, encoded)
        for user in touched & self._seats.keys():
            for seat in self._seats[user]:
                if not seat.peer.is_behind:  # or it is greeted when it has caught up
                    seat.peer.send(self._mine(seat))
        if touched or before.hands != self.state.hands or before.polls is not self.state.polls:
            self.ephemeral.counters_changed()
        self._listener.committed(self, before)

    # ------------------------------------------------------------ recovery

    async def _recover(self) -> None:
        """Take the session, read what this room does not have yet, and open.

        Raises:
            FencedError: If another live node owns the session.

        """
        while True:
            try:
                self.epoch = await self._acquire(self.place.session)
                await self._read_on()
                break
            except FencedError:
                raise
            except UnavailableError as error:
                log.warning("room_waits_for_log", session=self.place.session)
                await asyncio.sleep(error.retry_seconds)
        self._reconcile()
        self.is_loaded = True
        self._settled.set()
        self.is_open.set()
        self._listener.opened(self)
        log.info("room_opened", session=self.place.session, head=self.head.sequence)

    async def _read_on(self) -> None:
        while page := await self._read.read(self.place.session, self.head.sequence, LOAD_PAGE):
            before, state = self.state, self.state
            recorded: list[Recorded] = []
            for stored in page:
                if stored.key is not None:
                    self._hashes.add(key_hash(stored.key))
                each = recall(stored)
                if each is not None:
                    recorded.append(each)
                    state = evolve(
                        state, each.event, sequence=each.sequence, at=each.at, by=each.by
                    )
            last = page[-1]
            self.state, self.head = state, Head(last.sequence, last.digest, last.at_ms)
            if self._seats:
                self._tell(recorded, before)
            else:
                for view in self.views.values():
                    view.load(recorded, last.sequence)

    def _reconcile(self) -> None:
        """Make attendance true again: who is here has joined, who is not gets the grace."""
        now = self._clock.monotonic()
        for seat in self.seats:
            self.submit(Arrive(seat.who))
        for user, member in self.state.people.items():
            if member.present:
                self.roster.expect(Who(user, member.name, member.role), now)
        self.ephemeral.presence_changed()

    # ------------------------------------------------------------ keys

    async def _find_known(self, asks: list[Ask]) -> dict[str, Known]:
        """Return where the keys of ``asks`` were used before.

        Most keys are new, and a set of hashes says so without a read; a hit is verified.
        """
        known: dict[str, Known] = {}
        for ask in asks:
            if not isinstance(ask, Perform | Report):
                continue
            stored = stored_key(ask)
            if key_hash(stored) not in self._hashes:
                continue
            found = self._recent.get(stored)
            if found is None:
                row = await self._read.find_key(self.place.session, stored)
                found = None if row is None else Known(row.first, row.last, row.digest)
            if found is not None:
                known[stored] = found
        return known

    def _remember(self, stored: str, known: Known) -> None:
        self._hashes.add(key_hash(stored))
        self._recent[stored] = known
        if len(self._recent) > RECENT_KEYS:
            del self._recent[next(iter(self._recent))]

    # ------------------------------------------------------------ telling one

    def _greet(self, seat: Seat) -> None:
        """Give a peer that has caught up what is not in the log."""
        seat.peer.send(self._mine(seat))
        seat.peer.send(codec.encode(self.roster.full(for_staff=seat.audience == "staff")))
        seat.peer.send(codec.encode(self.ephemeral.counters(seat.audience)))

    def _mine(self, seat: Seat) -> bytes:
        return codec.encode(mine(self.state, seat.who.user, seat.who.role, self.head.sequence))

    def _expel(self, user: str, code: CloseCode) -> None:
        """Close every connection of a person, before anything more is told."""
        for seat in [*self._seats.get(user, ())]:
            self.leave(seat)
            seat.peer.close(code)
        self.roster.remove(user)
        self.ephemeral.presence_changed()

    def _leave_after_end(self, seat: Seat) -> None:
        if seat.audience == "student":
            loop = asyncio.get_running_loop()
            loop.call_later(END_GRACE_SECONDS, self._say_it_is_over, seat)

    def _say_it_is_over(self, seat: Seat) -> None:
        if seat.peer.is_behind and seat in self._seats.get(seat.who.user, ()):
            self._leave_after_end(seat)  # it has not heard of the end yet
        else:
            seat.peer.close(CloseCode.SESSION_OVER)

    def _refuse_all(self) -> None:
        """Close, and give everything in hand and in line back to who asked, in order."""
        self.is_open.clear()
        asks = [*self._turning, *self._inbox]
        self._turning.clear()
        self._inbox.clear()
        for ask in asks:
            if isinstance(ask, Perform | Report):
                ask.answer(unavailable())

    def _reader_of(self, audience: Audience) -> Callable[[int, int], Awaitable[Frame]]:
        async def read(after: int, head: int) -> Frame:
            if head - after > REPLAY_MOST:
                view = self.views[audience]
                return Frame(0, view.sequence, websocket_frame(view.snapshot))
            stored = await self._read.read(self.place.session, after, min(PAGE, head - after))
            return catch_up_frame(stored, audience)

        return read
