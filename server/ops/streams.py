"""What operators see of uplinks and recordings: counts by state, never an id."""

from collections import Counter

from protocol.health import RecordingHealth, UplinkHealth
from server.ops import metrics


class StreamMetrics:
    """Turn the health of every session's uplink and recording into gauges and counters."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[UplinkHealth, RecordingHealth | None]] = {}
        self._shown: set[str] = set()

    def observe(
        self, session: str, uplink: UplinkHealth, recording: RecordingHealth | None
    ) -> None:
        """Take what a session reported."""
        before = self._known.get(session)
        lost = 0 if before is None else before[0].lost
        # Of another publisher, or another worker: it counts from zero.
        metrics.publisher_lost_packets.inc(uplink.lost - lost if uplink.lost >= lost else 0)
        self._known[session] = uplink, recording
        self._show()

    def forget(self, session: str) -> None:
        """Leave out a session that is over, or another node's."""
        if self._known.pop(session, None) is not None:
            self._show()

    def _show(self) -> None:
        uplinks = Counter[str](uplink.state for uplink, _ in self._known.values())
        kept = [recording for _, recording in self._known.values() if recording is not None]
        states = Counter[str](recording.state for recording in kept)
        self._shown |= uplinks.keys() | states.keys()
        for state in self._shown:
            metrics.publishers.labels(state).set(uplinks[state])
            metrics.recordings.labels(state).set(states[state])
        waiting = sum(recording.waiting_ms for recording in kept)
        metrics.recording_backlog_seconds.set(waiting / 1000)
