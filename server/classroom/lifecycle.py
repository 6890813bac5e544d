"""Start and end: scheduled → live → ended."""

from protocol.commands import SessionEnd, SessionStart
from protocol.events import AnyEvent, RecordingStopped, SessionEnded, SessionStarted
from server.classroom.state import Classroom


def decide(state: Classroom, command: SessionStart | SessionEnd) -> tuple[AnyEvent, ...]:
    """Return what starting or ending leads to; starting twice changes nothing."""
    if isinstance(command, SessionStart):
        return () if state.status == "live" else (SessionStarted(),)
    if state.recording is not None:
        return RecordingStopped(state.recording), SessionEnded()
    return (SessionEnded(),)
