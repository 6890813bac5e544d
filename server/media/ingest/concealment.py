"""What is heard where sound is missing. Pure: 16-bit samples, stereo, interleaved.

A hole is bridged with the last sound before it, backwards and forwards by turns, so that nothing
clicks where one repetition meets the next. It fades out within 60 ms; longer holes are silent.
The sound after a hole fades in over what bridged it.
"""

from array import array

FRAME_BYTES = 4
"""Of one sample of both channels."""
LIMIT = 2_880
"""Samples: 60 ms."""
BLEND = 120
"""Samples: 2.5 ms."""


class Concealer:
    """Bridge the holes of one sound."""

    def __init__(self) -> None:
        self._last = b""
        self._bridged = LIMIT
        """Samples since the last sound. Before the first there was silence."""

    def heard(self, sound: bytes) -> bytes:
        """Take what comes next, and return it as it follows on what was heard."""
        if self._bridged:
            blended = self._blend(sound)
            self._bridged = 0
            self._last = sound
            return blended
        self._last = sound
        return sound

    def bridge(self, samples: int) -> bytes:
        """Return ``samples`` more of what stands in for missing sound."""
        out = array("h", bytes(samples * FRAME_BYTES))
        last = array("h", self._last)
        length = len(last) // 2
        audible = min(samples, LIMIT - self._bridged) if length else 0
        for at in range(audible):
            place = self._bridged + at
            turn, step = divmod(place, length)
            source = step if turn % 2 else length - 1 - step
            gain = 1 - place / LIMIT
            out[2 * at] = round(last[2 * source] * gain)
            out[2 * at + 1] = round(last[2 * source + 1] * gain)
        self._bridged = min(LIMIT, self._bridged + samples)
        return out.tobytes()

    def _blend(self, sound: bytes) -> bytes:
        samples = array("h", sound)
        count = min(BLEND, len(samples) // 2)
        before = array("h", self.bridge(count))
        for at in range(2 * count):
            weight = (at // 2 + 1) / (count + 1)
            samples[at] = round(samples[at] * weight + before[at] * (1 - weight))
        return samples.tobytes()
