"""How our way to one destination is. Pure."""

from collections import deque
from dataclasses import dataclass

from server.media.destinations.destination import Phase
from server.media.health import WINDOW, State, Verdict, kilobits, verdict

LAG_MS = 1_000


@dataclass(frozen=True, slots=True)
class DestinationSample:
    """What a destination counted until now."""

    at: float
    phase: Phase
    bytes: int
    dropped: int
    lag_ms: int
    source_sends: bool
    """Whether there is anything to send."""


class DestinationHealth:
    """Judge our way to one destination."""

    def __init__(self) -> None:
        self._samples: deque[DestinationSample] = deque(maxlen=WINDOW)

    def add(self, sample: DestinationSample) -> Verdict:
        """Take a sample and return the verdict with its figures."""
        if self._samples and sample.bytes < self._samples[-1].bytes:
            # Another connection counts from zero.
            self._samples.clear()
        self._samples.append(sample)
        first = self._samples[0]
        kbps = kilobits(sample.bytes - first.bytes, sample.at - first.at)
        dropping = sample.dropped > first.dropped
        state, side, text = _judge(sample, dropping)
        return verdict(state, side, text, kbps) | {
            "phase": sample.phase.value,
            "lag_ms": sample.lag_ms,
            "dropped": sample.dropped,
        }


def _judge(sample: DestinationSample, dropping: bool) -> tuple[State, str, str]:
    match sample.phase:
        case Phase.FAILED:
            return State.FAILING, "platform", "The platform does not take the stream."
        case Phase.BACKOFF:
            return State.FAILING, "platform", "The platform is not reached; trying again."
        case Phase.RESOLVING | Phase.CONNECTING | Phase.PRIMING:
            return State.UNSTABLE, "platform", "Connecting to the platform."
        case Phase.ARMED | Phase.STOPPED:
            return State.NO_DATA, "uplink", "Waiting for a steady picture."
        case Phase.LIVE | Phase.DEGRADED:
            if not sample.source_sends:
                return State.NO_DATA, "uplink", "Nothing arrives from the studio."
            if sample.phase is Phase.DEGRADED or dropping or sample.lag_ms > LAG_MS:
                return State.UNSTABLE, "platform", "The platform takes the stream too slowly."
            return State.GOOD, "platform", "The platform takes the stream."
