"""What operators see of uplinks and recordings: counts by state, never an id.

Gauges are counted when they are read: every session reports each second.
"""

from functools import partial

from protocol.health import RecordingHealth, UplinkHealth
from server.ops import metrics


class StreamMetrics:
    """Turn the health of every session's uplink and recording into gauges and counters."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[UplinkHealth, RecordingHealth | None]] = {}
        self._shown: set[str] = set()
        metrics.recording_backlog_seconds.set_function(self._backlog_seconds)

    def observe(
        self, session: str, uplink: UplinkHealth, recording: RecordingHealth | None
    ) -> None:
        """Take what a session reported."""
        before = self._known.get(session)
        lost = 0 if before is None else before[0].lost
        # Of another publisher, or another worker: it counts from zero.
        metrics.publisher_lost_packets.inc(uplink.lost - lost if uplink.lost >= lost else 0)
        self._known[session] = uplink, recording
        self._show(uplink.state)
        if recording is not None:
            self._show(recording.state)

    def forget(self, session: str) -> None:
        """Leave out a session that is over, or another node's."""
        self._known.pop(session, None)

    def _show(self, state: str) -> None:
        if state not in self._shown:
            self._shown.add(state)
            metrics.publishers.labels(state).set_function(partial(self._uplinks, state))
            metrics.recordings.labels(state).set_function(partial(self._recordings, state))

    def _uplinks(self, state: str) -> int:
        return sum(uplink.state == state for uplink, _ in self._known.values())

    def _recordings(self, state: str) -> int:
        return sum(
            recording is not None and recording.state == state
            for _, recording in self._known.values()
        )

    def _backlog_seconds(self) -> float:
        kept = [recording for _, recording in self._known.values() if recording is not None]
        return sum(recording.waiting_ms for recording in kept) / 1000
