"""What a media worker counts itself, for its own ``/metrics``: no labels, no ids."""

from prometheus_client import CollectorRegistry, Histogram

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
