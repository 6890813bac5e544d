"""``liveclass demo`` as a child process, as a person would start it."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec

from tests.patience import PATIENCE

START_SECONDS = 150.0
STOP_SECONDS = 60.0
MARK = "DEMO_MARK"


_given: set[int] = set()


def free_port() -> int:
    """Return a port that is free everywhere, and that the kernel gives to nobody by itself.

    Nobody is given it twice: who was given it first may not have taken it yet.
    """
    while True:
        port = random.choice([each for each in range(20_000, 30_000) if each not in _given])
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind(("", port))
            _given.add(port)
            return port


class Demo:
    """A demo on ``directory``. Every process it starts carries its mark in the environment."""

    def __init__(self, directory: Path, *options: str, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.options = options
        self.mark = uuid.uuid4().hex
        self.ready: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> "Demo":
        """Start it and wait until it is ready."""
        ready_file = self.directory.with_suffix(".ready.json")
        ready_file.unlink(missing_ok=True)
        log = self.directory.with_suffix(".log").open("ab")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", "demo",
                "--port", str(self.port), "--data", str(self.directory),
                "--ready-file", str(ready_file), *self.options,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=log,
                env={**os.environ, MARK: self.mark}, start_new_session=True,
            )  # fmt: skip
        async with asyncio.timeout(START_SECONDS):
            while not ready_file.exists():
                if self._process.returncode is not None:
                    raise AssertionError(f"the demo ended: {self.log}")
                await asyncio.sleep(0.05)
        self.ready = msgspec.json.decode(ready_file.read_bytes())
        return self

    async def stop(self) -> None:
        """Ctrl-C, as a person stops it."""
        await self._end(signal.SIGINT)

    async def kill(self) -> None:
        """``kill -9``: no goodbye of any kind."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: int) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(number)
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()

    @property
    def log(self) -> str:
        """What it wrote to standard error."""
        return self.directory.with_suffix(".log").read_text(errors="replace")

    def processes(self) -> dict[int, str]:
        """Return every process that it started and that still runs."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    if f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes():
                        found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return found

    def hub_workers(self) -> dict[int, int]:
        """Return the process of each hub worker that runs, by its number."""
        found = {}
        for pid, line in self.processes().items():
            if "server.app" in line:
                with contextlib.suppress(OSError):
                    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                    number = next(each for each in environ if each.startswith(b"HUB_NUMBER="))
                    found[int(number.partition(b"=")[2])] = pid
        return found

    async def all_gone(self, seconds: float = PATIENCE) -> dict[int, str]:
        """Wait until nothing that it started runs; return what still does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.processes():
                    await asyncio.sleep(0.05)
        return self.processes()
