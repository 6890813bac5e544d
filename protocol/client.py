"""A client without I/O: bytes of the server in, state and answers out, bytes to send out.

A shell opens the socket and moves bytes; every decision is here, the same in each shell:

- after opening: send :meth:`Client.hello`;
- for each message: :meth:`Client.receive`, then send all of :meth:`Client.data_to_send`; a second
  welcome says that this person is somewhere else now (let in, or with another role);
- when :class:`RetryAfter` comes: wait that long, call :meth:`Client.resend`, send;
- on loss of the connection: :meth:`Client.disconnected`, wait, open again. Commands that were not
  answered go out again by themselves, in order, with the keys they had.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from protocol import codec
from protocol.commands import AnyCommand
from protocol.errors import RETRYABLE, may_reconnect
from protocol.events import AnyEvent
from protocol.frames import (
    Ack,
    Bye,
    ClientInfo,
    ClientPing,
    ClientPong,
    CommandFrame,
    EventsFrame,
    Hello,
    LogEvent,
    Mine,
    Nack,
    ResumePosition,
    Resync,
    ServerFrame,
    ServerPing,
    SnapshotFrame,
    TokenSent,
    Welcome,
)
from protocol.snapshot import State, fold


@dataclass(frozen=True, slots=True)
class Happened:
    """An event was applied for the first time; ``event`` is None for a type not known here."""

    logged: LogEvent
    event: AnyEvent | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A command got its final answer."""

    key: str
    answer: Ack | Nack


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The server could not serve some commands now: call :meth:`Client.resend` after this long."""

    milliseconds: int


Received = ServerFrame | Happened | Answered | RetryAfter


@dataclass(slots=True)
class _Pending:
    key: str
    op: str
    data: bytes
    expect: int | None
    in_flight: bool = False


_SDK = ClientInfo("python", "1")


@dataclass(slots=True)
class Client:
    """One person's view of one session, across any number of connections.

    ``position`` is the last sequence applied, ``state`` the fold of everything up to it.
    """

    token: str
    new_key: Callable[[], str]
    info: ClientInfo = _SDK
    phase: Literal["closed", "hello", "live"] = "closed"
    log: str | None = None
    view: str | None = None
    position: int = 0
    head: int = 0
    state: State | None = None
    mine: Mine | None = None
    welcome: Welcome | None = None
    bye: Bye | None = None
    gaps: int = 0
    """How often a range did not fit: 0 unless the server had to let this client lag."""

    _pending: dict[str, _Pending] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)
    _next_id: int = 0
    _resyncing: bool = False
    _outgoing: list[bytes] = field(default_factory=list)

    # ------------------------------------------------------------ what goes out

    def hello(self) -> None:
        """Begin a connection; asks to resume where the last one stopped."""
        resume = None
        if self.log is not None and self.state is not None and self.view in ("staff", "student"):
            resume = ResumePosition(self.log, self.position, self.view)  # type: ignore[arg-type]
        self.phase, self.bye, self._resyncing = "hello", None, False
        self._outgoing = []
        self._send(Hello(self.token, self.info, resume))

    def command(
        self, command: AnyCommand, *, key: str | None = None, expect: int | None = None
    ) -> str:
        """Ask for ``command``; return its key.

        It is sent at once when live, unless earlier ones wait for :meth:`resend`: then after them.
        """
        key = key or self.new_key()
        in_turn = all(earlier.in_flight for earlier in self._pending.values())
        pending = _Pending(key, command.op, msgspec.json.encode(command), expect)
        self._pending[key] = pending
        if self.phase == "live" and in_turn:
            self._send_command(pending)
        return key

    def ping(self) -> None:
        """Ask whether the server is there."""
        self._send(ClientPing())

    def renew(self, token: str) -> None:
        """Use a fresh token, on this connection and the next."""
        self.token = token
        if self.phase == "live":
            self._send(TokenSent(token))

    def resend(self) -> None:
        """Send every command that has no answer and is not under way, in order."""
        if self.phase == "live":
            for pending in self._pending.values():
                if not pending.in_flight:
                    self._send_command(pending)

    def data_to_send(self) -> list[bytes]:
        """Return the frames to send now, and forget them."""
        out, self._outgoing = self._outgoing, []
        return out

    def disconnected(self) -> None:
        """The connection is gone; nothing that it carried is certain any more."""
        self.phase = "closed"
        self._ids.clear()
        for pending in self._pending.values():
            pending.in_flight = False

    @property
    def unanswered(self) -> int:
        """How many commands wait for an answer."""
        return len(self._pending)

    @property
    def may_reconnect(self) -> bool:
        """False once the server has said a goodbye that is final."""
        return self.bye is None or may_reconnect(self.bye.code)

    # ------------------------------------------------------------ what comes in

    def receive(self, data: bytes | str) -> Sequence[Received]:
        """Take one message of the server; return what it means, in order.

        Raises:
            MalformedFrameError: If it is no frame of this protocol.

        """
        frame = codec.decode_server(data)
        match frame:
            case Welcome():
                return self._welcomed(frame)
            case SnapshotFrame():
                self.state, self.position = frame.state, frame.sequence
                self._resyncing = False
                return (frame,)
            case EventsFrame():
                return self._apply(frame)
            case Mine():
                if self.mine is None or frame.sequence >= self.mine.sequence:
                    self.mine = frame
                return (frame,)
            case Ack() | Nack():
                return self._answered(frame)
            case ServerPing():
                self.head = max(self.head, frame.head)
                self._send(ClientPong(self.position))
                return (frame,)
            case Bye():
                self.bye = frame
                return (frame,)
            case _:
                return (frame,)

    def _welcomed(self, frame: Welcome) -> Sequence[Received]:
        if frame.recovery == "snapshot":
            self.state = None
        if frame.log != self.log:  # its sequences have nothing to do with the last one's
            self.mine = None
        is_first = self.phase != "live"
        self.phase, self.welcome = "live", frame
        self.log, self.view, self.head = frame.log, frame.view, frame.head
        if is_first:  # or what is under way on this connection is still answered
            self.resend()
        return (frame,)

    def _apply(self, frame: EventsFrame) -> Sequence[Received]:
        if self.state is None:
            return ()  # a snapshot is on its way
        if frame.from_ > self.position + 1:
            if not self._resyncing:
                self.gaps += 1
                self._resyncing = True
                self._send(Resync(self.position))
            return ()
        self._resyncing = False
        received: list[Received] = []
        for logged in frame.events:
            if logged.sequence <= self.position:
                continue
            event = codec.decode_event(logged.type, logged.data)
            if event is not None:
                fold(self.state, event, sequence=logged.sequence, at=logged.at, by=logged.by)
            received.append(Happened(logged, event))
        self.position = max(self.position, frame.to)
        self.head = max(self.head, self.position)
        return received

    def _answered(self, frame: Ack | Nack) -> Sequence[Received]:
        key = self._ids.pop(frame.id, None)
        pending = None if key is None else self._pending.get(key)
        if key is None or pending is None:
            return ()
        if isinstance(frame, Nack) and frame.code in RETRYABLE:
            pending.in_flight = False
            return (RetryAfter(frame.retry_ms or 200),)
        del self._pending[key]
        return (Answered(key, frame),)

    def _send_command(self, pending: _Pending) -> None:
        self._next_id += 1
        self._ids[self._next_id] = pending.key
        pending.in_flight = True
        self._send(
            CommandFrame(
                self._next_id, pending.key, pending.op, msgspec.Raw(pending.data), pending.expect
            )
        )

    def _send(self, frame: Any) -> None:
        self._outgoing.append(codec.encode(frame))
