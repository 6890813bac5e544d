"""The worker processes of a run: started, spoken to, and always ended."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from load.run.messages import Begin, Calm, Done, Order, Ready, Report

_LINE_BYTES = 1 << 28
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_CALM_SECONDS = 60.0
_DONE_SECONDS = 120.0

T = TypeVar("T", Ready, Calm, Done)

_reports = msgspec.json.Decoder(Report)


class WorkerError(Exception):
    """A worker ended, or did not do what it was told in time."""


class Worker:
    """One process full of people."""

    def __init__(
        self,
        number: int,
        process: asyncio.subprocess.Process,
        hear: Callable[[int, Report], None],
    ) -> None:
        self.number = number
        self._process = process
        self._hear = hear
        self._answers: asyncio.Queue[Ready | Calm | Done | None] = asyncio.Queue()

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    async def read(self) -> None:
        """Pass on what it tells, until its end."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            report = _reports.decode(line)
            if isinstance(report, Ready | Calm | Done):
                self._answers.put_nowait(report)
            else:
                self._hear(self.number, report)
        self._answers.put_nowait(None)

    async def tell(self, order: Order) -> None:
        """Send an order.

        Raises:
            WorkerError: If it is gone.

        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            await self._process.stdin.drain()
        except OSError as error:
            raise WorkerError(f"worker {self.number} is gone") from error

    async def ready(self) -> Ready:
        """Wait until it can start."""
        return await self._expect(Ready, _START_SECONDS)

    async def calm(self) -> Calm:
        """Wait until everything of it is answered."""
        return await self._expect(Calm, _CALM_SECONDS)

    async def done(self) -> Done:
        """Wait for all that it has seen."""
        return await self._expect(Done, _DONE_SECONDS)

    async def _expect(self, kind: type[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._answers.get()
        except TimeoutError:
            raise WorkerError(f"worker {self.number} does not answer") from None
        if not isinstance(answer, kind):
            raise WorkerError(f"worker {self.number} ended")
        return answer


@asynccontextmanager
async def working(
    begins: Sequence[Begin], hear: Callable[[int, Report], None]
) -> AsyncIterator[list[Worker]]:
    """Run a worker for each of ``begins`` for as long as the block lasts.

    Raises:
        WorkerError: If one does not start.

    """
    processes: list[asyncio.subprocess.Process] = []
    reading: list[asyncio.Task[None]] = []
    try:
        workers = []
        for begin in begins:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "load.run.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LINE_BYTES,
                start_new_session=True,  # Ctrl-C is for the parent, who tells them
            )
            processes.append(process)
            worker = Worker(begin.worker, process, hear)
            reading.append(asyncio.create_task(worker.read()))
            await worker.tell(begin)
            workers.append(worker)
        for worker in workers:
            await worker.ready()
        yield workers
    finally:
        for process in processes:
            await _stop(process)
        await asyncio.gather(*reading, return_exceptions=True)


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
