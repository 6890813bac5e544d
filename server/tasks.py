"""Supervised background work: no task is ever started and forgotten."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0


def contain(step: Callable[[], None], failure: asyncio.Future[None]) -> None:
    """Run ``step`` here and now; what it raises is raised where ``failure`` is awaited."""
    try:
        step()
    except Exception as error:
        if not failure.done():
            failure.set_exception(error)


class Supervisor:
    """Own background tasks: log what fails, restart what should run for ever, end all at exit.

    Use as an async context manager. Leaving it cancels every task and waits for each.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        # Not that of whoever starts a task: what is logged there is not about their request.
        self._context = copy_context()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` once; a failure is logged with its traceback and ends only that task."""
        task = self._add(name, self._once(name, work))
        # Without effect unless it was cancelled before its first step.
        task.add_done_callback(lambda _: work.close())
        return task

    def keep(
        self, name: str, make: Callable[[], Awaitable[None]], *, pause_seconds: float = 0.5
    ) -> asyncio.Task[None]:
        """Run ``make()`` again whenever it fails, after a pause; a plain return ends it."""
        return self._add(name, self._again(name, make, pause_seconds))

    async def close(self) -> None:
        """Cancel every task and wait until each has ended. Idempotent.

        A cancellation can be lost: a connection that breaks in the very moment raises something
        else in its place. So it is said again to whoever goes on.
        """
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            ended, _ = await asyncio.wait(tasks, timeout=AGAIN_SECONDS)
            self._tasks.difference_update(ended)

    def _add(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        context = self._context.copy()
        task = asyncio.create_task(work, name=f"{self._name}.{name}", context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _once(self, name: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("task_failed", owner=self._name, task=name)

    async def _again(
        self, name: str, make: Callable[[], Awaitable[None]], pause_seconds: float
    ) -> None:
        while True:
            try:
                await make()
            except Exception:
                log.exception("task_restarting", owner=self._name, task=name)
                await asyncio.sleep(pause_seconds)
            else:
                return
