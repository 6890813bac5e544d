"""Server processes under test: started, pinned to a processor, measured, and always ended."""

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from load.place import Ready, RefusedError, read_ready

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_DEMO_START_SECONDS = 60.0
_DEMO_STOP_SECONDS = 30.0


class BenchError(Exception):
    """A benchmark could not be run to its end."""


@dataclass(frozen=True, slots=True)
class Processors:
    """Where the server runs and where the generator does; None where that cannot be chosen."""

    server: int | None
    generator: int | None


def choose_processors() -> Processors:
    """Return two different processors of those this process may use, if there are two."""
    if not hasattr(os, "sched_getaffinity"):  # macOS
        return Processors(None, None)
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Processors(None, None)
    return Processors(allowed[-1], allowed[-2])


@contextlib.contextmanager
def on_processor(number: int | None) -> Iterator[None]:
    """Run the block, and whatever it starts, on one processor."""
    if number is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that all threads of a process have used so far.

    Raises:
        BenchError: If the process is gone.

    """
    tasks = Path(f"/proc/{pid}/task")
    try:
        if tasks.is_dir():
            stats = (task / "schedstat" for task in tasks.iterdir())
            return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e9
        shown = subprocess.run(  # noqa: S603
            ("/bin/ps", "-o", "time=", "-p", str(pid)), capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        raise BenchError(f"process {pid} has ended") from None
    return parse_ps_time(shown)


def cpu_seconds_below(pid: int) -> float:
    """Return the processor time of a process and of all that it has started and that are there.

    Raises:
        BenchError: If the process is gone.

    """
    spent = cpu_seconds(pid)
    for child, _ in below(pid):
        with contextlib.suppress(BenchError):  # it has just ended
            spent += cpu_seconds(child)
    return spent


def below(root: int) -> Iterator[tuple[int, str]]:
    """Yield the processes that one has started, directly or not, with their command lines."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    for pid in parents:
        above = pid
        while above in parents and above != root:
            above = parents[above]
        if above == root and pid != root:
            with contextlib.suppress(OSError):
                yield pid, Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def parse_ps_time(text: str) -> float:
    """Return the seconds in what ``ps -o time`` shows: ``1:02.34`` or ``1-01:02:03``."""
    days, _, clock = text.strip().rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return int(days or 0) * 86_400 + seconds


def allow_many_sockets(wanted: int) -> None:
    """Raise this process' limit of open files, and thereby its children's.

    Raises:
        BenchError: If the system allows fewer than ``wanted``.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < wanted:
        raise BenchError(f"{wanted} open files are needed, the system allows {hard}")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass(frozen=True, slots=True)
class Served:
    """A running server under test."""

    name: str
    pid: int
    port: int


@contextlib.asynccontextmanager
async def serving(
    name: str, command: Sequence[str], processor: int | None, *, port: int | None = None
) -> AsyncIterator[Served]:
    """Run a server of the contract in :mod:`load.bench.fanout` for as long as the block lasts.

    One that does not say its ``port`` is told to stop, rather than to listen for our end.

    Raises:
        BenchError: If it does not say its port, or listen there, in time.

    """
    with on_processor(processor):
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
    assert process.stdin is not None
    try:
        if port is None:
            port = await _said_port(name, process)
        else:
            await _listening(name, port)
        yield Served(name, process.pid, port)
    finally:
        process.stdin.close()
        async with stopping(process):
            pass


async def _said_port(name: str, process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            word, _, port = (await process.stdout.readline()).decode().partition(" ")
    except TimeoutError:
        raise BenchError(f"{name} did not start") from None
    if word != "port":
        raise BenchError(f"{name} did not say its port")
    return int(port)


async def _listening(name: str, port: int) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                with contextlib.suppress(ConnectionError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise BenchError(f"{name} did not start") from None


@contextlib.asynccontextmanager
async def stopping(
    process: asyncio.subprocess.Process, seconds: float = _STOP_SECONDS
) -> AsyncIterator[None]:
    """Ask ``process`` to stop when the block ends, and make it after ``seconds``."""
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Demo:
    """A running ``liveclass demo``: its first process, its data, and where everything is."""

    pid: int
    data: Path
    ready: Ready


@contextlib.asynccontextmanager
async def demo(log: Path, **environ: str) -> AsyncIterator[Demo]:
    """Run ``liveclass demo`` with nobody in it, on a directory of its own, writing to ``log``.

    ``environ`` is added to the environment of its processes.

    Raises:
        BenchError: If it is not ready in time.

    """
    with tempfile.TemporaryDirectory(prefix="liveclass-bench-") as directory:
        # Started by root, the database runs as somebody else, who must find its way in.
        os.chmod(directory, 0o711)  # noqa: S103
        ready_file, data = Path(directory) / "ready.json", Path(directory) / "data"
        command = (
            *(sys.executable, "-m", "server", "demo", "--port", "0"),
            *("--data", str(data), "--ready-file", str(ready_file)),
            *("--teacher", "none", "--students", "0"),
        )
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | environ,
            )
        async with stopping(process, _DEMO_STOP_SECONDS):
            yield Demo(process.pid, data, await _ready(process, ready_file, log))


async def _ready(process: asyncio.subprocess.Process, ready_file: Path, log: Path) -> Ready:
    ended = asyncio.create_task(process.wait())
    try:
        async with asyncio.timeout(_DEMO_START_SECONDS):
            while not ended.done():
                with contextlib.suppress(RefusedError):  # not written, or not to its end
                    return read_ready(ready_file)
                await asyncio.wait((ended,), timeout=0.2)
    except TimeoutError:
        pass
    finally:
        ended.cancel()
    raise BenchError(f"liveclass demo did not become ready:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
