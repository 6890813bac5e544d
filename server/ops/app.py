"""The operators' application."""

from aiohttp import web

from server.ops import metrics
from server.ops.health import Health


def build_ops_app(health: Health) -> web.Application:
    """Return the application for the ops port: health and metrics."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz/live", health.live),
            web.get("/healthz/startup", health.startup),
            web.get("/healthz/ready", health.ready),
            web.get("/metrics", metrics.show),
        ]
    )
    return app
