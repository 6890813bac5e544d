"""What operators see of destinations: counts by provider, state and code, never an id.

Gauges are counted when they are read: every session reports each second.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from protocol.health import DestinationHealth
from server.ops import metrics


class DestinationMetrics:
    """Turn the health of every session's destinations into gauges and counters."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, DestinationHealth]] = {}
        self._shown: set[tuple[str, str]] = set()

    def observe(self, session: str, destinations: Mapping[str, DestinationHealth]) -> None:
        """Take what a session reported; its counters only ever grow while it is enabled."""
        before = self._known.get(session, {})
        self._known[session] = dict(destinations)
        for identity, now in destinations.items():
            self._count(before.get(identity), now)
            self._show(now.provider, now.state)

    def forget(self, session: str) -> None:
        """Leave out a session that is over, or another node's."""
        self._known.pop(session, None)

    def _count(self, old: DestinationHealth | None, now: DestinationHealth) -> None:
        if old is None or now.bytes < old.bytes or now.connects < old.connects:
            # Enabled anew, perhaps by another worker: it counts from zero.
            old = DestinationHealth("no_data", "server", "", 0, "armed")
        provider = now.provider
        metrics.destination_bytes.labels(provider).inc(now.bytes - old.bytes)
        metrics.destination_dropped.labels(provider).inc(max(0, now.dropped - old.dropped))
        metrics.destination_connects.labels(provider).inc(now.connects - old.connects)
        if now.retries > old.retries and now.last_error is not None:
            errors = metrics.destination_errors.labels(provider, now.last_error.code)
            errors.inc(now.retries - old.retries)

    def _show(self, provider: str, state: str) -> None:
        if (provider, state) not in self._shown:
            self._shown.add((provider, state))
            number = partial(self._number, provider, state)
            metrics.destinations.labels(provider, state).set_function(number)
            bits, lag = partial(self._bits, provider), partial(self._lag_seconds, provider)
            metrics.destination_bits.labels(provider).set_function(bits)
            metrics.destination_lag_seconds.labels(provider).set_function(lag)

    def _number(self, provider: str, state: str) -> int:
        return sum(each.state == state for each in self._of(provider))

    def _bits(self, provider: str) -> int:
        return sum(each.kbps * 1000 for each in self._of(provider))

    def _lag_seconds(self, provider: str) -> float:
        return max((each.lag_ms for each in self._of(provider)), default=0) / 1000

    def _of(self, provider: str) -> Iterator[DestinationHealth]:
        for of in self._known.values():
            yield from (each for each in of.values() if each.provider == provider)
