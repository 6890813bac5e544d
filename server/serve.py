"""One machine's processes: a hub worker and media workers, supervised.

They are separate because the work of packets and the work of fan-out must not share an event loop.
Media workers are started first. All are stopped at once: the hubs hold the classes until media has
ended and its last word is in the log, and then hand them over.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog

from server.config import PREFIX, Settings, variable
from server.errors import InvalidSettingsError
from server.ops import systemd
from server.processes import (
    HUB_NUMBER,
    MEDIA_SOCKET,
    Worker,
    held_port,
    if_asked_again,
    stop_asked,
)
from server.store.migrate import pending
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

START_SECONDS = 30.0
STOP_SECONDS = 15.0
"""What a hub worker may take beside its goodbyes; it takes that long only where things hang."""
MEDIA_STOP_SECONDS = 15.0
"""What is recorded is uploaded first, as far as that takes no time."""


class Running(NamedTuple):
    """Where the server can be reached."""

    url: str
    ops_url: str
    restart_hubs: Callable[[], Awaitable[None]]
    """Start the hub workers anew, one by one: what one owns the others take over meanwhile."""


@asynccontextmanager
async def running(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[Running]:
    """Run the workers while the block lasts; leaving it stops them, with goodbyes.

    ``environ`` is theirs. A worker that crashes is started again, on the port it had.

    Raises:
        InvalidSettingsError: If a port is taken.
        TimeoutError: If they do not become ready.

    """
    with (
        _runtime_directory(settings.runtime_dir) as directory,
        _held_ports(settings) as (port, ops_ports),
    ):
        media, hubs = _workers(settings, environ, directory, port, ops_ports)
        async with Supervisor("serve") as tasks:
            try:
                for worker in media:
                    tasks.start(worker.name, worker.run())
                async with asyncio.timeout(START_SECONDS):
                    for worker in media:
                        await worker.ready()
                    for worker in hubs:
                        tasks.start(worker.name, worker.run())
                    said = [await worker.ready() for worker in hubs]

                async def restart_hubs() -> None:
                    for worker in hubs:
                        await worker.restart(settings.drain_seconds + STOP_SECONDS, START_SECONDS)

                yield Running(said[0]["url"], said[0]["ops_url"], restart_hubs)
            finally:
                # The runs would start again what stops now.
                await tasks.close()
                await _stop(media, hubs, settings.drain_seconds + STOP_SECONDS)


async def serve_until_stopped(settings: Settings, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP starts the hub workers anew, one by one.

    A second SIGTERM or SIGINT ends everything at once, without goodbyes.

    Raises:
        InvalidSettingsError: If the database's schema is not that of this code; if a port is taken.

    """
    missing = await pending(settings.database_url.reveal())
    if missing:
        text = f"The database lacks {len(missing)} migrations: run `liveclass migrate` first."
        raise InvalidSettingsError(text)
    async with running(settings, environ) as server, Supervisor("signals") as tasks:
        tasks.start("restarts", _restart_on_hangup(server))
        log.info("serving", url=server.url, ops_url=server.ops_url)
        systemd.notify("READY=1")
        await stop_asked()
        systemd.notify("STOPPING=1")


async def _restart_on_hangup(server: Running) -> None:
    """Restart the hub workers whenever SIGHUP asks for it, until cancelled."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        log.info("hub_workers_restart")
        try:
            await server.restart_hubs()
        except TimeoutError:
            log.error("hub_workers_restart_given_up")
        else:
            log.info("hub_workers_restarted")


def worker_environment(environ: Mapping[str, str], **settings: str) -> dict[str, str]:
    """Return ``environ`` with ``settings`` (by field) in place of what it says of them."""
    env = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    kept = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    for field, value in settings.items():
        kept.pop(f"{variable(field)}_FILE", None)
        kept[variable(field)] = value
    return env | kept


async def _stop(media: Sequence[Worker], hubs: Sequence[Worker], hub_seconds: float) -> None:
    """Stop all workers, politely; whoever asks again waits no longer."""

    def end_at_once() -> None:
        for worker in (*media, *hubs):
            worker.kill()

    with if_asked_again(end_at_once):
        await asyncio.gather(
            *(worker.stop(hub_seconds) for worker in hubs),
            *(worker.stop(MEDIA_STOP_SECONDS) for worker in media),
        )


def _workers(
    settings: Settings,
    environ: Mapping[str, str],
    directory: Path,
    port: int,
    ops_ports: Sequence[int],
) -> tuple[list[Worker], list[Worker]]:
    """Return the media workers and the hub workers, which meet in ``directory``."""
    env = worker_environment(environ, port=str(port), ops_port=str(ops_ports[0]))
    sockets = [str(directory / f"media-{number}.sock") for number in range(settings.media_workers)]
    media = [
        Worker(f"media-{number}", ("-m", "server.media"), env | {MEDIA_SOCKET: path})
        for number, path in enumerate(sockets)
    ]
    env |= {MEDIA_SOCKET: ":".join(sockets)}
    hubs = [
        Worker(
            f"hub-{number}",
            ("-m", "server.app"),
            worker_environment(env, ops_port=str(ops_port)) | {HUB_NUMBER: str(number)},
        )
        for number, ops_port in enumerate(ops_ports)
    ]
    return media, hubs


@contextmanager
def _held_ports(settings: Settings) -> Iterator[tuple[int, list[int]]]:
    """Hold the public port, and one for the operators of each hub worker.

    A worker that crashes comes back where it was, and all of them know which ports are our own.
    """
    host, first = settings.ops_host, settings.ops_port
    with ExitStack() as stack:
        port = stack.enter_context(held_port(settings.host, settings.port))
        wanted = [first and first + number for number in range(settings.hub_workers)]
        yield port, [stack.enter_context(held_port(host, each)) for each in wanted]


@contextmanager
def _runtime_directory(wanted: Path | None) -> Iterator[Path]:
    """Make a directory that only this user can enter, short enough for a socket's path."""
    if wanted is not None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = tempfile.mkdtemp(prefix="liveclass-", dir=wanted)
    try:
        os.chmod(path, 0o700)
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
