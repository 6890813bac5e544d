"""How the publisher's way to us is. Pure."""

from collections import deque
from dataclasses import dataclass

from protocol.health import HealthState, UplinkHealth
from server.media.health import WINDOW, kilobits

LOSS_UNSTABLE = 0.02
LOSS_FAILING = 0.10
MIN_FPS = 10

_POOR = (
    "The studio's connection loses most of the picture. "
    "Use a cable instead of Wi-Fi, or choose a lower quality."
)
_LOSSY = (
    "The studio's connection loses packets. "
    "Move closer to the Wi-Fi, or use a cable, if the picture suffers."
)
_FEW = (
    "The studio sends few pictures per second. "
    "Close other programs there, or choose a lower quality."
)


@dataclass(frozen=True, slots=True)
class UplinkSample:
    """What the publisher's streams counted until now."""

    at: float
    bytes: int
    pictures: int
    packets: int
    lost: int
    connected: bool
    has_picture: bool = True


class UplinkJudge:
    """Judge the publisher's way to us."""

    def __init__(self) -> None:
        self._samples: deque[UplinkSample] = deque(maxlen=WINDOW)

    def add(self, sample: UplinkSample) -> UplinkHealth:
        """Take a sample and return the verdict with its figures."""
        if self._samples and sample.packets < self._samples[-1].packets:
            # Another publisher counts from zero.
            self._samples.clear()
        self._samples.append(sample)
        first = self._samples[0]
        seconds = sample.at - first.at
        packets = sample.packets - first.packets
        if not sample.connected or not packets or seconds <= 0:
            return UplinkHealth("no_data", "Nothing arrives from the studio.")
        # What was taken for lost before the first sample may have been late.
        lost = max(0, sample.lost - first.lost)
        loss = lost / (lost + packets)
        fps = round((sample.pictures - first.pictures) / seconds)
        state: HealthState = "good"
        text = "The studio's connection is good."
        if loss >= LOSS_FAILING or (sample.has_picture and fps == 0):
            state, text = "failing", _POOR
        elif loss >= LOSS_UNSTABLE:
            state, text = "unstable", _LOSSY
        elif sample.has_picture and fps < MIN_FPS:
            state, text = "unstable", _FEW
        return UplinkHealth(
            state,
            text,
            kbps=kilobits(sample.bytes - first.bytes, seconds),
            fps=fps,
            lost=sample.lost,
            loss_percent=round(loss * 100, 1),
        )
