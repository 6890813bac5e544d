"""The class itself: scheduled → live → ended → archived, open to newcomers or locked."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.features.session import SessionCommand, SessionEvent
from server.classroom.people import admission
from server.classroom.state import Classroom


def decide(state: Classroom, command: SessionCommand) -> tuple[ev.AnyEvent, ...]:
    """Return what starting, ending or locking leads to; to do it twice changes nothing."""
    match command:
        case cmd.SessionStart():
            return () if state.status == "live" else (ev.SessionStarted(),)
        case cmd.SessionEnd():
            if state.recording is not None:
                return ev.RecordingStopped(state.recording), ev.SessionEnded()
            return (ev.SessionEnded(),)
        case cmd.SessionArchive():
            return (ev.SessionArchived(),)
        case cmd.SessionLock():
            return () if state.locked else (ev.SessionLocked(),)
        case cmd.SessionUnlock():
            return _unlock(state) if state.locked else ()
        case _:
            assert_never(command)


def _unlock(state: Classroom) -> tuple[ev.AnyEvent, ...]:
    """Return the unlocking, and that everybody who waits comes in."""
    waiting = [user for user, member in state.people.items() if member.status == "waiting"]
    admitted = [event for user in waiting for event in admission(user, state.people[user])]
    return (ev.SessionUnlocked(), *admitted)


def evolve(state: Classroom, event: SessionEvent, at: str) -> Classroom:
    """Return the state after ``event``; the end of a class lowers all hands."""
    match event:
        case ev.SessionStarted():
            return replace(state, status="live", started_at=at)
        case ev.SessionEnded():
            return replace(state, status="ended", hands=())
        case ev.SessionArchived():
            return replace(state, status="archived")
        case ev.SessionLocked():
            return replace(state, locked=True)
        case ev.SessionUnlocked():
            return replace(state, locked=False)
        case _:
            assert_never(event)
