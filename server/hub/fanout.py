"""Telling everybody: one buffer per view and tick, one write per peer, no queue per peer.

A peer is either *current* (it has everything the feed has flushed, and needs no bookkeeping at
all) or *behind* (it has a position of its own, and a task that catches it up from the ring, or
from the log, whenever its socket drains). A slow peer therefore costs its socket buffer and one
task; the others never notice it.

Frames that reach a peer twice are harmless by protocol (a range that begins early fits); frames
that are left out never are. Wherever the two meet, this file errs on the side of twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from protocol.errors import CloseCode
from server.errors import UnavailableError
from server.hub.peer import Peer
from server.hub.ring import Ring
from server.hub.wire import Frame, websocket_frame
from server.ops import metrics
from server.tasks import Supervisor

SLICE = 500
"""Peers written to before the event loop turns: bounds its stall to 2–3 ms."""
LONG_SECONDS = 0.002
"""A flush that takes longer is followed by a rest …"""
REST = 0.5
"""… of this part of its own length."""
REST_MOST_SECONDS = 0.02

_from_ring, _from_log, _as_snapshot = map(metrics.catch_ups.labels, ("ring", "log", "snapshot"))


Read = Callable[[int, int], Awaitable[Frame]]


class Feed:
    """The frames of one view of one session, and the peers that follow it.

    ``read(after, head)`` returns a frame that continues ``after`` from the log, or a snapshot
    (whose ``first`` is then 0) where that is shorter; it raises ``UnavailableError``.
    """

    def __init__(self, *, head: int, read: Read, tasks: Supervisor) -> None:
        self._read = read
        self._tasks = tasks
        self._ring = Ring(head)
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
        self._ring.restart(head)

    def forget(self, last: int) -> None:
        """Have whoever lags before ``last`` read the log: what is in the ring is outdated."""
        self._ring.forget(last)

    def publish(self, first: int, last: int, payload: bytes) -> None:
        """Tell everybody a range of the log, which must continue the one before."""
        frame = Frame(first, last, websocket_frame(payload))
        self._ring.add(frame)
        self.head = last
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
        if peer.is_over:
            return
        peer.source, peer.position, peer.is_behind = self, position, True
        if position < self.head and self._ring.reaches(position):
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
        peer.source = None

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
        while await peer.drained(self._tasks):
            if self._catch_up_from_ring(peer):
                return True
            if not self._ring.reaches(peer.position):
                try:
                    frame = await self._read(peer.position, self.head)
                except UnavailableError as error:
                    await asyncio.sleep(error.retry_seconds)
                    continue
                (_from_log if frame.first else _as_snapshot).inc()
                peer.write(frame.data)
                peer.position = frame.last
        return False

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
        if not self._ring.reaches(peer.position):
            return False
        data, peer.position = self._ring.after(peer.position)
        peer.write(data)
        return peer.position >= self.head and not peer.is_paused()
