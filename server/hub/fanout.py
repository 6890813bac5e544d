"""Telling everybody: one buffer per view and tick, one write per peer, no queue per peer.

A peer is either *current* (it has everything the feed has flushed, and needs no bookkeeping at
all) or *behind* (it has a position of its own, and a task that catches it up from the ring, or
from the log, whenever its socket drains). A slow peer therefore costs its socket buffer and one
task; the others never notice it.

Frames that reach a peer twice are harmless by protocol (a range that begins early fits); frames
that are left out never are. Wherever the two meet, this file errs on the side of twice.

Only public API of aiohttp is used: the request's transport, its protocol's ``writing_paused`` and
the ``drain`` of the writer that ``prepare`` returns.
"""

import asyncio
import contextlib
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import structlog

from protocol.errors import CloseCode
from protocol.limits import STALLED_SECONDS
from server.errors import UnavailableError
from server.ops import metrics
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SLICE = 500
"""Peers written to before the event loop turns: bounds its stall to 2–3 ms."""
LONG_SECONDS = 0.002
"""A flush that takes longer is followed by a rest …"""
REST = 0.5
"""… of this part of its own length."""
REST_MOST_SECONDS = 0.02
RING_FRAMES = 4096
RING_BYTES = 8 << 20
CATCH_UP_BYTES = 1 << 18
OUTBOX_FRAMES = 256
OUTBOX_BYTES = 4 << 20
"""What waits for one peer alone while it is behind: beyond it the peer is closed."""

_from_ring, _from_log, _as_snapshot = map(metrics.catch_ups.labels, ("ring", "log", "snapshot"))


class Frame(NamedTuple):
    """An encoded WebSocket frame that covers the log from ``first`` to ``last``."""

    first: int
    last: int
    data: bytes


class Wire(Protocol):
    """How bytes leave: the part of an asyncio transport that the fan-out uses."""

    def write(self, data: bytes) -> None:
        """Send without waiting."""

    def is_closing(self) -> bool:
        """Whether writing is over."""

    def get_write_buffer_size(self) -> int:
        """How many bytes the peer has not taken yet."""


