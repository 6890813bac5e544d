"""Subscribers whom a server tells everything that is published, in Python."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from load import websocket
from load.bench.fanout import FIRST, Scenario, event
from load.bench.swarm import answer, next_line, standard_input
from load.latencies import Latencies

_PATIENCE_SECONDS = 20.0
_CONNECTING_AT_ONCE = 100


class Slowest:
    """How far the slowest of all peers is, kept up to date in constant time per step."""

    def __init__(self, peers: int) -> None:
        self._at = {0: peers}
        self.position = 0

    def step(self, before: int, after: int) -> bool:
        """Move one peer; return whether the slowest has moved, too."""
        at = self._at
        at[after] = at.get(after, 0) + 1
        at[before] -= 1
        moved = False
        while not at.get(self.position):
            at.pop(self.position, None)
            self.position += 1
            moved = True
        return moved


class Run:
    """One scenario against one server: what was published, and who has how much of it."""

    def __init__(
        self, publish: Callable[[bytes], None], peers: int, size: int, scenario: Scenario
    ) -> None:
        self._publish = publish
        self._size = size
        self._scenario = scenario
        self._slowest = Slowest(peers)
        self._published_at: list[float] = []
        self._is_open = True
        self.frame_bytes = len(websocket.text_frame(event(FIRST, size)))
        self.stream = bytearray()
        self.latencies = Latencies()
        self.finished = asyncio.Event()

    @property
    def published(self) -> int:
        """How many events there are."""
        return len(self._published_at)

    def step(self, before: int, after: int) -> None:
        """Take note that a peer which had ``before`` events has ``after``; go on publishing."""
        complete = self._slowest.position
        if not self._slowest.step(before, after):
            return
        now = time.perf_counter()
        for number in range(complete, self._slowest.position):
            self.latencies.add((now - self._published_at[number]) * 1000)
        if self._is_open:
            self.fill()
        elif self._slowest.position == self.published:
            self.finished.set()

    def fill(self) -> None:
        """Publish as much as the scenario allows to be outstanding."""
        burst = self._scenario.burst
        while self.published - self._slowest.position + burst <= self._scenario.outstanding:
            first = FIRST + self.published
            for sequence in range(first, first + burst):
                self.stream += websocket.text_frame(event(sequence, self._size))
            self._published_at += [time.perf_counter()] * burst
            wish = {"first": first, "count": burst, "bytes": self._size}
            self._publish(json.dumps(wish).encode())

    def close(self) -> None:
        """Publish nothing more; ``finished`` is set when every peer has everything."""
        self._is_open = False
        if self._slowest.position == self.published:
            self.finished.set()


class Subscriber(websocket.Peer):
    """A peer that compares every byte it gets with what was published."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        super().__init__()
        self._failed = failed
        self._run: Run | None = None
        self._offset = 0
        self.events = 0

    def follow(self, run: Run) -> None:
        """Expect the events of ``run`` from now on."""
        self._run, self._offset, self.events = run, 0, 0

    def received(self, data: bytes) -> None:
        """Compare, and tell the run when an event is complete."""
        run = self._run
        if run is None:
            self._failed("a peer got something before anything was published")
            return
        end = self._offset + len(data)
        if run.stream[self._offset : end] != data:
            self._failed(f"a peer got other bytes than published after event {self.events}")
            return
        self._offset = end
        events = end // run.frame_bytes
        if events != self.events:
            run.step(self.events, events)
            self.events = events

    def lost(self) -> None:
        """Fail: a peer that is cut off cannot be served."""
        self._failed("a peer was disconnected")


class _Controller(websocket.Peer):
    def received(self, data: bytes) -> None:
        """Hear nothing: the contract gives the controller no answers."""


class _Crowd:
    """All subscribers of one server, and the one who publishes."""

    def __init__(self, port: int) -> None:
        self._base = f"ws://127.0.0.1:{port}"
        self._subscribers: list[Subscriber] = []
        self._controller = _Controller()
        self._size = 0
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def connect(self, peers: int, size: int) -> dict[str, Any]:
        self._size = size
        self._subscribers = [Subscriber(self._fail) for _ in range(peers)]
        reason = ""
        try:
            await websocket.connect(self._controller, f"{self._base}/control")
            for start in range(0, peers, _CONNECTING_AT_ONCE):
                some = self._subscribers[start : start + _CONNECTING_AT_ONCE]
                await asyncio.gather(
                    *(websocket.connect(peer, f"{self._base}/fan") for peer in some)
                )
        except (OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        ready = sum(peer.is_open for peer in self._subscribers)
        return {"peers": peers, "ready": ready, "reason": reason}

    async def run(
        self, scenario: Scenario, seconds: float, patience: float = _PATIENCE_SECONDS
    ) -> dict[str, Any]:
        run = Run(self._controller.send_text, len(self._subscribers), self._size, scenario)
        for peer in self._subscribers:
            peer.follow(run)
        began, own = time.perf_counter(), time.process_time()
        run.fill()
        await self._unless_failed(asyncio.sleep(seconds), seconds + 1)
        run.close()
        await self._unless_failed(run.finished.wait(), patience)
        took = time.perf_counter() - began
        expected = run.published * len(self._subscribers)
        delivered = sum(peer.events for peer in self._subscribers)
        return {
            "published": run.published,
            "delivered": delivered,
            "lost": expected - delivered,
            "repeated": 0,
            "changed": int(self._failed.done()),
            "disconnected": sum(not peer.is_open for peer in self._subscribers),
            "reason": self._failed.result() if self._failed.done() else "",
            "seconds": round(took, 4),
            "generator_cpu": round((time.process_time() - own) / took, 3),
            "delivery_ms": run.latencies.summary(),
        }

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)

    async def _unless_failed(self, work: Any, timeout_seconds: float) -> None:
        waiting = asyncio.ensure_future(work)
        await asyncio.wait(
            (waiting, self._failed),
            timeout=timeout_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        waiting.cancel()


async def serve(port: int, dialect: str) -> None:
    """Serve the lines of standard input until it ends."""
    reader, crowd = await standard_input(), _Crowd(port)
    while words := await next_line(reader):
        match words:
            case ["connect", peers, _] if dialect != "contract":
                reason = "the generator in Python speaks the contract only"
                answer({"peers": int(peers), "ready": 0, "reason": reason})
            case ["connect", peers, size]:
                answer(await crowd.connect(int(peers), int(size)))
            case ["run", burst, outstanding, *numbers] if len(numbers) in (1, 2):
                scenario = Scenario("", int(burst), int(outstanding))
                answer(await crowd.run(scenario, *map(float, numbers)))
            case _:
                raise SystemExit("a line that says nothing")
