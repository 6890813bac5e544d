"""Recording the class, one recording at a time."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.features.recordings import RecordingCommand, RecordingEvent
from server.classroom.state import Classroom


def decide(state: Classroom, command: RecordingCommand, new_id: str) -> tuple[ev.AnyEvent, ...]:
    """Return the start or the stop; starting twice changes nothing."""
    if isinstance(command, cmd.RecordingStart):
        return () if state.recording is not None else (ev.RecordingStarted(new_id),)
    return () if state.recording is None else (ev.RecordingStopped(state.recording),)


def evolve(state: Classroom, event: RecordingEvent) -> Classroom:
    """Return the state after ``event``."""
    name = event.recording
    match event:
        case ev.RecordingStarted():
            return replace(state, recording=name, recordings=state.recordings | {name})
        case ev.RecordingStopped():
            return replace(state, recording=None)
        case ev.RecordingFinalized() | ev.RecordingFailed():
            is_whole = isinstance(event, ev.RecordingFinalized)
            return replace(
                state,
                recording=None if state.recording == name else state.recording,
                recordings=state.recordings - {name},
                finalized=state.finalized | {name} if is_whole else state.finalized,
            )
        case _:
            assert_never(event)
