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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

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
    second signal changes nothing, unless it is heard by :func:`if_asked_again`.
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


@contextmanager
def if_asked_again(call: Callable[[], None]) -> Iterator[None]:
    """Call it on each SIGTERM or SIGINT that comes while the block lasts."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _nothing)


def _nothing() -> None:
    """Do nothing: what else is to be ended is ours alone, and takes no time."""


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

    def kill(self) -> None:
        """End the worker at once. Idempotent."""
        if self._process is not None and self._process.returncode is None:
            log.error("worker_killed", worker=self.name)
            self._process.kill()

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
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bind(probe, host, wanted)


@contextmanager
def held_port(host: str, wanted: int = 0) -> Iterator[int]:
    """Keep ``wanted``, or for 0 any port, while the block lasts, for those who share it.

    A socket that is bound and does not listen takes no connection, and keeps every other program
    off; processes of the same user that bind with ``SO_REUSEPORT`` listen beside it. They may come
    and go.

    Raises:
        InvalidSettingsError: If it is taken.

    """
    wanted = wanted and free_port(host, wanted)  # nor is it shared with whoever listens already
    with socket.socket(_family(host)) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            port = _bind(holder, host, wanted)
        except InvalidSettingsError:
            # Connections of another program are about to end there: for a minute nobody can hold
            # the port, and everybody can listen.
            log.warning("port_not_held", port=wanted)
            port = wanted
        yield port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bind(channel: socket.socket, host: str, wanted: int) -> int:
    try:
        channel.bind((host, wanted))
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "there is no such port"
        reason = f"Cannot listen on {host}, port {wanted}: {why}."
        raise InvalidSettingsError(f"{reason} Choose another port.") from None
    port: int = channel.getsockname()[1]
    return port
