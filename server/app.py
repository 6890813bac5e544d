"""The hub worker: every part, who knows whom, and the order of start and stop. Read top to bottom.

``python -m server.app`` is what the supervisor runs (:mod:`server.serve`); its settings are the
environment's.
"""

import asyncio
import contextlib
import gc
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web
from redis.asyncio import Redis
from structlog.contextvars import bind_contextvars

from protocol.events import SessionEnded
from server import logs
from server.addresses import parse_allowed
from server.artifacts.worker import Maker
from server.assets.processing import WORKERS, Processing
from server.assets.sweeping import Sweeping
from server.auth.grants import Grants, grants_key
from server.auth.issuers import TrustedIssuer
from server.auth.join_links import JoinLinks, join_links_key
from server.auth.jwks import Issuers
from server.auth.origins import Origins
from server.auth.tokens import Tokens, tokens_key
from server.auth.turn import Turn, turn_key
from server.broadcast import Broadcast
from server.clock import SystemClock
from server.config import Settings, load, settings_key
from server.errors import UnavailableError
from server.hub.adoption import Adoption
from server.hub.departure import depart
from server.hub.door import Door
from server.hub.forgetting import Forgetting
from server.hub.hub import Hub
from server.hub.lease import Lease
from server.hub.link_server import LinkServer
from server.hub.links import Links
from server.hub.live_sessions import LiveSessions
from server.hub.presence import Presence
from server.hub.revocation import Revocation
from server.hub.seating import Place
from server.hub.snapshots import Snapshots
from server.hub.socket import LiveSocket
from server.listening import close_when, listen, url_of
from server.media.destinations.address import AddressGuard
from server.media.destinations.trials import Trials
from server.media.pool import WorkerPool
from server.media.recording.spool import spool_directory
from server.objects.open import open_objects
from server.objects.signing import UrlSigner
from server.ops import metrics, tracing
from server.ops.app import build_ops_app
from server.ops.health import Health
from server.ops.limits import raise_file_limit
from server.ops.loop_lag import LoopLag
from server.ops.parts import free_bytes, room_on, seen
from server.processes import (
    HUB_NUMBER,
    MEDIA_SOCKET,
    forbid_core_dumps,
    held_port,
    say_ready,
    stop_asked,
)
from server.recordings.downloads import Downloads
from server.recordings.unfinished import Unfinished
from server.registry import Registry
from server.replays.media import Timelines
from server.replays.moments import Moments
from server.replays.publisher import Publisher
from server.rest import cors, problems, routes, specification
from server.rest.artifacts import maker_key
from server.rest.join_links import JOINS
from server.rest.objects import signer_key
from server.rest.ports import (
    addresses_key,
    clock_key,
    erasures_key,
    key_vault_key,
    live_sessions_key,
    objects_key,
    projections_key,
    signalling_key,
    trials_key,
    uploads_key,
    webhooks_key,
)
from server.rest.recordings import downloads_key
from server.rest.replays import moments_key, timelines_key
from server.rest.throttle import Throttle, joins_key
from server.retention import Retention
from server.secrets.references import References
from server.secrets.vault import Vault
from server.signalling import Signalling
from server.store import installation, tenants
from server.store.log import LogReader, LogWriter
from server.store.nodes import Membership
from server.store.pool import Pools, pools_key
from server.store.projector import Projector
from server.strays import Strays
from server.tasks import Supervisor
from server.web import pages
from server.webhooks.dispatcher import Dispatcher
from server.webhooks.sender import Sender

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

COLLECT_EVERY = 10_000, 5, 40
"""Objects more than there were, and how often of them the middle-aged and all are looked at.
Python's own 700, 10 and 10 look at all connections again for every hundred that come: a storm of
thousands spent more than half of its time there, 0.1 to 0.8 s at a stretch."""
UNWIND_SECONDS = 1.0
MEDIA_END_SECONDS = 3.0
RESUME_SECONDS = 5.0
MEDIA_SECONDS = 5.0
"""How long people wait for the classes that were on air to be open again."""
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


