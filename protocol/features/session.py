"""The class itself: scheduled → live → ended → archived, open to newcomers or locked."""

from typing import TypeAlias

from protocol.messages import Command, Event


class SessionStart(Command, frozen=True):
    """Open the class: students may act from now on."""

    op = "session.start"


class SessionEnd(Command, frozen=True):
    """End the class for everyone."""

    op = "session.end"


class SessionLock(Command, frozen=True):
    """Let newcomers wait in the lobby until somebody admits them."""

    op = "session.lock"


class SessionUnlock(Command, frozen=True):
    """Let newcomers straight in again; whoever waits is admitted."""

    op = "session.unlock"


class SessionArchive(Command, frozen=True):
    """Put the class away: from now on nothing about it changes, and nobody comes in."""

    op = "session.archive"


class SessionStarted(Event, frozen=True):
    """The class is live."""

    type = "session.started"


class SessionEnded(Event, frozen=True):
    """The class is over."""

    type = "session.ended"


class SessionLocked(Event, frozen=True):
    """Newcomers wait in the lobby."""

    type = "session.locked"


class SessionUnlocked(Event, frozen=True):
    """Newcomers come straight in."""

    type = "session.unlocked"


class SessionArchived(Event, frozen=True):
    """The class is put away."""

    type = "session.archived"


SessionCommand: TypeAlias = SessionStart | SessionEnd | SessionLock | SessionUnlock | SessionArchive
SessionEvent: TypeAlias = (
    SessionStarted | SessionEnded | SessionLocked | SessionUnlocked | SessionArchived
)
