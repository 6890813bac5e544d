"""Worker processes: started, watched, restarted when they crash, and never left behind.

The supervisor holds a pipe to the standard input of each worker. End of file there means that the
supervisor is gone, however it died, and the worker stops: :func:`parent_gone`.
"""

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from server.errors import InvalidSettingsError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MEDIA_SOCKET = "MEDIA_SOCKET"
"""Environment variable by which hub and media workers learn where they meet.

A media worker finds its own socket there, the hub those of all, separated by colons.
"""

HUB_NUMBER = "HUB_NUMBER"
"""Environment variable: which of a machine's hub workers this is, from 0 on."""

PARENT_SECONDS = 0.1
RESTART_SECONDS = 0.5
RESTART_MOST_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A worker that ran for this long crashes afresh: its next restart does not wait longer."""


async def parent_gone() -> None:
    """Return when the process that started this one is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(1024):
            pass
    finally:
        transport.close()


async def stop_asked(*, watch_parent: bool = False) -> bool:
    """Return on SIGTERM or SIGINT; ``watch_parent``: also when the one who started us is gone.

    Say whether that is so: then everything that it started stops, not this process alone. A
    second signal changes nothing.
    """
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    signalled = asyncio.ensure_future(asked.wait())
    gone = asyncio.ensure_future(parent_gone() if watch_parent else asyncio.Event().wait())
    try:
        await asyncio.wait((signalled, gone), return_when=asyncio.FIRST_COMPLETED)
        # Who stops all of its workers says both at once.
        await asyncio.wait((gone,), timeout=PARENT_SECONDS if watch_parent else 0)
        return gone.done()
    finally:
        signalled.cancel()
        gone.cancel()


def forbid_core_dumps() -> None:
    """Let a crash leave no image of this process: its memory holds stream keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Worker:
    """One worker process that is kept running.

    When it is ready it writes one line of JSON to its standard output: what others need to know.
    """

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        self.env = dict(env)
        self._argv = [sys.executable, *argv]
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._is_up = asyncio.Event()
        self._is_asked = False
        """Whether it was asked to end, to be started again."""

    async def run(self) -> None:
        """Start the worker, and start it again whenever it ends, until cancelled."""
        pause = RESTART_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self.env,
                # Ctrl-C reaches the whole foreground group: only the supervisor acts on it.
                start_new_session=True,
            )
            await self._read_output(self._process)
            code = await self._process.wait()
            self._is_up.clear()
            if self._is_asked:
                self._is_asked = False
                continue
            log.error("worker_ended", worker=self.name, status=code, restart_seconds=pause)
            if loop.time() - started > STEADY_SECONDS:
                pause = RESTART_SECONDS
            await asyncio.sleep(pause)
            pause = min(RESTART_MOST_SECONDS, pause * 2)

    async def ready(self) -> dict[str, str]:
        """Return what the worker said when it was ready for the first time."""
        return await asyncio.shield(self._ready)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def restart(self, seconds: float, start_seconds: float) -> None:
        """Ask the worker to leave, alone, within ``seconds``; return when it is ready again.

        Raises:
            TimeoutError: If that takes longer than ``start_seconds``.

        """
        process = self._process
        if process is not None and process.returncode is None:
            self._is_asked = True
            self._is_up.clear()
            process.terminate()
            try:
                async with asyncio.timeout(seconds):
                    await process.wait()
            except TimeoutError:
                log.error("worker_killed", worker=self.name)
                process.kill()
        async with asyncio.timeout(start_seconds):
            await self._is_up.wait()

    async def stop(self, seconds: float) -> None:
        """Ask the worker to stop, and make it after ``seconds``. Idempotent."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        # End of file: everything stops; the signal, for who does not listen yet.
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            log.error("worker_killed", worker=self.name)
            process.kill()
            await process.wait()

    async def _read_output(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            try:
                said = msgspec.json.decode(line, type=dict[str, str])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                log.warning("worker_said", worker=self.name, text=line.decode(errors="replace"))
                continue
            self._is_up.set()
            if not self._ready.done():
                self._ready.set_result(said)


def say_ready(**said: str) -> None:
    """Tell the supervisor, from inside a worker, that it is ready."""
    os.write(sys.stdout.fileno(), msgspec.json.encode(said) + b"\n")


def free_port(host: str, wanted: int = 0) -> int:
    """Return ``wanted``, or for 0 any port, having seen that one can listen there.

    Raises:
        InvalidSettingsError: If one cannot.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            reason = f"Cannot listen on {host}, port {wanted}: {error.strerror}."
            raise InvalidSettingsError(f"{reason} Choose another port.") from None
        port: int = probe.getsockname()[1]
        return port
