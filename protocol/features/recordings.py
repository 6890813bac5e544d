"""Recording the class."""

from typing import TypeAlias

from msgspec import Struct

from protocol.ids import RecordingId
from protocol.messages import Command, Event


class RecordingStart(Command, frozen=True):
    """Record the teacher's picture and sound."""

    op = "recording.start"


class RecordingStop(Command, frozen=True):
    """Stop recording; what was recorded is finalized."""

    op = "recording.stop"


class RecordingStarted(Event, frozen=True):
    """The class is being recorded."""

    type = "recording.started"
    recording: RecordingId


class RecordingStopped(Event, frozen=True):
    """No more is recorded; finalizing follows."""

    type = "recording.stopped"
    recording: RecordingId


class ClockPair(Struct, frozen=True):
    """A moment of the class, and where in the recording it is."""

    wall_ms: int
    media_ms: int


class RecordingFinalized(Event, frozen=True):
    """The recording is whole and can be played (staff only until the replay is published)."""

    type = "recording.finalized"
    recording: RecordingId
    media_uri: str
    duration_ms: int
    bytes: int
    clock: tuple[ClockPair, ...] = ()
    """One pair where each part without a gap begins."""


class RecordingFailed(Event, frozen=True):
    """The recording could not be kept."""

    type = "recording.failed"
    recording: RecordingId
    code: str


RecordingCommand: TypeAlias = RecordingStart | RecordingStop
RecordingEvent: TypeAlias = (
    RecordingStarted | RecordingStopped | RecordingFinalized | RecordingFailed
)
