"""One time line for two RTP clocks.

Each RTP stream counts from an origin of its own; only the sender reports (RFC 3550 §6.4.1) say
how they relate. Audio is the master: its position is its sample count and never moves. Video is
mapped onto it, at once while nothing rests on the mapping yet, then slowly, so that nobody hears
or sees a correction. Without reports, what arrives together belongs together: that keeps the
streams as far apart as they were in the beginning, however their clocks drift.
"""

import math
from dataclasses import dataclass
from typing import Final

from server.media.ingest.lines import Relation

AUDIO_RATE = 48_000
VIDEO_RATE = 90_000
RATES: Final = {"audio": AUDIO_RATE, "video": VIDEO_RATE}
START_SECONDS = 1.0
SLEW_MS_PER_SECOND = 5.0
STEP_MS = 200.0
"""More than this is corrected at once: it would take too long to do it slowly."""
RESET_MS = 500.0
"""More than this is corrected at a keyframe only, and told."""
JUMP_SECONDS = 2.0
IMPLAUSIBLE_SECONDS = 3.0
"""Picture and sound of one moment do not arrive so far apart: reports that say so are wrong."""
ARRIVAL_SECONDS = 1.0
SQUEEZE = 4
"""Pictures that are too late follow each other at most so many times as fast."""


@dataclass(slots=True)
class _Stream:
    """What was heard of one stream."""

    timestamp: int
    """The last RTP timestamp."""
    at: float
    """When it arrived."""
    window_ends: float
    fastest: tuple[float, float, int]
    """Of this window the packet that was least delayed: by how much, its arrival, its timestamp."""


