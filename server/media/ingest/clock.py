"""One time line for two RTP clocks.

Each RTP stream counts from an origin of its own; only the sender reports (RFC 3550 §6.4.1) say
how they relate. Audio is the master: its position is its sample count and never moves. Video is
mapped onto it, at once while nothing rests on the mapping yet, then slowly, so that nobody hears
or sees a correction. Without reports the order of arrival decides, after one second for good.
"""

from collections import deque

AUDIO_RATE = 48_000
VIDEO_RATE = 90_000
START_SECONDS = 1.0
WINDOW_SECONDS = 30.0
MAX_SLOPE = 500e-6
SLEW_MS_PER_SECOND = 5.0
STEP_MS = 200.0
JUMP_SECONDS = 2.0


class SenderReports:
    """A sender's wall clock as a straight line over its RTP clock.

    The line is fitted over the last 30 s of reports; its slope never leaves ±500 ppm of the
    nominal rate, whatever the reports say.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._reports: deque[tuple[float, float]] = deque()
        self._origin: tuple[int, float] | None = None
        self._slope = 0.0
        self._mean = (0.0, 0.0)

    @property
    def known(self) -> bool:
        """Whether any report has arrived."""
        return self._origin is not None

    def add(self, ntp_seconds: float, timestamp: int) -> None:
        """Take one report: the wall clock and the unwrapped RTP timestamp of one instant."""
        if self._origin is None:
            self._origin = (timestamp, ntp_seconds)
        rtp_zero, ntp_zero = self._origin
        media = (timestamp - rtp_zero) / self._rate
        self._reports.append((media, ntp_seconds - ntp_zero - media))
        while self._reports[-1][0] - self._reports[0][0] > WINDOW_SECONDS:
            self._reports.popleft()
        self._fit()

    def _fit(self) -> None:
        count = len(self._reports)
        mean_x = sum(x for x, _ in self._reports) / count
        mean_y = sum(y for _, y in self._reports) / count
        spread = sum((x - mean_x) ** 2 for x, _ in self._reports)
        slope = 0.0
        # A slope over a second or two would be noise.
        if count >= 4 and self._reports[-1][0] - self._reports[0][0] >= 5.0:
            slope = sum((x - mean_x) * (y - mean_y) for x, y in self._reports) / spread
        self._slope = max(-MAX_SLOPE, min(MAX_SLOPE, slope))
        self._mean = (mean_x, mean_y)

    def wall(self, timestamp: int) -> float:
        """Return the sender's wall clock in seconds at an unwrapped RTP timestamp."""
        rtp_zero, ntp_zero = self._known_origin()
        media = (timestamp - rtp_zero) / self._rate
        mean_x, mean_y = self._mean
        return ntp_zero + media + mean_y + self._slope * (media - mean_x)

    def timestamp(self, wall: float) -> float:
        """Return the unwrapped RTP timestamp at a wall clock: the inverse of :meth:`wall`."""
        rtp_zero, ntp_zero = self._known_origin()
        mean_x, mean_y = self._mean
        media = (wall - ntp_zero - mean_y + self._slope * mean_x) / (1 + self._slope)
        return rtp_zero + media * self._rate

    def _known_origin(self) -> tuple[int, float]:
        assert self._origin is not None, "no report yet"
        return self._origin


class PublisherClock:
    """Place one publisher's audio and video on the session's time line.

    ``origin`` is its zero, on the monotonic clock that the arrival times are of.
    """

    def __init__(self, origin: float) -> None:
        self.reports = {"audio": SenderReports(AUDIO_RATE), "video": SenderReports(VIDEO_RATE)}
        self._origin = origin
        self._started_at: float | None = None
        self._audio: tuple[int, int] | None = None
        """RTP timestamp and session sample of one instant."""
        self._video: tuple[int, float] | None = None
        """RTP timestamp and session milliseconds of one instant, before correction."""
        self._heard: dict[str, tuple[int, float]] = {}
        """Per stream the last RTP timestamp, and when it arrived."""
        self._correction_ms = 0.0
        self._aligned = False
        self._last_video: int | None = None
        self._last_ms = -1

    def settled(self, now: float) -> bool:
        """Say whether the relation of the streams is known, or one second of waiting is over."""
        return self._aligned or (
            self._started_at is not None and now - self._started_at >= START_SECONDS
        )

    def audio_sample(self, timestamp: int, now: float) -> int:
        """Return the session sample (48 kHz) at which this audio packet begins."""
        if self._audio is None or self._jumped("audio", AUDIO_RATE, timestamp, now):
            self._audio = (timestamp, round(self._arrival_ms(now) * AUDIO_RATE / 1000))
        rtp_zero, sample_zero = self._audio
        return sample_zero + timestamp - rtp_zero

    def video_ms(self, timestamp: int, now: float) -> int:
        """Return the session time of a picture; it grows with every call."""
        if self._video is None or self._jumped("video", VIDEO_RATE, timestamp, now):
            self._video = (timestamp, self._arrival_ms(now))
            self._correction_ms = 0.0
        rtp_zero, ms_zero = self._video
        raw = ms_zero + (timestamp - rtp_zero) * 1000 / VIDEO_RATE
        self._steer(timestamp, raw, now)
        self._last_video = timestamp
        self._last_ms = max(self._last_ms + 1, round(raw + self._correction_ms))
        return self._last_ms

    def _jumped(self, kind: str, rate: int, timestamp: int, now: float) -> bool:
        """Note what was heard; say whether the sender's clock began anew.

        A stalled network delays packets and loses some: media time then passes at most as fast
        as time itself. A clock that goes back, or further than that, is another clock.
        """
        last = self._heard.get(kind)
        self._heard[kind] = (timestamp, now)
        if last is None:
            return False
        media = (timestamp - last[0]) / rate
        if -JUMP_SECONDS <= media <= now - last[1] + JUMP_SECONDS:
            return False
        self.reports[kind] = SenderReports(rate)
        self._aligned = False
        self._last_video = None
        return True

    def _arrival_ms(self, now: float) -> float:
        if self._started_at is None:
            self._started_at = now
        return (now - self._origin) * 1000

    def _steer(self, timestamp: int, raw: float, now: float) -> None:
        """Move the correction towards what the sender reports say."""
        audio, video = self.reports["audio"], self.reports["video"]
        if self._audio is None or not (audio.known and video.known):
            return
        rtp_zero, sample_zero = self._audio
        # The sound that was heard when this picture was seen.
        sample = sample_zero + audio.timestamp(video.wall(timestamp)) - rtp_zero
        error = sample * 1000 / AUDIO_RATE - raw - self._correction_ms
        if abs(error) > STEP_MS or (not self._aligned and not self.settled(now)):
            self._correction_ms += error
        else:
            elapsed = 0.0
            if self._last_video is not None:
                elapsed = max(0.0, (timestamp - self._last_video) / VIDEO_RATE)
            limit = SLEW_MS_PER_SECOND * elapsed
            self._correction_ms += max(-limit, min(limit, error))
        self._aligned = True
