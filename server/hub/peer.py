"""One connection as the fan-out sees it: what waits for it alone, and how fast it takes things.

Only public API of aiohttp is used: the request's transport, its protocol's ``writing_paused`` and
the ``drain`` of the writer that ``prepare`` returns.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from protocol.errors import CloseCode
from protocol.limits import STALLED_SECONDS
from server.hub.wire import Wire, websocket_frame
from server.tasks import Supervisor

OUTBOX_FRAMES = 256
OUTBOX_BYTES = 4 << 20
"""What waits for one peer alone while it is behind: beyond it the peer is closed."""


class Source(Protocol):
    """Where a peer is told from: the part of a feed that it knows."""

    def detach(self, peer: "Peer") -> None:
        """Tell ``peer`` nothing more. Idempotent."""

    def fell_behind(self, peer: "Peer") -> None:
        """Stop writing to ``peer`` until its socket drains."""


class Peer:
    """One connection, as the fan-out sees it.

    ``is_paused`` says whether the transport asks not to be written to, ``drain`` waits until it
    takes bytes again, ``close`` says goodbye with a code. ``on_current`` is called each time the
    peer has caught up, to give it what is not in the log.
    """

    __slots__ = (
        "_draining",
        "_is_scheduled",
        "_outbox_bytes",
        "close",
        "drain",
        "is_behind",
        "is_over",
        "is_paused",
        "on_current",
        "outbox",
        "position",
        "source",
        "wire",
    )

    def __init__(
        self,
        wire: Wire,
        *,
        is_paused: Callable[[], bool],
        drain: Callable[[], Awaitable[None]],
        close: Callable[[CloseCode], None],
    ) -> None:
        self.wire = wire
        self.is_paused = is_paused
        self.drain = drain
        self.close = close
        self.on_current: Callable[[], None] = _nothing
        self.position = 0
        self.is_behind = True
        self.outbox: list[bytes] = []
        self._outbox_bytes = 0
        self.source: Source | None = None
        self._draining: asyncio.Task[None] | None = None
        self._is_scheduled = False
        self.is_over = False

    def send(self, payload: bytes) -> None:
        """Send a frame to this peer alone, together with what its feed sends in this tick."""
        if self.is_over:
            return
        if len(self.outbox) >= OUTBOX_FRAMES or self._outbox_bytes >= OUTBOX_BYTES:
            self.close(CloseCode.TOO_SLOW)
            return
        self.outbox.append(websocket_frame(payload))
        self._outbox_bytes += len(payload)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def write(self, data: bytes) -> None:
        """Write what waits for this peer, then ``data``, in one piece."""
        if self.outbox:
            data = b"".join((*self.outbox, data))
            self.outbox.clear()
            self._outbox_bytes = 0
        # uvloop raises on a closed transport, asyncio logs: neither is news, the reader knows.
        if data and not self.is_over and not self.wire.is_closing():
            self.wire.write(data)

    def finish(self, payload: bytes) -> None:
        """Send a last frame, after whatever waits; this peer is told nothing more."""
        if self.source is not None:
            self.source.detach(self)
        self.write(websocket_frame(payload))
        self.is_over = True

    async def drained(self, tasks: Supervisor) -> bool:
        """Wait until the socket takes bytes; False if it took none at all for too long."""
        while self.is_paused() and not self.wire.is_closing():
            if self._draining is None or self._draining.done():
                # A task of its own, never cancelled: all who wait on a transport share one
                # future, and a cancelled one would stay there for the next.
                self._draining = tasks.start("drain", self._drain())
            size = self.wire.get_write_buffer_size()
            done, _ = await asyncio.wait((self._draining,), timeout=STALLED_SECONDS)
            if not done and self.wire.get_write_buffer_size() >= size:
                return False
        return not self.wire.is_closing()

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionError):  # its reader notices, too
            await self.drain()

    def release(self) -> None:
        """Let go of the connection, which is over: else each would be garbage in a circle."""
        self.is_paused, self.drain, self.close = _never, _at_once, _close_nothing
        self.on_current = _nothing

    def _flush(self) -> None:
        self._is_scheduled = False
        # Before it joins a feed, a peer has no catch-up task that could deliver later.
        if self.outbox and not (self.is_behind and self.source is not None):
            self.write(b"")
            if self.source is not None and self.is_paused():
                self.source.fell_behind(self)


def _nothing() -> None:
    """Do nothing: a peer without anything to be told on catching up."""


def _never() -> bool:
    return False


async def _at_once() -> None:
    """Wait for nothing: a peer whose connection is over."""


def _close_nothing(_code: CloseCode) -> None:
    """Close nothing: a peer whose connection is over."""
