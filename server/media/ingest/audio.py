"""Opus to AAC-LC, once per session, in one thread beside the event loop.

Positions are counted in samples of 48 kHz on the session's time line, so that nothing drifts:
what is missing is concealed or silent, what overlaps is dropped.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from fractions import Fraction

import av
import av.error
import structlog
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec.context import Flags

from server.media.aac import BIT_RATE, FRAME, RATE
from server.media.ingest.concealment import FRAME_BYTES, Concealer

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Longer holes are jumped over: nobody wants to hear the silence of a lost publisher at once.
MAX_SILENCE = RATE
# Differences below this are rounding.
TOLERANCE = 240

_TIME_BASE = Fraction(1, RATE)


class AacTranscoder:
    """Turn Opus packets at sample positions into AAC frames at sample positions.

    Positions of frames grow by 1 024 from the first on, and by more only where there was no sound
    for longer than a second. Holds codec contexts: one thread at a time.
    """

    def __init__(self) -> None:
        self._decoder = _opus_decoder()
        self._next: int | None = None
        self._start(0)

    def feed(self, opus: bytes, at: int) -> list[tuple[int, bytes]]:
        """Return the AAC frames, with their positions, that this packet completes.

        What is missing before it is concealed. A packet that would repeat what was heard is
        dropped, a damaged one is missing.
        """
        if self._next is not None and self._next - at > TOLERANCE:
            return []
        try:
            frames = self._decoder.decode(av.Packet(opus))
        except av.error.FFmpegError:
            return []
        out = self.fill(at) if frames else []
        for frame in frames:
            sound = memoryview(frame.planes[0])[: frame.samples * FRAME_BYTES].tobytes()
            out += self._encode(self._concealer.heard(sound))
        return out

    def fill(self, until: int) -> list[tuple[int, bytes]]:
        """Bridge up to sample ``until``; a hole of more than a second is jumped over."""
        if self._next is None or until - self._next > MAX_SILENCE:
            self._start(until)
            return []
        missing = until - self._next
        return self._encode(self._concealer.bridge(missing)) if missing > TOLERANCE else []

    def _start(self, at: int) -> None:
        self._next = at
        self._first = at
        self._concealer = Concealer()
        self._encoder = _aac_encoder()
        self._resampler = AudioResampler(
            format="fltp", layout="stereo", rate=RATE, frame_size=FRAME
        )

    def _encode(self, sound: bytes) -> list[tuple[int, bytes]]:
        assert self._next is not None
        frame = AudioFrame(format="s16", layout="stereo", samples=len(sound) // FRAME_BYTES)
        plane = frame.planes[0]
        plane.update(sound.ljust(plane.buffer_size, b"\0"))
        frame.sample_rate = RATE
        frame.pts = self._next
        frame.time_base = _TIME_BASE
        self._next += frame.samples
        out = []
        for resampled in self._resampler.resample(frame):
            # The encoder's priming frame lies before the first sample: FLV has no edit list.
            out += [
                (packet.pts, bytes(packet))
                for packet in self._encoder.encode(resampled)
                if packet.pts is not None and packet.pts >= self._first
            ]
        return out


def _opus_decoder() -> AudioCodecContext:
    decoder = AudioCodecContext.create("libopus", "r")
    decoder.sample_rate = RATE
    decoder.layout = "stereo"
    return decoder


def _aac_encoder() -> AudioCodecContext:
    encoder = AudioCodecContext.create("aac", "w")
    encoder.sample_rate = RATE
    encoder.layout = "stereo"
    encoder.format = "fltp"
    encoder.bit_rate = BIT_RATE
    encoder.time_base = _TIME_BASE
    encoder.flags |= Flags.global_header
    # At this bit rate as close to the original as the default for voices, closer for noise and
    # music, and done with a voice in a third of the time. So many bits need no substitute for
    # noise.
    encoder.options = {"aac_coder": "fast", "aac_pns": "0"}
    encoder.open()
    return encoder


class AudioThread:
    """Run a transcoder in a thread; frames come back on the event loop, in order.

    ``put`` never waits: a thread that is two seconds behind loses packets, which become silence.
    """

    def __init__(self, on_frame: Callable[[int, bytes], None]) -> None:
        self._on_frame = on_frame
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.Queue[tuple[bytes | None, int] | None] = queue.Queue(maxsize=128)
        self._thread = threading.Thread(target=self._run, name="opus-to-aac", daemon=True)
        self._thread.start()

    def put(self, opus: bytes, at: int) -> None:
        """Encode one Opus packet that begins at session sample ``at``."""
        self._offer((opus, at))

    def fill(self, until: int) -> None:
        """Make silence up to session sample ``until``, where no sound came."""
        self._offer((None, until))

    async def close(self) -> None:
        """End the thread and wait for it."""
        while self._thread.is_alive():
            try:
                self._jobs.put_nowait(None)
                break
            except queue.Full:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(self._thread.join, 2.0)

    def _offer(self, job: tuple[bytes | None, int]) -> None:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            log.warning("audio_behind")

    def _run(self) -> None:
        transcoder = AacTranscoder()
        while (job := self._jobs.get()) is not None:
            opus, at = job
            frames = transcoder.fill(at) if opus is None else transcoder.feed(opus, at)
            if frames:
                self._loop.call_soon_threadsafe(self._deliver, frames)

    def _deliver(self, frames: list[tuple[int, bytes]]) -> None:
        for at, frame in frames:
            self._on_frame(at, frame)
