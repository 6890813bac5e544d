"""How our way to one destination is: samples, once a second, to a verdict in words. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from protocol.codec import timestamp
from protocol.health import DestinationHealth, HealthError, HealthState, Side, StreamWarning
from server.media.codes import Code
from server.media.destinations import providers
from server.media.destinations.delivery import LAG_MS
from server.media.destinations.destination import PERMANENT, Phase
from server.media.destinations.providers import Provider
from server.media.destinations.words import WORDS
from server.media.health import WINDOW, kilobits

LONG_WINDOW = 11
"""Samples of ten seconds."""
SENDING = frozenset({Phase.LIVE, Phase.DEGRADED})


@dataclass(frozen=True, slots=True)
class DestinationSample:
    """What a destination counted until now."""

    at: float
    """By the monotonic clock; every moment in ``_ms`` by the wall clock."""
    now_ms: int
    provider: Provider
    phase: Phase
    source: Literal["live", "slate"] | None
    picture: tuple[int, int] | None = None
    connection: int = 0
    """The number of the connection: pictures and groups are counted per connection."""
    live_ms: int | None = None
    is_on_backup: bool = False
    bytes: int = 0
    pictures: int = 0
    gop_ms: int = 0
    longest_gop_ms: int = 0
    key_at: float | None = None
    """When the last keyframe was sent."""
    skew_ms: int = 0
    lag_ms: int = 0
    queue_ms: int = 0
    queue_bytes: int = 0
    dropped: int = 0
    rtt_ms: float | None = None
    retransmits: int | None = None
    notsent_bytes: int | None = None
    failures: int = 0
    code: Code | None = None
    failed_ms: int | None = None
    retry_ms: int | None = None
    attempt: int = 0
    ttff_ms: int | None = None


class DestinationJudge:
    """Judge our way to one destination."""

    def __init__(self) -> None:
        self._samples: deque[DestinationSample] = deque(maxlen=LONG_WINDOW)
        self._error: HealthError | None = None

    def add(self, sample: DestinationSample) -> DestinationHealth:
        """Take a sample and return the verdict with its figures."""
        if self._samples:
            last = self._samples[-1]
            if sample.connection != last.connection or sample.pictures < last.pictures:
                # Another connection counts from zero, and so does none.
                self._samples.clear()
        self._samples.append(sample)
        first, recent = self._samples[0], self._samples[-min(WINDOW, len(self._samples))]
        seconds = sample.at - recent.at
        fps = round((sample.pictures - recent.pictures) / seconds) if seconds > 0 else 0
        kbps_10s = kilobits(sample.bytes - first.bytes, sample.at - first.at)
        state, side, text = _judge(sample, is_dropping=sample.dropped > recent.dropped)
        if sample.code is not None and sample.failed_ms is not None:
            self._error = HealthError(sample.code.value, timestamp(sample.failed_ms))
        return DestinationHealth(
            state=state,
            side=side,
            text=text,
            kbps=kilobits(sample.bytes - recent.bytes, seconds),
            phase=sample.phase.value,
            provider=sample.provider.name,
            source=sample.source if sample.phase in SENDING else None,
            on_backup=sample.is_on_backup,
            uptime_s=_since(sample.live_ms, sample.now_ms),
            kbps_10s=kbps_10s,
            fps=fps,
            gop_ms=sample.gop_ms,
            longest_gop_ms=sample.longest_gop_ms,
            last_keyframe_age_s=None if sample.key_at is None else int(sample.at - sample.key_at),
            lag_ms=sample.lag_ms,
            queue_ms=sample.queue_ms,
            queue_bytes=sample.queue_bytes,
            dropped=sample.dropped,
            bytes=sample.bytes,
            rtt_ms=None if sample.rtt_ms is None else round(sample.rtt_ms),
            retransmits=sample.retransmits,
            notsent_bytes=sample.notsent_bytes,
            connects=sample.connection,
            retries=sample.failures,
            attempt=sample.attempt,
            last_error=self._error,
            next_retry_at=None if sample.retry_ms is None else timestamp(sample.retry_ms),
            ttff_ms=sample.ttff_ms,
            skew_ms=sample.skew_ms,
            warnings=_warnings(sample, kbps_10s, fps),
        )


def blame(destinations: Mapping[str, DestinationHealth]) -> dict[str, DestinationHealth]:
    """Return the verdicts; where every one of several is too slow, the fault is this server's."""
    sending = [each for each in destinations.values() if each.phase in ("live", "degraded")]
    slow = [each for each in sending if each.state == "unstable" and each.side == "platform"]
    if len(slow) < 2 or len(slow) < len(sending):
        return dict(destinations)
    text = "This server's own connection is too slow for all its destinations."
    return {
        identity: replace(each, side="server", text=text) if each in slow else each
        for identity, each in destinations.items()
    }


