"""The load generator as a process of its own: a line in, a line of JSON out.

In C where a compiler exists (``load/native``), else in Python, which saturates sooner: every result
says which one it was.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from load import native
from load.bench.processes import BenchError, on_processor, stopping

SATURATED_CPU = 0.9
"""A generator that uses more of its processor measures itself."""
_LINE_BYTES = 1 << 20
_PYTHON = (sys.executable, "-m", "load.bench.swarm")


class Generator:
    """A running generator. Questions are asked one after another."""

    def __init__(self, process: asyncio.subprocess.Process, kind: str) -> None:
        self.kind = kind
        self._process = process

    async def tell(self, lines: Iterable[str]) -> None:
        """Say what has no answer."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        await self._process.stdin.drain()

    async def ask(self, question: str, seconds: float) -> dict[str, Any]:
        """Return the answer, which must come within ``seconds``.

        Raises:
            BenchError: If it does not.

        """
        assert self._process.stdout is not None
        await self.tell((question,))
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise BenchError(f"the generator did not answer: {question}") from None
        if not line:
            raise BenchError(f"the generator ended: {question}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.asynccontextmanager
async def generator(
    directory: Path, processor: int | None, *arguments: str
) -> AsyncIterator[Generator]:
    """Run a generator, built in ``directory``, on one processor while the block lasts.

    Raises:
        BenchError: If there is a compiler, and it refuses the program.

    """
    program = directory / "swarm"
    if not program.exists():
        try:
            await asyncio.to_thread(native.build, "swarm", directory)
        except native.BuildError as error:
            raise BenchError(f"the generator cannot be built: {error}") from error
    is_native = program.exists()
    command = (str(program),) if is_native else _PYTHON
    with on_processor(processor):
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
    async with stopping(process):
        yield Generator(process, "C" if is_native else "Python")