class PublisherClock:
    """Place one publisher's audio and video on the session's time line.

    ``origin`` is its zero, on the monotonic clock that the arrival times are of.
    """

    def __init__(self, origin: float) -> None:
        self.resets = 0
        """How often picture and sound were found so far apart that it had to be told."""
        self._origin = origin
        self._reported = Relation(RATES)
        """By the sender's clock."""
        self._arrived = Relation(RATES)
        """By our own, at the arrival of packets that came without delay."""
        self._streams: dict[str, _Stream] = {}
        self._early: dict[str, tuple[float, int, float]] = {}
        """Reports on streams of which nothing was heard yet."""
        self._started_at: float | None = None
        self._audio: tuple[int, int] | None = None
        """RTP timestamp and session sample of one instant."""
        self._video: tuple[int, float] | None = None
        """RTP timestamp and session milliseconds of one instant, before correction."""
        self._correction_ms = 0.0
        self._aligned = False
        self._last_video: int | None = None
        self._last_ms = -1.0

    def settled(self, now: float) -> bool:
        """Say whether the relation of the streams is known, or one second of waiting is over."""
        return self._aligned or (
            self._started_at is not None and now - self._started_at >= START_SECONDS
        )

    def report(self, kind: str, ntp_seconds: float, rtp: int, now: float) -> None:
        """Take a sender report: the sender's wall clock, and the 32 bits of RTP time at it."""
        stream = self._streams.get(kind)
        if stream is None:
            self._early[kind] = ntp_seconds, rtp, now
            return
        # Unwrapped to lie next to the media it belongs to.
        delta = (rtp - stream.timestamp) & 0xFFFFFFFF
        if delta >= 1 << 31:
            delta -= 1 << 32
        self._reported.add(kind, ntp_seconds, stream.timestamp + delta, now)

    def audio_sample(self, timestamp: int, now: float) -> int:
        """Return the session sample (48 kHz) at which this audio packet begins."""
        if self._begins_anew("audio", timestamp, now) or self._audio is None:
            self._audio = (timestamp, round(self._arrival_ms(now) * AUDIO_RATE / 1000))
        rtp_zero, sample_zero = self._audio
        return sample_zero + timestamp - rtp_zero

    def video_ms(self, timestamp: int, now: float, *, key: bool = False) -> int:
        """Return the session time of a picture; it grows with every call."""
        if self._begins_anew("video", timestamp, now) or self._video is None:
            self._video = (timestamp, self._arrival_ms(now))
            self._correction_ms = 0.0
            self._last_video = None
        rtp_zero, ms_zero = self._video
        raw = ms_zero + (timestamp - rtp_zero) * 1000 / VIDEO_RATE
        elapsed_ms = 0.0
        if self._last_video is not None:
            elapsed_ms = max(0.0, (timestamp - self._last_video) * 1000 / VIDEO_RATE)
        self._last_video = timestamp
        self._steer(timestamp, raw, elapsed_ms, now, key=key)
        earliest = self._last_ms + max(1.0, elapsed_ms / SQUEEZE)
        ms = max(math.ceil(earliest), round(raw + self._correction_ms))
        self._last_ms = ms
        return ms

    def _arrival_ms(self, now: float) -> float:
        if self._started_at is None:
            self._started_at = now
        return (now - self._origin) * 1000

    def _begins_anew(self, kind: str, timestamp: int, now: float) -> bool:
        """Note what was heard; say whether the sender's clock began anew, as at the beginning.

        A stalled network delays packets and loses some: media time then passes at most as fast
        as time itself. A clock that goes back, or further than that, is another clock.
        """
        rate = RATES[kind]
        delay = now - timestamp / rate
        stream = self._streams.get(kind)
        is_new = stream is None
        if stream is not None:
            media = (timestamp - stream.timestamp) / rate
            if not -JUMP_SECONDS <= media <= now - stream.at + JUMP_SECONDS:
                is_new = True
                self._reported.forget(kind)
                self._arrived.forget(kind)
                self._aligned = False
        if stream is None or is_new:
            ends = now + ARRIVAL_SECONDS
            self._streams[kind] = _Stream(timestamp, now, ends, (delay, now, timestamp))
            early = self._early.pop(kind, None)
            if early is not None:
                self.report(kind, *early)
            return True
        stream.timestamp, stream.at = timestamp, now
        if delay < stream.fastest[0]:
            stream.fastest = delay, now, timestamp
        if now >= stream.window_ends:
            _, arrival, fastest = stream.fastest
            self._arrived.add(kind, arrival, fastest, now)
            stream.window_ends = now + ARRIVAL_SECONDS
            stream.fastest = delay, now, timestamp
        return False

    def _steer(
        self, timestamp: int, raw: float, elapsed_ms: float, now: float, *, key: bool
    ) -> None:
        """Move the correction towards where the sound of this picture's moment is."""
        if self._audio is None:
            return
        sample_zero = self._audio[1] - self._audio[0]
        heard = self._arrived.partner(timestamp)
        said = self._reported.partner(timestamp)
        if said is not None:
            arrived = raw * AUDIO_RATE / 1000 - sample_zero if heard is None else heard
            is_plausible = abs(said - arrived) <= IMPLAUSIBLE_SECONDS * AUDIO_RATE
            sound = said if is_plausible else heard
        else:
            # What is reported but not certain is waited for.
            sound = None if self._reported.is_known else heard
        if sound is None:
            return
        error = (sample_zero + sound) * 1000 / AUDIO_RATE - raw - self._correction_ms
        is_reported = sound is said
        if abs(error) > RESET_MS:
            # One report alone may be wrong.
            if is_reported and not self._reported.is_confirmed:
                return
            if key or not self.settled(now):
                self._correction_ms += error
                self.resets += self.settled(now)
        elif abs(error) > STEP_MS or (is_reported and not self.settled(now)):
            # Or nothing rests on it yet.
            self._correction_ms += error
        else:
            limit = SLEW_MS_PER_SECOND * elapsed_ms / 1000
            self._correction_ms += max(-limit, min(limit, error))
        self._aligned = self._aligned or is_reported
