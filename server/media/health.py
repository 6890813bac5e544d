"""How a session's streams are, in words a teacher understands. Pure.

Samples are taken once a second; a verdict looks at the last few. It says whose side the trouble
is on: ``uplink`` (publisher to us), ``platform`` (us to the destination).
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from server.media.destination import Phase

WINDOW = 5
LAG_MS = 1_000
LOSS_UNSTABLE = 0.02
LOSS_FAILING = 0.10
MIN_FPS = 10


class State(StrEnum):
    """A verdict."""

    GOOD = "good"
    UNSTABLE = "unstable"
    FAILING = "failing"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class UplinkSample:
    """What the publisher's streams counted until now."""

    at: float
    bytes: int
    pictures: int
    packets: int
    lost: int
    connected: bool


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


Verdict = dict[str, object]


class UplinkHealth:
    """Judge the publisher's way to us."""

    def __init__(self) -> None:
        self._samples: deque[UplinkSample] = deque(maxlen=WINDOW)

    def add(self, sample: UplinkSample) -> Verdict:
        """Take a sample and return the verdict with its figures."""
        if self._samples and sample.packets < self._samples[-1].packets:
            # Another publisher counts from zero.
            self._samples.clear()
        self._samples.append(sample)
        first = self._samples[0]
        seconds = sample.at - first.at
        packets = sample.packets - first.packets
        if not sample.connected or not packets or seconds <= 0:
            return _verdict(State.NO_DATA, "uplink", "Nothing arrives from the studio.", 0)
        lost = sample.lost - first.lost
        loss = lost / (lost + packets)
        fps = round((sample.pictures - first.pictures) / seconds)
        state, text = State.GOOD, "The studio's connection is good."
        if loss >= LOSS_FAILING or fps == 0:
            state, text = State.FAILING, "The studio's connection loses most of the picture."
        elif loss >= LOSS_UNSTABLE:
            state, text = State.UNSTABLE, "The studio's connection loses packets."
        elif fps < MIN_FPS:
            state, text = State.UNSTABLE, "The studio sends few pictures per second."
        kbps = _kbps(sample.bytes - first.bytes, seconds)
        return _verdict(state, "uplink", text, kbps) | {"fps": fps, "lost": sample.lost}


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
        kbps = _kbps(sample.bytes - first.bytes, sample.at - first.at)
        dropping = sample.dropped > first.dropped
        state, side, text = _judge(sample, dropping)
        return _verdict(state, side, text, kbps) | {
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


def _verdict(state: State, side: str, text: str, kbps: int) -> Verdict:
    return {"state": state.value, "side": side, "text": text, "kbps": kbps}


def _kbps(count: int, seconds: float) -> int:
    return round(count * 8 / 1000 / seconds) if seconds > 0 else 0
