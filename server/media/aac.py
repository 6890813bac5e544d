"""The one sound that leaves: AAC-LC, 48 kHz, stereo, 128 kbit/s (ISO/IEC 14496-3)."""

RATE = 48_000
"""Samples per second."""
PER_MS = RATE // 1_000
FRAME = 1_024
"""Samples per frame."""
BIT_RATE = 128_000
SPECIFIC_CONFIG = b"\x11\x90"
"""The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1)."""
SILENCE = bytes.fromhex("211004608c1c")
"""A frame of silence: what an encoder makes of 1,024 zeros on both sides."""
