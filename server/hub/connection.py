"""One connection after its hello: what it may send, and how fast."""

import asyncio
from collections.abc import Awaitable, Callable

from protocol import codec
from protocol.commands import AnyCommand
from protocol.errors import CloseCode, MalformedFrameError, Refusal
from protocol.frames import (
    ClientPing,
    ClientPong,
    CommandFrame,
    Hello,
    Me,
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
from server.classroom.access import grants
from server.clock import Clock
from server.errors import UnauthorizedError, UnavailableError
from server.hub.answers import Answers
from server.hub.asks import Perform, Who, unavailable
from server.hub.bucket import AbuseError, Buckets, FrameClass, class_of
from server.hub.peer import Peer
from server.hub.room import Room
from server.hub.seat import Seat
from server.hub.welcome import Recovery, welcome
from server.ids import new_id
from server.ops import metrics
from server.ops.tracing import Origin

Told = ClientPong | ClientPing | SignalSent | Resync | Roster | TokenSent | Hello
"""Whatever a client sends that is no command."""

Check = Callable[[str, AnyCommand], Awaitable[None]]
"""Refuses a command of a tenant that names what is not there (``server.store.references``)."""
LATE_SECONDS = 0.5
"""What came while this process stood still it reads only when the time for it is up already: it
looks once more before it sends somebody away."""


class Connection:
    """A person's socket in a room."""

    def __init__(
        self,
        *,
        room: Room,
        peer: Peer,
        who: Who,
        identity: Identity,
        clock: Clock,
        authenticate: Callable[[str], Awaitable[Identity]],
        check: Check,
        origin: Origin | None = None,
    ) -> None:
        self.room = room
        self.seat = Seat(peer, who, self._welcome)
        self.identity = identity
        self.id = new_id()
        self._clock = clock
        self._authenticate = authenticate
        self._check = check
        self._answers = Answers(peer.send, clock, origin)
        self._buckets = Buckets()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._counted = metrics.sockets.labels(who.role)
        self.applied = 0

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin to ping, and to watch the token's end."""
        self._counted.inc()
        self._later("ping", HEARTBEAT_INTERVAL_MS / 1000, self._ping)
        self._watch_token()

    def stop(self) -> None:
        """Leave the room and answer nothing more. Called once."""
        self._counted.dec()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.room.seating.leave(self.seat)
        del self.seat.welcome  # ours: the two would be garbage in a circle

    def _ping(self) -> None:
        # Behind a full socket a ping would wait longer than its pong may take: there the feed
        # notices whether the client still reads.
        if not self.seat.peer.is_behind:
            self.seat.peer.send(codec.encode(ServerPing(self._head, self._now())))
            self._later("pong", HEARTBEAT_TIMEOUT_MS / 1000, self._no_pong)
        self._later("ping", HEARTBEAT_INTERVAL_MS / 1000, self._ping)

    def _no_pong(self) -> None:
        self._later("pong", LATE_SECONDS, self._silent)

    def _silent(self) -> None:
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

    @property
    def _head(self) -> int:
        return self.room.seating.head(self.seat)

    def _now(self) -> str:
        return codec.timestamp(self._clock.now_ms())

    def _welcome(self, recovery: Recovery) -> bytes:
        """Return the welcome to where the seat is now."""
        metrics.resumes.labels(recovery).inc()
        user, name, role = self.seat.who
        is_waiting = self.seat.view == "lobby"
        return welcome(
            connection=self.id,
            session=self.room.place.session,
            log=self.room.place.log_id,
            epoch=self.room.epoch,
            head=self._head,
            me=Me(user, name, role, () if is_waiting else grants(self.room.state, user, role)),
            view=self.seat.view,
            recovery=recovery,
            token_expires_at_ms=self.identity.expires_at_ms,
            now_ms=self._clock.now_ms(),
        )

    # ------------------------------------------------------------ what comes in

    async def receive(self, data: bytes) -> None:
        """Take one frame of the client.

        Raises:
            MalformedFrameError: If it breaks the protocol.
            AbuseError: If there are far too many.

        """
        refused: Refusal | None = None
        try:
            frame = codec.decode_client(data)
        except codec.RefusedFrame as error:
            frame, refused = CommandFrame(error.id, error.key, ""), error.refusal
        if isinstance(frame, CommandFrame):
            await self._perform(frame, refused)
        else:
            await self._hear(frame)

    async def _hear(self, frame: Told) -> None:
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
                self.seat.peer.send(codec.encode(ServerPong(self._head, self._now())))
            case SignalSent():
                self._signal(frame)
            case Resync():
                self.room.seating.resync(self.seat, frame.sequence)
            case Roster():
                people, following = self.room.seating.page(self.seat, frame.after)
                self.seat.peer.send(codec.encode(RosterPage(people, following)))
            case TokenSent():
                await self._renew(frame.token)

    async def _perform(self, frame: CommandFrame, refused: Refusal | None) -> None:
        kind = class_of(frame.op)
        is_allowed = self._buckets.take(kind, self._clock.monotonic())
        slot = self._answers.expect(frame)
        if len(self._answers) > IN_FLIGHT * ABUSE_FACTOR:
            raise AbuseError
        try:
            if not is_allowed:
                wait = self._buckets.wait_ms(kind)
                raise Refusal("rate_limited", "Too many commands at once.", retry_ms=wait)
            if len(self._answers) > IN_FLIGHT:
                text = f"At most {IN_FLIGHT} commands may wait for their answers."
                raise Refusal("overloaded", text, retry_ms=200)
            if refused is not None:
                raise refused
            command = codec.decode_command(frame)
            await self._check(self.identity.tenant, command)
        except Refusal as refusal:
            self._answers.fill(slot, refusal)
            return
        except UnavailableError:
            self._answers.fill(slot, unavailable())
            return
        self.room.submit(
            Perform(
                self.seat.who,
                frame.key,
                command,
                frame.expect,
                lambda outcome: self._answers.fill(slot, outcome),
                self.id,
            )
        )

    def _signal(self, frame: SignalSent) -> None:
        # A signal has no answer: a wrong one breaks the protocol.
        try:
            self.room.seating.signal(self.seat, frame)
        except Refusal as refusal:
            raise MalformedFrameError(refusal.message) from None

    async def _renew(self, token: str) -> None:
        """Let a fresh token of the same person prolong the connection; it never raises a role."""
        try:
            fresh = await self._authenticate(token)
        except UnauthorizedError:
            self.seat.peer.close(CloseCode.TOKEN_INVALID)
            return
        except UnavailableError:
            self.seat.peer.close(CloseCode.OVERLOADED)
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
