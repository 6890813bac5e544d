"""Programs beside the server under test, each a process: asked one thing at a time.

A question is one line of JSON on the child's standard input, its answer one line on its standard
output. End of file there ends the child, so it never outlives the one who started it.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from load.bench.processes import BenchError

Handlers = Mapping[str, Callable[..., Awaitable[Any]]]

_ANSWER_SECONDS = 120.0
_END_SECONDS = 10.0
_LINE_BYTES = 64 << 20


class Child:
    """A running child, seen by the one who started it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._asking = asyncio.Lock()

    async def ask(self, question: str, /, **arguments: Any) -> Any:
        """Return the child's answer.

        Raises:
            BenchError: If it could not do it, ended, or did not answer in time.

        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        async with self._asking:
            process.stdin.write(msgspec.json.encode([question, arguments]) + b"\n")
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    line = await process.stdout.readline()
            except TimeoutError:
                raise BenchError(f"{self.name} did not answer: {question}") from None
        if not line:
            raise BenchError(f"{self.name} ended")
        failed, answer = msgspec.json.decode(line)
        if failed:
            raise BenchError(f"{self.name}: {failed}")
        return answer


@contextlib.asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """Run ``python -m module`` as a child for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
        start_new_session=True,  # Ctrl-C is for the parent
    )
    assert process.stdin is not None
    try:
        yield Child(module.rpartition(".")[2], process)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def answer(handlers: Handlers) -> None:
    """Answer questions, inside a child, until there are no more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        question, arguments = msgspec.json.decode(line)
        said: tuple[str | None, Any]
        try:
            said = (None, await handlers[question](**arguments))
        except (BenchError, OSError, TimeoutError) as error:
            said = (f"{type(error).__name__}: {error}", None)
        sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()


def now() -> int:
    """Return the wall clock in nanoseconds: the kernel stamps what arrives with the same."""
    return time.time_ns()
