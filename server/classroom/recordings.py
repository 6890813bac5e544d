"""Recording the class, one recording at a time."""

from protocol.commands import RecordingStart, RecordingStop
from protocol.events import AnyEvent, RecordingStarted, RecordingStopped
from server.classroom.state import Classroom


def decide(
    state: Classroom, command: RecordingStart | RecordingStop, new_id: str
) -> tuple[AnyEvent, ...]:
    """Return the start or the stop; starting twice changes nothing."""
    if isinstance(command, RecordingStart):
        return () if state.recording is not None else (RecordingStarted(new_id),)
    return () if state.recording is None else (RecordingStopped(state.recording),)