async def run(settings: Settings, media_sockets: Sequence[Path]) -> None:
    """Serve until SIGTERM, or until the supervisor is gone; then say goodbye to everybody."""
    clock = SystemClock()
    # The same name after a restart in place: what this worker owned is its own again at once.
    node = f"{socket.gethostname()}:{settings.port}.{os.environ.get(HUB_NUMBER, '0')}"
    bind_contextvars(node=node)
    public = settings.public_url
    async with AsyncExitStack() as stack:
        link_port = stack.enter_context(held_port(settings.link_host))
        link = url_of(settings.link_host, link_port)
        tasks = await stack.enter_async_context(Supervisor("app"))

        # What keeps things.
        pools = await stack.enter_async_context(Pools.open(settings.database_url.reveal()))
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.reveal()))
        signer = UrlSigner(settings.token_secret, public, clock)
        objects = await stack.enter_async_context(open_objects(settings.objects_url, signer))
        identity = await installation.read(pools)
        reader = LogReader(pools)
        writer = await stack.enter_async_context(LogWriter(pools))
        membership = await stack.enter_async_context(Membership(pools, node, public, link))
        projector = await stack.enter_async_context(Projector(pools))
        vault = Vault(pools, settings.secret_keys)
        references = References(vault)
        own_ports = (settings.port, settings.ops_port, link_port)
        webhooks = await stack.enter_async_context(
            Dispatcher(
                pools,
                vault,
                Sender(parse_allowed(",".join(settings.webhook_allow)), own_ports=own_ports),
                identity,
                clock,
            )
        )

        # What is live.
        registry = Registry(pools, references, identity.log)

        async def open_class(tenant: str, session: str) -> None:
            await hub.room(Place(session, tenant, identity.log))

        def announce(session: str, types: Sequence[str]) -> None:
            webhooks.notify(session, types)
            if SessionEnded.type in types:
                maker.notify(session)

        lease = Lease(pools, node, membership)
        broadcast = Broadcast(
            tasks=tasks,
            find_targets=registry.find_targets,
            find_place=registry.find_place,
            notify=projector.notify,
            announce=announce,
            is_near=lease.is_near,
        )
        links = await stack.enter_async_context(Links(settings.token_secret, clock, node))
        hub = Hub(
            lease=lease,
            follow=links.follow,
            writer=writer,
            reader=reader,
            snapshots=Snapshots(pools, reader, tasks),
            clock=clock,
            tasks=tasks,
            listener=broadcast,
            drain_seconds=settings.drain_seconds,
        )
        fabric = await stack.enter_async_context(
            WorkerPool(
                media_sockets,
                on_event=broadcast.on_event,
                resolve_secret=registry.resolve_secret,
                on_health=broadcast.on_health,
            )
        )
        with contextlib.suppress(TimeoutError):
            # What a worker carries already must be known before a session is given a home.
            async with asyncio.timeout(MEDIA_SECONDS):
                await fabric.ready()
        broadcast.introduce(hub, fabric)
        signalling = await stack.enter_async_context(
            Signalling(hub, fabric, registry.find_place, settings.token_secret)
        )
        presence = Presence(redis, node, hub.present)
        revocation = Revocation(hub, pools, fabric.expel)
        live_sessions = LiveSessions(hub, reader, identity.log)
        retention = Retention(pools, objects, live_sessions, clock)
        maker = Maker(pools, reader, live_sessions.report, clock)
        uploads = Processing(pools, objects, live_sessions, reader, clock)

        # What is served.
        trusted = map(TrustedIssuer.parse, settings.trusted_issuers)
        issuers = await stack.enter_async_context(Issuers.open(trusted, clock))
        tokens = Tokens(settings.token_secret, settings.token_issuer, clock, issuers)
        origins = Origins(public, settings.allowed_origins)
        door = Door(pools, origins, identity.log)
        live = LiveSocket(hub, tokens, door, clock)
        app = web.Application(middlewares=[problems.middleware])
        app[settings_key] = settings
        app[tokens_key] = tokens
        app[pools_key] = pools
        app[key_vault_key] = vault
        app[objects_key] = objects
        app[signer_key] = signer
        app[live_sessions_key] = live_sessions
        app[erasures_key] = retention
        app[uploads_key] = uploads
        app[maker_key] = maker
        app[downloads_key] = downloads = Downloads(pools, objects)
        app[clock_key] = clock
        app[moments_key] = Moments(pools, reader, live_sessions.blanked)
        app[timelines_key] = Timelines(objects)
        app[projections_key] = projector
        app[signalling_key] = signalling
        app[webhooks_key] = webhooks
        app[addresses_key] = AddressGuard(
            parse_allowed(",".join(settings.egress_allow)),
            own_ports=own_ports,
            own_networks=settings.own_networks,
        )
        app[trials_key] = Trials(
            references.resolve,
            allowed=settings.egress_allow,
            own_ports=own_ports,
            own_networks=settings.own_networks,
        )
        app[grants_key] = Grants(settings.token_secret, clock)
        app[join_links_key] = JoinLinks(settings.token_secret)
        app[joins_key] = Throttle(JOINS, clock)
        app[turn_key] = Turn(settings.ice_servers, settings.turn_secret, clock)
        app[cors.origins_key] = origins
        app.on_response_prepare.append(cors.share)
        app.add_routes([web.get(f"/v1/sessions/{{session:{UUID}}}/live", live.handle)])
        app.add_routes(routes.table())
        app.add_routes(specification.routes())
        app.add_routes(
            pages.routes(objects=objects.origin, framers=partial(tenants.find_framers, pools))
        )
        health = Health(clock)
        loop_lag = LoopLag(metrics.loop_lag_seconds)
        metrics.append_waiting.set_function(lambda: writer.waiting)
        metrics.beat_age_seconds.set_function(lambda: lease.beat_age_seconds)
        for role in ("app", "hub", "projector"):
            metrics.pool_in_use.labels(role).set_function(partial(pools.in_use, role))

        # Start, in the order in which each needs the one before.
        tasks.start("lease", lease.keep(hub.doubt))
        tasks.start("rooms", hub.keep_time())
        tasks.start("loop_lag", loop_lag.run())
        tasks.keep("presence", presence.run)
        tasks.keep("forgetting", Forgetting(hub, pools).run)
        tasks.keep("revocation", revocation.run)
        tasks.keep("retention", retention.run)
        tasks.keep("artifacts", maker.run)
        for number in range(WORKERS):
            tasks.keep(f"uploads{number}", uploads.run)
        tasks.keep("sweeping", Sweeping(pools, objects, clock).run)
        tasks.keep("downloads", downloads.run)
        tasks.keep("unfinished", Unfinished(pools, open_class).run)
        tasks.keep("publisher", Publisher(pools, live_sessions.report, clock).run)
        tasks.keep("strays", Strays(fabric, pools, lease).run)
        adoption = Adoption(hub, pools, node, identity.log)
        # Not for ever: long logs that have to be folded would keep everybody else out.
        await asyncio.wait((tasks.start("resume", adoption.begin()),), timeout=RESUME_SECONDS)
        tasks.keep("adoption", adoption.run)
        # What people reach ends before what it needs.
        front = await stack.enter_async_context(AsyncExitStack())
        app.on_response_prepare.append(close_when(lambda: hub.is_draining))
        inner = web.Application()
        LinkServer(hub, settings.token_secret, identity.log).serve(inner)
        inner.add_routes(signalling.routes())
        await listen(stack, inner, settings.link_host, link_port)
        url, public_site = await listen(front, app, settings.host, settings.port)
        # The media workers are the machine's: one process tells of them.
        is_first = os.environ.get(HUB_NUMBER, "0") == "0"
        ops = build_ops_app(health, media_sockets if is_first else ())
        ops_url, _ = await listen(stack, ops, settings.ops_host, settings.ops_port)
        health.watch("postgresql", pools.ping)
        health.watch("leases", lease.check)
        health.watch("loop", loop_lag.check)
        health.watch("redis", presence.check, is_needed=False)
        health.watch("media", fabric.check, is_needed=False)
        health.watch("objects", partial(seen, objects), is_needed=False, every_seconds=30.0)
        spool = spool_directory(settings.spool_dir, settings.runtime_dir)
        metrics.spool_free_bytes.set_function(partial(free_bytes, spool))
        health.watch("disk", partial(room_on, spool), is_needed=False, every_seconds=10.0)
        health.phase = "serving"
        # What lives as long as the process is never garbage: do not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_EVERY)
        say_ready(url=url, ops_url=ops_url)
        with_server = await stop_asked(watch_parent=True)

        log.info("draining", connections=len(hub.connections), with_server=with_server)
        health.phase = "draining"
        await public_site.stop()
        if with_server:
            # What it says as it ends belongs into the log, before somebody else's media begins.
            await fabric.gone(MEDIA_END_SECONDS)
        await depart(hub, lease, settings.drain_seconds, with_server=with_server)
        await front.aclose()
        await hub.drain()
        # What is left to end is ours alone: a database that hangs keeps nobody here.
        asyncio.get_running_loop().call_later(UNWIND_SECONDS, pools.abandon)


def main() -> None:
    """Run the hub worker."""
    settings = load(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    forbid_core_dumps()
    raise_file_limit()
    tracing.configure(os.environ)
    media_sockets = [Path(path) for path in os.environ[MEDIA_SOCKET].split(":")]
    try:
        with asyncio.Runner(loop_factory=_loop_factory(settings)) as runner:
            runner.run(run(settings, media_sockets))
    except UnavailableError as error:
        # PostgreSQL is away: the supervisor starts this process again.
        log.error("hub_worker_cannot_start", reason=str(error.__cause__ or error))
        sys.exit(1)
    finally:
        tracing.shut_down()


def _loop_factory(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if settings.loop == "asyncio":
        return None
    import uvloop  # not on every platform

    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
