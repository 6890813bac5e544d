"""What a media worker counts itself, for its own ``/metrics``: no labels, no ids.

The workers of a machine are added up (``server.ops.scrape``): a gauge is something of which there
can be a sum.
"""

import time

from prometheus_client import CollectorRegistry, Gauge, Histogram

registry = CollectorRegistry()

write_seconds = Histogram(
    "liveclass_media_write_seconds",
    "From the reading of the packet that made a picture whole to its writing to a destination.",
    buckets=(
        *(0.00005, 0.0001, 0.00015, 0.0002, 0.00025, 0.0003, 0.0004, 0.0005, 0.0007),
        *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 2),
    ),
    registry=registry,
)
loop_lag_seconds = Histogram(
    "liveclass_media_loop_lag_seconds",
    "How late the event loop of a media worker runs.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=registry,
)
sessions = Gauge(
    "liveclass_media_sessions", "Sessions that the media workers carry.", registry=registry
)
viewers = Gauge(
    "liveclass_media_viewers", "People who watch by WebRTC, relays included.", registry=registry
)
cpu_seconds = Gauge(
    "liveclass_media_cpu_seconds",
    "Processor time that the media workers that run now have used.",
    registry=registry,
)
cpu_seconds.set_function(time.process_time)