def _since(start_ms: int | None, now_ms: int) -> int | None:
    return None if start_ms is None else max(0, (now_ms - start_ms) // 1000)


def _warnings(sample: DestinationSample, kbps: int, fps: int) -> tuple[StreamWarning, ...]:
    if sample.phase not in SENDING or sample.picture is None:
        return ()
    width, height = sample.picture
    picture = providers.Picture(width, height, kbps, fps, sample.longest_gop_ms / 1000)
    return tuple(providers.objections(sample.provider, picture))


def _judge(sample: DestinationSample, *, is_dropping: bool) -> tuple[HealthState, Side, str]:
    title = sample.provider.title
    match sample.phase:
        case Phase.FAILED:
            words = WORDS[sample.code or Code.INTERNAL]
            return "failing", words.side, words.tell(sample.provider)
        case Phase.BACKOFF:
            return _judge_waiting(sample)
        case Phase.RESOLVING | Phase.CONNECTING | Phase.PRIMING:
            again = f" again (attempt {sample.attempt})" if sample.attempt > 1 else ""
            return "unstable", "platform", f"Connecting to {title}{again}."
        case Phase.ARMED:
            return "no_data", "uplink", "Waiting for a steady picture from the studio."
        case Phase.STOPPING | Phase.STOPPED:
            return "no_data", "server", f"The stream to {title} is over."
        case Phase.LIVE | Phase.DEGRADED:
            return _judge_sending(sample, is_dropping=is_dropping)


def _judge_waiting(sample: DestinationSample) -> tuple[HealthState, Side, str]:
    code = sample.code or Code.INTERNAL
    words = WORDS[code]
    seconds = max(0, -(-((sample.retry_ms or sample.now_ms) - sample.now_ms) // 1000))
    again = f"Trying again in {seconds} s." if seconds else "Trying again now."
    # What trying again cannot change is told what to do about at once.
    said = (
        words.tell(sample.provider) if code in PERMANENT else words.tell_happened(sample.provider)
    )
    return "failing", words.side, f"{said} {again}"


def _judge_sending(
    sample: DestinationSample, *, is_dropping: bool
) -> tuple[HealthState, Side, str]:
    title = sample.provider.title
    if sample.source is None:
        return "no_data", "uplink", "Nothing arrives from the studio."
    if is_dropping:
        text = f"{title} takes the stream too slowly: pictures are left out."
        return "unstable", "platform", text
    if sample.lag_ms > LAG_MS:
        text = f"{title} takes the stream too slowly: it is {sample.lag_ms / 1000:.1f} s behind."
        return "unstable", "platform", text
    if sample.phase is Phase.DEGRADED:
        return "unstable", "platform", f"{title} took the stream too slowly a moment ago."
    if sample.source == "slate":
        text = f"Nothing arrives from the studio: {title} is sent a waiting picture."
        return "unstable", "uplink", text
    return "good", "platform", f"{title} takes the stream."