def websocket_frame(payload: bytes) -> bytes:
    """Return ``payload`` as an unmasked text frame (RFC 6455 §5.2): the same for every peer."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Peer:
    """One connection, as the fan-out sees it.

    ``is_paused`` says whether the transport asks not to be written to, ``drain`` waits until it
    takes bytes again, ``close`` says goodbye with a code. ``on_current`` is called each time the
    peer has caught up, to give it what is not in the log.
    """

    __slots__ = (
        "_draining",
        "_feed",
        "_is_over",
        "_is_scheduled",
        "_outbox_bytes",
        "close",
        "drain",
        "is_behind",
        "is_paused",
        "on_current",
        "outbox",
        "position",
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
        self._feed: Feed | None = None
        self._draining: asyncio.Task[None] | None = None
        self._is_scheduled = False
        self._is_over = False

    def send(self, payload: bytes) -> None:
        """Send a frame to this peer alone, together with what its feed sends in this tick."""
        if self._is_over:
            return
        if len(self.outbox) >= OUTBOX_FRAMES or self._outbox_bytes >= OUTBOX_BYTES:
            self.close(CloseCode.TOO_SLOW)
            return
        self.outbox.append(websocket_frame(payload))
        self._outbox_bytes += len(payload)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def finish(self, payload: bytes) -> None:
        """Send a last frame, after whatever waits; this peer is told nothing more."""
        if self._feed is not None:
            self._feed.detach(self)
        self.write(websocket_frame(payload))
        self._is_over = True

    def release(self) -> None:
        """Let go of the connection, which is over: else each would be garbage in a circle."""
        self.is_paused, self.drain, self.close = _never, _at_once, _close_nothing
        self.on_current = _nothing

    def _flush(self) -> None:
        self._is_scheduled = False
        # Before it joins a feed, a peer has no catch-up task that could deliver later.
        if self.outbox and not (self.is_behind and self._feed is not None):
            self.write(b"")
            if self._feed is not None and self.is_paused():
                self._feed.fell_behind(self)

    def write(self, data: bytes) -> None:
        """Write what waits for this peer, then ``data``, in one piece."""
        if self.outbox:
            data = b"".join((*self.outbox, data))
            self.outbox.clear()
            self._outbox_bytes = 0
        # uvloop raises on a closed transport, asyncio logs: neither is news, the reader knows.
        if data and not self._is_over and not self.wire.is_closing():
            self.wire.write(data)


def _nothing() -> None:
    """Do nothing: a peer without anything to be told on catching up."""


def _never() -> bool:
    return False


async def _at_once() -> None:
    """Wait for nothing: a peer whose connection is over."""


def _close_nothing(_code: CloseCode) -> None:
    """Close nothing: a peer whose connection is over."""


Read = Callable[[int, int], Awaitable[Frame]]


class Feed:
    """The frames of one view of one session, and the peers that follow it.

    ``read(after, head)`` returns a frame that continues ``after`` from the log, or a snapshot
    (whose ``first`` is then 0) where that is shorter; it raises ``UnavailableError``.
    """

    def __init__(self, *, head: int, read: Read, tasks: Supervisor) -> None:
        self._read = read
        self._tasks = tasks
        self._ring: list[Frame] = []
        self._ring_bytes = 0
        self._pending: list[bytes] = []
        self._current: set[Peer] = set()
        self._newly: dict[Peer, int] = {}  # who knows that many of the pending already
        self._behind: dict[Peer, asyncio.Task[None]] = {}
        self._is_flushing = False
        self.head = head
        self._sure = head  # what every current peer has been written, also in mid-flush
        self._flushed = head
        self._flush_began = self._rest_until = 0.0

    def __len__(self) -> int:
        return len(self._current) + len(self._behind)

    @property
    def behind(self) -> int:
        """How many peers lag."""
        return len(self._behind)

    def restart(self, head: int) -> None:
        """Begin at ``head`` with an empty ring: what came before is read from the log."""
        self.head = self._sure = self._flushed = head
        self._ring, self._ring_bytes = [], 0

    def forget(self, last: int) -> None:
        """Have whoever lags before ``last`` read the log: what is in the ring is outdated."""
        self._ring = self._ring[bisect_right(self._ring, last, key=lambda frame: frame.first) :]
        self._ring_bytes = sum(len(frame.data) for frame in self._ring)

    def publish(self, first: int, last: int, payload: bytes) -> None:
        """Tell everybody a range of the log, which must continue the one before."""
        frame = Frame(first, last, websocket_frame(payload))
        self._ring.append(frame)
        self._ring_bytes += len(frame.data)
        self.head = last
        self._trim()
        self._schedule(frame.data)

    def tell(self, payload: bytes) -> None:
        """Tell everybody who is current something that is not in the log; others miss it."""
        self._schedule(websocket_frame(payload))

    def attach(self, peer: Peer, position: int) -> None:
        """Let ``peer``, which has the log up to ``position``, follow from now on.

        What it missed is written at once where the ring has it, without a task and without a
        read of the log: a reconnect storm costs nothing but the writes.
        """
        self.detach(peer)
        if peer._is_over:
            return
        peer._feed, peer.position, peer.is_behind = self, position, True
        if position < self.head and not self._is_too_old(position):
            _from_ring.inc()
        if self._catch_up_from_ring(peer):
            self._make_current(peer)
        else:
            self._start_catching_up(peer)

    def detach(self, peer: Peer) -> None:
        """Tell ``peer`` nothing more. Idempotent."""
        self._leave_current(peer)
        task = self._behind.pop(peer, None)
        if task is not None:
            task.cancel()
        peer._feed = None

    def fell_behind(self, peer: Peer) -> None:
        """Stop writing to a current peer until its socket drains."""
        if not peer.is_behind:
            self._lag(peer, self._sure)

    # ------------------------------------------------------------ the fast path

    def _schedule(self, data: bytes) -> None:
        if not self._current:
            return  # whoever comes finds it in the ring, or is greeted with what is so by then
        self._pending.append(data)
        if not self._is_flushing:
            self._is_flushing = True
            self._flush_soon()

    def _flush_soon(self) -> None:
        """Flush in this tick, or, after a long flush, when the loop has had time for others.

        What comes in that pause goes out in the same write: a large class under load is told
        in fewer, larger pieces, and who sends commands is heard in between.
        """
        loop = asyncio.get_running_loop()
        pause = self._rest_until - time.perf_counter()
        if pause > 0:
            loop.call_later(pause, self._flush)
        else:
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Join all that is pending, once, and write it to everybody who is current."""
        pending, self._pending = self._pending, []
        newly, self._newly = self._newly, {}
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        self._flushed = self.head
        self._flush_began = time.perf_counter()
        peers = list(self._current - newly.keys())
        for peer, known in newly.items():
            peer.write(b"".join(pending[known:]))
            if peer.is_paused():
                self._lag(peer, self._flushed)
        self._write_slice(peers, 0, data)

    def _write_slice(self, peers: list[Peer], start: int, data: bytes) -> None:
        current = self._current
        for peer in peers[start : start + SLICE]:
            # Since the flush began it may have lagged, left, or moved to the feed of another view.
            if peer not in current:
                continue
            if peer.outbox:
                peer.write(data)
            elif not peer.wire.is_closing():
                peer.wire.write(data)
            if peer.is_paused():
                self._lag(peer, self._flushed)
        loop = asyncio.get_running_loop()
        if start + SLICE < len(peers):
            loop.call_soon(self._write_slice, peers, start + SLICE, data)
            return
        self._sure = self._flushed
        now = time.perf_counter()
        took = now - self._flush_began
        metrics.fanout_seconds.observe(took)
        self._rest_until = now + min(took * REST, REST_MOST_SECONDS) if took > LONG_SECONDS else 0.0
        if self._pending:
            self._flush_soon()
        else:
            self._is_flushing = False

    # ------------------------------------------------------------ catching up

    def _lag(self, peer: Peer, position: int) -> None:
        self._leave_current(peer)
        peer.is_behind, peer.position = True, max(position, peer.position)
        self._start_catching_up(peer)

    def _start_catching_up(self, peer: Peer) -> None:
        self._behind[peer] = self._tasks.start("catch_up", self._catch_up(peer))

    async def _catch_up(self, peer: Peer) -> None:
        """Bring one peer to the head, or say goodbye to it."""
        is_at_head = False
        try:
            is_at_head = await self._follow(peer)
        finally:
            # Whoever detached the peer has taken it out already.
            if self._behind.get(peer) is asyncio.current_task():
                del self._behind[peer]
                if is_at_head:
                    self._make_current(peer)
                else:
                    peer.close(CloseCode.TOO_SLOW)

    async def _follow(self, peer: Peer) -> bool:
        """Write what a peer missed, at the pace of its socket; False if it takes nothing."""
        while await self._drained(peer):
            if self._catch_up_from_ring(peer):
                return True
            if self._is_too_old(peer.position):
                try:
                    frame = await self._read(peer.position, self.head)
                except UnavailableError as error:
                    await asyncio.sleep(error.retry_seconds)
                    continue
                (_from_log if frame.first else _as_snapshot).inc()
                peer.write(frame.data)
                peer.position = frame.last
        return False

    async def _drained(self, peer: Peer) -> bool:
        """Wait until the socket takes bytes; False if it took none at all for too long."""
        while peer.is_paused() and not peer.wire.is_closing():
            if peer._draining is None or peer._draining.done():
                # A task of its own, never cancelled: all who wait on a transport share one
                # future, and a cancelled one would stay there for the next.
                peer._draining = self._tasks.start("drain", _drain(peer))
            size = peer.wire.get_write_buffer_size()
            done, _ = await asyncio.wait((peer._draining,), timeout=STALLED_SECONDS)
            if not done and peer.wire.get_write_buffer_size() >= size:
                return False
        return not peer.wire.is_closing()

    def _make_current(self, peer: Peer) -> None:
        peer.is_behind = False
        self._current.add(peer)
        if self._pending:
            self._newly[peer] = len(self._pending)
        peer.on_current()

    def _leave_current(self, peer: Peer) -> None:
        self._current.discard(peer)
        self._newly.pop(peer, None)

    def _catch_up_from_ring(self, peer: Peer) -> bool:
        """Write from the ring what fits the socket; return whether the peer is at the head."""
        if self._is_too_old(peer.position):
            return False
        start = bisect_right(self._ring, peer.position, key=lambda frame: frame.last)
        pieces, size = [], 0
        for frame in self._ring[start:]:
            pieces.append(frame.data)
            size += len(frame.data)
            peer.position = frame.last
            if size >= CATCH_UP_BYTES:
                break
        peer.write(b"".join(pieces))
        return peer.position >= self.head and not peer.is_paused()

    def _is_too_old(self, position: int) -> bool:
        oldest = self._ring[0].first if self._ring else self.head + 1
        return position + 1 < oldest

    def _trim(self) -> None:
        # A quarter at a time, so that trimming costs nothing per frame.
        while len(self._ring) > RING_FRAMES or self._ring_bytes > RING_BYTES:
            self._ring = self._ring[max(1, len(self._ring) // 4) :]
            self._ring_bytes = sum(len(frame.data) for frame in self._ring)


async def _drain(peer: Peer) -> None:
    with contextlib.suppress(ConnectionError):  # its reader notices, too
        await peer.drain()
