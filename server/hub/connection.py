"""One connection after its hello: what it may send, how fast, and how it is answered.

The answers of a connection go out in the order of its commands, whoever decides them and when.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from functools import cache

from protocol import codec
from protocol.commands import COMMANDS, DestinationEnable
from protocol.errors import RETRYABLE, CloseCode, MalformedFrameError, Refusal
from protocol.frames import (
    Ack,
    Bye,
    ClientPing,
    ClientPong,
    CommandFrame,
    Hello,
    Nack,
    Resync,
    Roster,
    RosterPage,
    ServerPing,
    ServerPong,
    SignalSent,
    TokenSent,
    TokenTaken,
)
from protocol.limits import (
    ABUSE_FACTOR,
    HEARTBEAT_INTERVAL_MS,
    HEARTBEAT_TIMEOUT_MS,
    IN_FLIGHT,
    TOKEN_GRACE_SECONDS,
)
from server.auth.tokens import Identity
from server.clock import Clock
from server.errors import UnauthorizedError, UnavailableError
from server.hub.asks import Committed, Outcome, Perform, Unchanged, unavailable
from server.hub.bucket import AbuseError, Buckets, FrameClass, class_of
from server.hub.room import Room
from server.hub.seating import Seat
from server.ids import new_id
from server.ops import metrics

# A look-up of labels costs more than the count itself.
_counted = cache(metrics.commands.labels)
_timed = cache(metrics.command_seconds.labels)

Told = ClientPong | ClientPing | SignalSent | Resync | Roster | TokenSent | Hello
"""Whatever a client sends that is no command."""

Check = Callable[[str, str], Awaitable[bool]]
"""Whether a tenant (first) has a destination (second)."""


class _Slot:
    """A place in the line of answers."""

    __slots__ = ("answer", "frame", "since")

    def __init__(self, frame: CommandFrame, since: float) -> None:
        self.frame = frame
        self.since = since
        self.answer: bytes | None = None


class Connection:
    """A person's socket in a room."""

    def __init__(
        self,
        *,
        room: Room,
        seat: Seat,
        identity: Identity,
        clock: Clock,
        verify: Callable[[str], Identity],
        has_destination: Check,
    ) -> None:
        self.room = room
        self.seat = seat
        self.identity = identity
        self.id = new_id()
        self._clock = clock
        self._verify = verify
        self._has_destination = has_destination
        self._slots: deque[_Slot] = deque()
        self._buckets = Buckets()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.applied = 0

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin to ping, and to watch the token's end."""
        metrics.sockets.labels(self.seat.who.role).inc()
        self._later("ping", HEARTBEAT_INTERVAL_MS / 1000, self._ping)
        self._watch_token()

    def stop(self) -> None:
        """Leave the room and answer nothing more. Called once."""
        metrics.sockets.labels(self.seat.who.role).dec()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.room.seating.leave(self.seat)

    def _ping(self) -> None:
        # Behind a full socket a ping would wait longer than its pong may take: there the feed
        # notices whether the client still reads.
        if not self.seat.peer.is_behind:
            self.seat.peer.send(codec.encode(ServerPing(self.room.head.sequence, self._now())))
            self._later("pong", HEARTBEAT_TIMEOUT_MS / 1000, self._no_pong)
        self._later("ping", HEARTBEAT_INTERVAL_MS / 1000, self._ping)

    def _no_pong(self) -> None:
        if not self.seat.peer.is_behind:
            self.seat.peer.close(CloseCode.NO_PONG)

    def _watch_token(self) -> None:
        left = (self.identity.expires_at_ms - self._clock.now_ms()) / 1000
        self._later("token", left + TOKEN_GRACE_SECONDS, self._token_expired)

    def _token_expired(self) -> None:
        self.seat.peer.close(CloseCode.TOKEN_EXPIRED)

    def _later(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        if timer := self._timers.pop(what, None):
            timer.cancel()
        self._timers[what] = asyncio.get_running_loop().call_later(seconds, call)

    def _now(self) -> str:
        return codec.timestamp(self._clock.now_ms())

    # ------------------------------------------------------------ what comes in

    async def receive(self, data: bytes) -> None:
        """Take one frame of the client.

        Raises:
            MalformedFrameError: If it breaks the protocol.

        """
        refused: Refusal | None = None
        try:
            frame = codec.decode_client(data)
        except codec.RefusedFrame as error:
            frame, refused = CommandFrame(error.id, error.key, ""), error.refusal
        try:
            if isinstance(frame, CommandFrame):
                await self._perform(frame, refused)
            else:
                self._hear(frame)
        except AbuseError:
            self.seat.peer.close(CloseCode.ABUSE)

    def _hear(self, frame: Told) -> None:
        """Take a frame that is no command: none has a refusal, so what is too much is dropped."""
        kind: FrameClass = "signal" if isinstance(frame, SignalSent) else "frame"
        is_allowed = self._buckets.take(kind, self._clock.monotonic())
        match frame:
            case ClientPong():
                self.applied = frame.applied
                if timer := self._timers.pop("pong", None):
                    timer.cancel()
            case Hello():
                raise MalformedFrameError("hello comes once, and first")
            case _ if not is_allowed:
                pass
            case ClientPing():
                self.seat.peer.send(codec.encode(ServerPong(self.room.head.sequence, self._now())))
            case SignalSent():
                self._signal(frame)
            case Resync():
                self.room.seating.resync(self.seat, frame.sequence)
            case Roster():
                people, following = self.room.seating.roster.page(
                    frame.after, for_staff=self.seat.audience == "staff"
                )
                self.seat.peer.send(codec.encode(RosterPage(people, following)))
            case TokenSent():
                self._renew(frame.token)

    async def _perform(self, frame: CommandFrame, refused: Refusal | None) -> None:
        kind = class_of(frame.op)
        is_allowed = self._buckets.take(kind, self._clock.monotonic())
        slot = self._wait_in_line(frame)
        if len(self._slots) > IN_FLIGHT * ABUSE_FACTOR:
            raise AbuseError
        try:
            if not is_allowed:
                wait = self._buckets.wait_ms(kind)
                raise Refusal("rate_limited", "Too many commands at once.", retry_ms=wait)
            if len(self._slots) > IN_FLIGHT:
                text = f"At most {IN_FLIGHT} commands may wait for their answers."
                raise Refusal("overloaded", text, retry_ms=200)
            if refused is not None:
                raise refused
            command = codec.decode_command(frame)
            if isinstance(command, DestinationEnable) and not await self._has_destination(
                self.identity.tenant, command.destination
            ):
                raise Refusal("not_found", "There is no such destination.", field="destination")
        except Refusal as refusal:
            self._answer(slot, refusal)
            return
        except UnavailableError:
            self._answer(slot, unavailable())
            return
        self.room.submit(
            Perform(
                self,
                self.seat.who,
                frame.key,
                command,
                frame.expect,
                lambda outcome: self._answer(slot, outcome),
            )
        )

    def _signal(self, frame: SignalSent) -> None:
        # A signal has no answer: a wrong one breaks the protocol.
        try:
            self.room.seating.ephemeral.signal(self.seat.who.user, frame)
        except Refusal as refusal:
            raise MalformedFrameError(refusal.message) from None

    def _renew(self, token: str) -> None:
        """Let a fresh token of the same person prolong the connection; it never raises a role."""
        try:
            fresh = self._verify(token)
        except UnauthorizedError:
            self.seat.peer.close(CloseCode.TOKEN_INVALID)
            return
        mine = self.identity
        is_mine = (fresh.user, fresh.tenant, fresh.session) == (
            mine.user, mine.tenant, mine.session,
        )  # fmt: skip
        if not is_mine or fresh.scope:  # one with a scope is made for something else
            self.seat.peer.close(CloseCode.TOKEN_INVALID)
            return
        self.identity = fresh
        self._watch_token()
        self.seat.peer.send(codec.encode(TokenTaken(codec.timestamp(fresh.expires_at_ms))))

    # ------------------------------------------------------------ answers

    def _wait_in_line(self, frame: CommandFrame) -> _Slot:
        slot = _Slot(frame, self._clock.monotonic())
        self._slots.append(slot)
        return slot

    def _answer(self, slot: _Slot, outcome: Outcome) -> None:
        """Fill a slot, and send every answer that is now first in line."""
        slot.answer = codec.encode(_answer_frame(slot.frame, outcome))
        kind = slot.frame.op if slot.frame.op in COMMANDS else "unknown"
        _counted(kind, _outcome_name(outcome)).inc()
        _timed(kind).observe(self._clock.monotonic() - slot.since)
        while self._slots and (answer := self._slots[0].answer) is not None:
            self._slots.popleft()
            self.seat.peer.send(answer)


def _outcome_name(outcome: Outcome) -> str:
    match outcome:
        case Committed(is_duplicate=True):
            return "duplicate"
        case Committed():
            return "committed"
        case Unchanged():
            return "unchanged"
        case Refusal():
            return outcome.code


def _answer_frame(frame: CommandFrame, outcome: Outcome) -> Ack | Nack:
    match outcome:
        case Committed(first, last, is_duplicate):
            return Ack(frame.id, frame.key, (first, last), is_duplicate)
        case Unchanged():
            return Ack(frame.id, frame.key, None)
        case Refusal() as refusal:
            return Nack(
                frame.id,
                frame.key,
                refusal.code,
                refusal.message,
                refusal.code in RETRYABLE,
                refusal.retry_ms,
                refusal.field,
                None if refusal.touched is None else {"touched": refusal.touched},
            )


def goodbye(code: CloseCode, spread_seconds: float = 2.0) -> bytes:
    """Return a ``bye``; who may come back is told when, each at another time."""
    most = 200 + round(spread_seconds * 1000)
    # Random to spread load: it keeps no secret.
    retry = random.randint(200, most) if code.may_reconnect else None  # noqa: S311
    return codec.encode(Bye(code, code.reason, retry))
