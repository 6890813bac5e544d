"""A whole run: classes, workers, the play, the last comparison, the result."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import aiohttp

from load.place import RefusedError
from load.run import grammar, messages
from load.run.costs import Costs
from load.run.messages import Begin, Behaviour, Go, Quiet, Recovered, Room, Seat, Settle, Tick
from load.run.progress import Progress
from load.run.result import Result, Storm
from load.run.thresholds import Threshold
from load.run.venue import Builder, Class, Source, Venue
from load.run.verify import verify
from load.run.workers import Worker, WorkerError, working

_HEAD_START_SECONDS = 0.5
_COUNT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    url: str
    source: Source
    classes: int
    students: int
    ramp_per_second: float
    seconds: float
    profile: str
    pace: float = 1.0
    churn_per_second: float = 0.0
    storms: tuple[grammar.Storm, ...] = ()
    slow: float = 0.0
    stalling: float = 0.0
    twins: float = 0.0
    intruders: float = 0.0
    full: float = 0.01
    procs: int = 1
    seed: int = 1
    most_late_ms: float = 50.0
    thresholds: tuple[Threshold, ...] = ()
    ops_urls: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    media: Literal["none", "whep"] = "none"
    media_classes: int = 1
    viewers: int = 10
    keep: bool = False
    words: dict[str, str] = field(default_factory=dict)
    """The options as they were written, for the report."""


def default_procs(people: int) -> int:
    """Return how many workers play so many: one for each 1,000, at most one less than cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min((cores or 2) - 1, -(-people // 1000)))


async def run(options: Options, progress: Progress) -> Result:
    """Do it; SIGINT and SIGTERM end it early, with a result; a second one ends it at once.

    Raises:
        asyncio.CancelledError: If it was ended at once.
        RefusedError: If there are no classes to be had.
        WorkerError: If the generator itself fails before the start.

    """
    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    name = f"L{uuid.uuid4().hex[:8]}"
    limit = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)  # each call has a bound of its own
    async with aiohttp.ClientSession(connector=limit, timeout=timeout) as http:
        venue = Venue(options.url)
        builder = Builder(http, options.url, name, options.seconds, progress.say)
        try:
            opening = asyncio.ensure_future(
                builder.open(venue, options.source, options.classes, options.students)
            )
            await _unless(stop, opening)
            return await _Run(options, name, http, venue.classes, progress, stop).play()
        finally:
            if not options.keep:
                await builder.close(venue)


async def _unless(stop: asyncio.Event, opening: "asyncio.Future[None]") -> None:
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not opening.done():
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening
        raise RefusedError("ended before the classes were ready")
    opening.result()


class _Run:
    """From ready classes to a result."""

    def __init__(
        self,
        options: Options,
        name: str,
        http: aiohttp.ClientSession,
        classes: Sequence[Class],
        progress: Progress,
        stop: asyncio.Event,
    ) -> None:
        self._options = options
        self._name = name
        self._http = http
        self._classes = classes
        self._progress = progress
        self._stop = stop
        self._over = asyncio.Event()
        self._people = sum(len(each.students) + 1 for each in classes)
        self._costs = Costs(http, options.ops_urls, options.pids)
        self._result = Result(options.procs, options.most_late_ms)
        self._result.storms = {s.at_seconds: Storm(s.at_seconds) for s in options.storms}

    async def play(self) -> Result:
        """Play it."""
        result, options = self._result, self._options
        begins = [self._begin(worker) for worker in range(options.procs)]
        async with working(begins, self._hear) as workers:
            result.started_at = datetime.now(UTC).isoformat(timespec="seconds")
            start_ns = time.monotonic_ns() + round(_HEAD_START_SECONDS * 1e9)
            for worker in workers:
                await worker.tell(Go(start_ns))
            sampling = asyncio.create_task(self._sample(start_ns))
            showing = asyncio.create_task(self._show_media())
            try:
                await self._watch(workers, start_ns)
                result.ended_at = len(result.seconds)
                self._over.set()
                done = await self._finish(workers)
            except WorkerError as error:
                result.failure = str(error)
                done = []
            finally:
                sampling.cancel()
                if self._over.is_set():
                    await asyncio.wait((showing,), timeout=_COUNT_SECONDS)
                showing.cancel()
                await asyncio.wait((sampling, showing))
        if done:
            self._progress.say("comparing what everybody was told with the log …")
            outcomes = [room for each in done for room in each.rooms]
            found = await verify(self._http, self._classes, outcomes)
            result.violate(found.kinds, found.kept)
            result.counts.update(found.counts)
        if options.media != "none" and result.seen is None and result.failure is None:
            result.failure = "picture and sound: not everybody was connected when the run ended"
        result.parts, result.machine = self._costs.all_parts(), self._costs.machine.shares
        result.judge(list(options.thresholds))
        return result

    def _begin(self, worker: int) -> Begin:
        """Give every worker its part of each class, in the order in which people join."""
        options = self._options
        rooms, order = [], 0
        for number, held in enumerate(self._classes):
            seats = []
            for index, token in enumerate(held.students):
                # Classes fill side by side.
                order = index * len(self._classes) + number
                if order % options.procs == worker:
                    seats.append(Seat(index + 1, token, order / options.ramp_per_second))
            others = self._classes[(number + 1) % len(self._classes)]
            teaches = number % options.procs == worker
            if not seats and not teaches:
                continue
            rooms.append(
                Room(
                    number,
                    held.place.session,
                    held.place.live_url,
                    len(held.students),
                    tuple(seats),
                    held.teacher if teaches else None,
                    others.students[0] if others is not held else None,
                )
            )
        behaviour = Behaviour(
            options.profile, options.pace, options.churn_per_second,
            tuple(messages.Storm(each.share, each.at_seconds) for each in options.storms),
            options.slow, options.stalling, options.twins, options.intruders, options.full,
        )  # fmt: skip
        return Begin(
            self._name, worker, options.procs, options.seed, options.seconds, behaviour,
            tuple(rooms),
        )  # fmt: skip

    def _hear(self, worker: int, report: messages.Report) -> None:
        match report:
            case Tick():
                self._result.tick(worker, report)
            case Recovered():
                self._result.recovered(report)
            case _:
                pass

    async def _watch(self, workers: Sequence[Worker], start_ns: int) -> None:
        """Let it go on for its time, or until somebody wants it to end."""
        end = start_ns / 1e9 + self._options.seconds
        while (left := end - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(1.0, left)):
                    await self._stop.wait()
                    self._result.was_interrupted = True
                    self._progress.say("ending early …")
                    return
            if any(worker.has_ended for worker in workers):
                raise WorkerError("a worker of the generator ended; its last words are above")
            self._progress.show(self._result, self._people, self._options.seconds)

    async def _sample(self, start_ns: int) -> None:
        """Ask the server's parts what they use, at the end of each second."""
        await self._costs.sample(0.0)
        last, second = time.monotonic(), 0
        while True:
            second += 1
            await asyncio.sleep(max(0.0, start_ns / 1e9 + second - time.monotonic()))
            now = time.monotonic()
            await self._costs.sample(now - last)
            last = now

    async def _show_media(self) -> None:
        """Let some watch until the play is over."""
        if self._options.media == "none":
            return
        # Here, not above: codecs and WebRTC take their time.
        from load.bench.processes import BenchError
        from load.run.screening import Screening

        shown = self._classes[: self._options.media_classes]
        screening = Screening(shown, self._options.viewers)
        try:
            await screening.begin()
            self._progress.say("everybody who is to watch is connected")
            await self._over.wait()
            self._result.seen = await screening.seen()
        except BenchError as error:
            self._result.failure = f"picture and sound: {error}"
        finally:
            await screening.end()

    async def _finish(self, workers: Sequence[Worker]) -> list[messages.Done]:
        """Bring everybody to rest; return what they saw."""
        self._progress.say("waiting for the last answers …")
        for worker in workers:
            await worker.tell(Quiet())
        calm = [await worker.calm() for worker in workers]
        result = self._result
        result.unanswered = sum(each.unanswered for each in calm)
        heads = dict.fromkeys(range(len(self._classes)), 0)
        for each in calm:
            for number, head in each.heads.items():
                heads[number] = max(heads[number], head)
        for worker in workers:
            await worker.tell(Settle(heads))
        done = [await worker.done() for worker in workers]
        result.unsettled = sum(each.unsettled for each in done)
        result.kept = [line for each in done for line in each.kept] + result.kept
        return done
