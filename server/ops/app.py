"""The operators' application."""

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from server.ops.health import Health
from server.ops.scrape import Scrape


def build_ops_app(health: Health, worker_sockets: Sequence[Path] = ()) -> web.Application:
    """Return the application for the ops port: health and metrics.

    What the media workers behind ``worker_sockets`` count is shown with the rest.
    """
    app = web.Application()
    scrape = Scrape(worker_sockets)
    app.cleanup_ctx.append(scrape.keep)
    app.add_routes(
        [
            web.get("/healthz", health.live),
            web.get("/healthz/live", health.live),
            web.get("/healthz/startup", health.startup),
            web.get("/healthz/ready", health.ready),
            web.get("/readyz", health.ready),
            web.get("/metrics", scrape.show),
        ]
    )
    return app
