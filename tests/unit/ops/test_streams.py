"""What operators see of uplinks and recordings."""

from prometheus_client import REGISTRY

from protocol.health import RecordingHealth, UplinkHealth
from server.ops.streams import StreamMetrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"liveclass_{name}", labels) or 0.0


def recording(state: str = "good", waiting_ms: int = 0) -> RecordingHealth:
    return RecordingHealth("r", state, "", waiting_ms)


def test_gauges_are_sums_over_sessions_and_fall_to_zero() -> None:
    streams = StreamMetrics()
    streams.observe("a", UplinkHealth("good", ""), recording("failing", 4_000))
    streams.observe("b", UplinkHealth("unstable", ""), recording("good", 500))
    streams.observe("c", UplinkHealth("no_data", ""), None)
    assert value("publishers", state="good") == value("publishers", state="unstable") == 1
    assert value("recordings", state="failing") == 1
    assert value("recording_backlog_seconds") == 4.5
    streams.observe("a", UplinkHealth("failing", ""), None)
    assert value("publishers", state="good") == value("recordings", state="failing") == 0
    for session in "abc":
        streams.forget(session)
    assert value("publishers", state="failing") == value("recording_backlog_seconds") == 0


def test_lost_packets_only_grow() -> None:
    streams, before = StreamMetrics(), value("publisher_lost_packets_total")
    for lost in (10, 15, 3, 4):  # another publisher after the second
        streams.observe("a", UplinkHealth("good", "", lost=lost), None)
    assert value("publisher_lost_packets_total") - before == 16
