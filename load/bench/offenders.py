"""``python -m load.bench.offenders KIND URL``: people who disturb a class, each in their own way.

A process of its own, so that what it costs to disturb is not felt by whoever measures. It reads
one token per line from its standard input, and goes on until that ends; then it prints one line of
JSON with what became of it.

==========  ======================================================================================
slow        reads a small part of what is told: always behind, never still
stalled     reads nothing, until it is closed (4108); then it comes back
flooder     sends nine times as many commands as it may: refused, and not closed
abuser      sends as fast as it can, is closed (4513), and comes back at once
==========  ======================================================================================
"""

import asyncio
import json
import os
import sys
from abc import abstractmethod
from collections import Counter
from typing import Literal, get_args

import msgspec

from load import websocket
from protocol import codec
from protocol.commands import HandRaise
from protocol.frames import ClientInfo, ClientPong, CommandFrame, Hello
from protocol.limits import ABUSE_FACTOR, COMMANDS_PER_SECOND, SUBPROTOCOL

Kind = Literal["slow", "stalled", "flooder", "abuser"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_RECEIVE_BYTES = 4096
_SLOW_PAUSE_SECONDS = 0.4
_BACK_SECONDS = 0.1
_FLOOD_STEP_SECONDS = 0.02
_ABUSE_AT_ONCE = 50


class _Incoming(msgspec.Struct):
    type: str
    code: str | int | None = None
    head: int = 0


_decoder = msgspec.json.Decoder(_Incoming)


class Offender(websocket.Peer):
    """One who disturbs. ``tally`` counts what the server says to it."""

    receive_bytes: int | None = None

    def __init__(self, token: str, tally: Counter[str]) -> None:
        super().__init__()
        self.gone = asyncio.Event()
        self._token = token
        self._tally = tally
        self._frames = websocket.Frames()

    async def offend(self) -> None:
        """Say hello, and disturb until the connection ends."""
        self.send_text(codec.encode(Hello(self._token, ClientInfo("offender", "1"))))
        disturbing = asyncio.ensure_future(self.disturb())
        try:
            await self.gone.wait()
        finally:
            disturbing.cancel()

    @abstractmethod
    async def disturb(self) -> None:
        """Do whatever is not done."""

    def received(self, data: bytes) -> None:
        """Count refusals and goodbyes; answer pings, as somebody who wants to stay."""
        for opcode, payload in self._frames.cut(data):
            if opcode != 1:
                continue
            frame = _decoder.decode(payload)
            if frame.type in ("nack", "bye"):
                self._tally[f"{frame.type} {frame.code}"] += 1
            elif frame.type == "ping":
                self.send_text(codec.encode(ClientPong(frame.head)))

    def lost(self) -> None:
        """Stop."""
        self.gone.set()

    def hold(self) -> None:
        """Read no more."""
        # uvloop's transports have the methods, but not the base class.
        self._transport.pause_reading()  # type: ignore[union-attr]

    def go_on(self) -> None:
        """Read what there is."""
        if self.is_open:
            self._transport.resume_reading()  # type: ignore[union-attr]


class Slow(Offender):
    """Reads a little at a time."""

    receive_bytes = _RECEIVE_BYTES

    async def disturb(self) -> None:
        """Take one piece, and rest."""
        while True:
            await asyncio.sleep(_SLOW_PAUSE_SECONDS)
            self.go_on()

    def received(self, data: bytes) -> None:
        """Take one piece."""
        super().received(data)
        self.hold()


class Stalled(Offender):
    """Reads nothing after its welcome."""

    receive_bytes = _RECEIVE_BYTES

    async def disturb(self) -> None:
        """Let everything lie, and look only whether it has been closed."""
        await asyncio.sleep(0.5)
        self.hold()
        await asyncio.sleep(20)
        self.go_on()  # or its own end would never be noticed


class Flooder(Offender):
    """Keeps just below what is taken for abuse."""

    async def disturb(self) -> None:
        """Raise a hand that is up, again and again."""
        per_step = (ABUSE_FACTOR - 1) * COMMANDS_PER_SECOND * _FLOOD_STEP_SECONDS
        sent, due = 0, 0.0
        while self.is_open:
            await asyncio.sleep(_FLOOD_STEP_SECONDS)
            due += per_step
            while sent < due:
                sent += 1
                self.send_text(_raise_hand(sent))


class Abuser(Offender):
    """Knows no limit."""

    async def disturb(self) -> None:
        """Send as fast as the socket takes it."""
        sent = 0
        while self.is_open:
            for _ in range(_ABUSE_AT_ONCE):
                sent += 1
                if not self._transport.is_closing():  # type: ignore[union-attr]
                    self.send_text(_raise_hand(sent))
            await asyncio.sleep(0)


OFFENDERS: dict[Kind, type[Offender]] = {
    "slow": Slow,
    "stalled": Stalled,
    "flooder": Flooder,
    "abuser": Abuser,
}


def _raise_hand(number: int) -> bytes:
    return codec.encode(CommandFrame(number, os.urandom(8).hex(), HandRaise.op))


async def _come_again_and_again(kind: Kind, url: str, token: str, tally: Counter[str]) -> None:
    while True:
        offender = OFFENDERS[kind](token, tally)
        try:
            await websocket.connect(
                offender, url, SUBPROTOCOL, receive_bytes=offender.receive_bytes
            )
        except (OSError, TimeoutError):
            tally["not connected"] += 1
        else:
            tally["connections"] += 1
            await offender.offend()
        await asyncio.sleep(_BACK_SECONDS)


async def main(kind: Kind, url: str) -> None:
    """Disturb until standard input ends."""
    tally: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    tasks = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        token = line.strip()
        tasks.append(asyncio.create_task(_come_again_and_again(kind, url, token, tally)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(tally))


if __name__ == "__main__":
    asyncio.run(main(msgspec.convert(sys.argv[1], Kind), sys.argv[2]))
