"""One server process that ends when this one does."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from . import launch
from .account import Account
from .errors import EmbeddedError

_LAUNCHER = str(Path(launch.__file__).resolve())


def _open_private(path: Path) -> BinaryIO:
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


class Process:
    """A running program, in a session of its own so that Ctrl-C does not reach it first.

    Its last will is kept by the kernel (see :mod:`.launch`), bound to the *thread* that
    started it: start it from the event loop of the main thread.
    """

    def __init__(self, name: str, child: asyncio.subprocess.Process) -> None:
        self.name = name
        self._child = child

    @classmethod
    async def start(
        cls,
        program: Sequence[str],
        *,
        account: Account | None,
        cwd: Path,
        log: Path,
        last_will: signal.Signals,
    ) -> "Process":
        """Run ``program`` in ``cwd``, its output appended to ``log``."""
        uid, gid = (account.uid, account.gid) if account else (-1, -1)
        with _open_private(log) as output:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", _LAUNCHER,
                *(str(number) for number in (os.getpid(), int(last_will), uid, gid)),
                str(cwd), *program,
                stdin=asyncio.subprocess.DEVNULL
                if sys.platform == "linux"
                else asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            )  # fmt: skip
        return cls(Path(program[0]).name, child)

    @property
    def pid(self) -> int:
        """The process id; on Linux the program's own."""
        return self._child.pid

    @property
    def ended(self) -> bool:
        """Say whether the process has ended."""
        return self._child.returncode is not None

    async def wait(self) -> int:
        """Wait for the end and return the exit status."""
        return await self._child.wait()

    async def stop(self, *signals: signal.Signals, patience_seconds: float = 10) -> None:
        """Send each signal in turn until the process has ended, at last SIGKILL. Idempotent."""
        for number in (*signals, signal.SIGKILL):
            if self.ended:
                return
            self._child.send_signal(number)
            try:
                await asyncio.wait_for(self._child.wait(), patience_seconds)
            except TimeoutError:
                continue
            return
        raise EmbeddedError(f"{self.name} (process {self.pid}) does not end.")
