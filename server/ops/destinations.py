"""What operators see of destinations: counts by provider, state and code, never an id."""

from collections import Counter
from collections.abc import Mapping

from protocol.health import DestinationHealth
from server.ops import metrics

_Labels = tuple[str, str]


class DestinationMetrics:
    """Turn the health of every session's destinations into gauges and counters."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, DestinationHealth]] = {}
        self._shown: set[_Labels] = set()
        self._providers: set[str] = set()

    def observe(self, session: str, destinations: Mapping[str, DestinationHealth]) -> None:
        """Take what a session reported; its counters only ever grow while it is enabled."""
        before = self._known.get(session, {})
        self._known[session] = dict(destinations)
        for identity, now in destinations.items():
            self._count(before.get(identity), now)
        self._show()

    def forget(self, session: str) -> None:
        """Leave out a session that is over, or another node's."""
        if self._known.pop(session, None) is not None:
            self._show()

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

    def _show(self) -> None:
        everything = [each for of in self._known.values() for each in of.values()]
        states = Counter[_Labels]((each.provider, each.state) for each in everything)
        for labels in self._shown | states.keys():
            metrics.destinations.labels(*labels).set(states[labels])
        self._shown |= states.keys()
        bits: Counter[str] = Counter()
        lag: dict[str, int] = {}
        for each in everything:
            bits[each.provider] += each.kbps * 1000
            lag[each.provider] = max(lag.get(each.provider, 0), each.lag_ms)
        self._providers |= bits.keys()
        for provider in self._providers:
            metrics.destination_bits.labels(provider).set(bits[provider])
            metrics.destination_lag_seconds.labels(provider).set(lag.get(provider, 0) / 1000)
