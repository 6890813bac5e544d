"""``python -m server.media``: the media worker, as the supervisor runs it."""

import asyncio
import gc
import os
from contextlib import AsyncExitStack
from pathlib import Path

from structlog.contextvars import bind_contextvars

from server import logs
from server.addresses import parse_allowed
from server.clock import SystemClock
from server.config import Settings, load
from server.media.destinations.address import AddressGuard
from server.media.network import Network
from server.media.recording.spool import spool_directory
from server.media.worker import run
from server.objects.open import open_objects
from server.objects.signing import UrlSigner
from server.ops.limits import raise_file_limit
from server.processes import MEDIA_SOCKET, forbid_core_dumps, say_ready, stop_asked


async def serve(settings: Settings, socket_path: Path) -> None:
    """Carry media until SIGTERM, or until the supervisor is gone; end every stream politely."""
    async with AsyncExitStack() as stack:
        signer = UrlSigner(settings.token_secret, settings.public_url, SystemClock())
        objects = await stack.enter_async_context(open_objects(settings.objects_url, signer))
        guard = AddressGuard(
            parse_allowed(",".join(settings.egress_allow)),
            own_ports=(settings.port, settings.ops_port),
            own_networks=settings.own_networks,
        )
        working = asyncio.ensure_future(
            run(
                socket_path,
                objects=objects,
                spool=spool_directory(settings.spool_dir, settings.runtime_dir),
                guard=guard,
                network=_network(settings),
                ready=say_ready,
            )
        )
        stopping = asyncio.ensure_future(stop_asked(watch_parent=True))
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        working.cancel()
        await asyncio.wait((working,))
        if not working.cancelled():
            working.result()


def _network(settings: Settings) -> Network:
    first, _, last = (settings.media_ports or "0-0").partition("-")
    return Network(settings.media_addresses, settings.media_public_address, int(first), int(last))


def main() -> None:
    """Run the media worker."""
    settings = load(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    forbid_core_dumps()
    raise_file_limit()
    bind_contextvars(worker=Path(os.environ[MEDIA_SOCKET]).stem)
    # What is loaded by now is never garbage: to look through it again, while somebody joins, would
    # stop the pictures for 50 ms.
    gc.collect()
    gc.freeze()
    asyncio.run(serve(settings, Path(os.environ[MEDIA_SOCKET])))


main()
