"""What a simulated person says and hears, checked, and as cheap as that can be."""

import asyncio
import random
import time

import msgspec

from load.ledger import EVENTS, Range
from load.run.attendee import Attendee, Line, Nature
from load.run.follower import Follower
from load.run.hall import Chunk, Hall
from protocol import codec
from protocol.client import Answered, RetryAfter
from protocol.commands import AnyCommand
from protocol.errors import RETRYABLE, MalformedFrameError
from protocol.frames import Ack, Bye, CommandFrame, Nack, SignalSent, SnapshotFrame, Welcome

SLOW_BYTES_PER_SECOND = 4_000
_TWINS_FROM = 1 << 40
_PASSING = tuple(
    b'{"type":"%s"' % kind for kind in (b"counters", b"presence", b"signal", b"health", b"roster")
)
_OUR_FAULT = frozenset(
    ("bad_request", "unknown_op", "unauthorized", "idempotency_conflict", "internal")
)
"""Refusals that an honest client never earns; ``internal`` is one that nobody ever should."""


class Person(Attendee):
    """Somebody in a class. What they do is decided elsewhere, by calling :meth:`say`."""

    def __init__(
        self,
        name: str,
        hall: Hall,
        token: str,
        rng: random.Random,
        doorway: asyncio.Semaphore,
        *,
        is_full: bool,
        nature: Nature = "prompt",
        twins: float = 0.0,
    ) -> None:
        super().__init__(name, hall, token, rng, doorway, is_full=is_full, nature=nature)
        self.hand_is_up = False
        self.last_chat_ns = 0
        self._twins_share = twins
        self._asked: dict[str, tuple[int, str]] = {}
        self._twins: dict[int, tuple[str, str]] = {}
        self._next_key = 0
        self._last_answer = 0
        self._chunks: dict[bytes, Chunk] = {}

    # ------------------------------------------------------------ what they say

    def say(self, command: AnyCommand, due_ns: int) -> None:
        """Ask for ``command``, which was due at ``due_ns``; some are sent twice."""
        self._next_key += 1
        key = self.hall.key(due_ns, self._next_key)
        self.client.command(command, key=key)
        self._asked[key] = due_ns, command.op
        self.hall.report.counts["commands"] += 1
        self._flush()
        is_connected = self._line is not None and self.client.phase == "live"
        if self._twins_share and is_connected and self.rng.random() < self._twins_share:
            self._repeat(key, command)

    def signal(self, signal: SignalSent) -> None:
        """Send what is felt, not kept."""
        if self._line is not None and self.client.phase == "live":
            self._line.send_text(codec.encode(signal))
            self.hall.report.counts["signals"] += 1

    def _repeat(self, key: str, command: AnyCommand) -> None:
        """Send a command a second time, as a client does that missed the answer."""
        assert self._line is not None
        number = _TWINS_FROM + self._next_key
        self._twins[number] = key, command.op
        data = msgspec.Raw(msgspec.json.encode(command))
        self._line.send_text(codec.encode(CommandFrame(number, key, command.op, data)))
        self.hall.report.counts["commands sent twice"] += 1

    # ------------------------------------------------------------ what they hear

    def received(self, line: Line, data: bytes) -> None:
        """Take bytes of the server."""
        self._quiet = 0
        chunk = None if line.frames.is_amid else self._chunks.get(data)
        try:
            if chunk is None:
                self._read(line, data)
                self._flush()
            else:
                self._follow(chunk)
        except MalformedFrameError as error:
            self.hall.report.violate(self.name, f"a frame that is none: {error}")
            line.abort()
            return
        if self._wanted_ns is not None:
            self._caught_up()
        if self.nature == "slow":
            line.pause()
            asyncio.get_running_loop().call_later(len(data) / SLOW_BYTES_PER_SECOND, line.resume)

    def _follow(self, chunk: Chunk) -> None:
        """Take bytes that somebody else has read already."""
        client = self.client
        assert isinstance(client, Follower)
        for told, payload in chunk:
            self.checker.ranged(told)
            if not client.follow(told, payload):
                self._flush()

    def _read(self, line: Line, data: bytes) -> None:
        """Take bytes that nobody has had yet; keep them for others if they are for all."""
        is_whole = not line.frames.is_amid
        ranges: list[tuple[Range, bytes]] = []
        is_shared = not self.is_full
        chunks, client = self._chunks, self.client
        for opcode, payload in line.frames.cut(data):
            if opcode != 1:
                is_shared = False
                self._control(line, opcode, payload)
            elif payload.startswith(EVENTS):
                told = self.hall.read(client.log or "", client.view or "", payload)
                self.checker.ranged(told)
                if isinstance(client, Follower):
                    client.follow(told, payload)
                else:
                    client.receive(payload)
                ranges.append((told, payload))
            elif payload.startswith(_PASSING):
                self.hall.glance(payload)
            else:
                is_shared = False
                self._private(payload)
        if is_shared and is_whole and not line.frames.is_amid:
            self.hall.keep(chunks, data, tuple(ranges))

    def _control(self, line: Line, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self._closed(int.from_bytes(payload[:2], "big") or 1005)
            line.close()
        elif opcode == 9:
            line.send_pong(payload)

    def _private(self, payload: bytes) -> None:
        """Take a frame that is for this person alone."""
        if self._twins and payload.startswith((b'{"type":"ack"', b'{"type":"nack"')):
            answer = codec.decode_server(payload)
            if isinstance(answer, Ack | Nack) and answer.id in self._twins:
                self._answered_again(answer)
                return
        for item in self.client.receive(payload):
            match item:
                case Welcome():
                    self.checker.welcomed(item)
                    if not self.is_full:
                        self._chunks = self.hall.chunks(item.log, item.view)
                    self._inside.set()
                case SnapshotFrame():
                    self.checker.restarted_at(item.sequence, item.state)
                case Answered():
                    self._answered(item)
                case RetryAfter():
                    self.hall.report.counts["answers to try again"] += 1
                    asyncio.get_running_loop().call_later(item.milliseconds / 1000, self._resend)
                case Bye():
                    self._closed(item.code)
                case _:
                    pass

    def _answered(self, item: Answered) -> None:
        due_ns, op = self._asked.pop(item.key)
        report, answer = self.hall.report, item.answer
        if answer.id <= self._last_answer:
            text = f"{op} was answered after what was asked later"
            report.violate(self.name, text, "reordered")
        self._last_answer = max(self._last_answer, answer.id)
        if isinstance(answer, Ack):
            if self.is_timed:
                report.acks.add_ns(time.monotonic_ns() - due_ns)
            self.checker.answered(op, answer)
            return
        report.counts["refused"] += 1
        report.counts[f"refused as {answer.code} ({op})"] += 1
        if answer.code in _OUR_FAULT:
            report.violate(self.name, f"{op}: {answer.code}: {answer.message}")

    def _answered_again(self, answer: Ack | Nack) -> None:
        key, op = self._twins.pop(answer.id)
        if isinstance(answer, Ack):
            self.checker.answered(op, answer)
        elif answer.code not in RETRYABLE and key not in self._asked:
            self.hall.report.counts["repetitions refused"] += 1

    def _resend(self) -> None:
        self.client.resend()
        self._flush()
