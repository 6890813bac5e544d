"""What the log says of a person's place in a class: a view of it, the lobby, or outside. Pure."""

from collections.abc import Iterable, Set
from typing import NamedTuple

from protocol import events as ev
from protocol.errors import CloseCode
from protocol.ids import Role, ViewName, view_of
from server.classroom import access, people
from server.classroom.state import Classroom
from server.hub.asks import Who
from server.hub.draft import Recorded

OUT = {
    "removed": CloseCode.REMOVED,
    "banned": CloseCode.BANNED,
    "denied": CloseCode.DENIED,
}
"""The code for whoever may not come back by themselves."""
_DECIDES = (
    ev.ParticipantAdmitted,
    ev.ParticipantDenied,
    ev.ParticipantRemoved,
    ev.ParticipantBanned,
    ev.ParticipantUnbanned,
    ev.ParticipantRoleChanged,
)


class Standing(NamedTuple):
    """The role that somebody has in a class, and what they see of it."""

    role: Role
    view: ViewName


def standing_of(state: Classroom, who: Who) -> Standing | CloseCode:
    """Return where ``who`` belongs, or the code that says why they may not be here.

    The role in the log wins over the token's.
    """
    member = state.people.get(who.user)
    if member is not None and member.is_out:
        return OUT[member.status]
    actor = people.actor(state, *who)
    return Standing(actor.role, "lobby" if access.must_wait(state, actor) else view_of(actor.role))


def must_wait(state: Classroom, who: Who) -> bool:
    """Say whether ``who`` belongs into the lobby."""
    standing = standing_of(state, who)
    return isinstance(standing, Standing) and standing.view == "lobby"


def is_over(state: Classroom, view: ViewName) -> bool:
    """Say whether a class is over for a view of it: staff stay until it is archived."""
    return state.status == "archived" or (state.status == "ended" and view != "staff")


def decided(recorded: Iterable[Recorded]) -> Set[str]:
    """Return whose standing a batch decides anew, even if it ends where it was."""
    return {each.event.user for each in recorded if isinstance(each.event, _DECIDES)}


def doubtful(recorded: Iterable[Recorded], here: Set[str]) -> Set[str]:
    """Return who of those ``here`` may be elsewhere after a batch than where they were let in.

    Somebody is let in by the state of that moment; the log may have the lock before them.
    """
    arrived: set[str] = set()
    for each in recorded:
        match each.event:
            case ev.SessionLocked() | ev.SessionUnlocked():
                return here
            case ev.ParticipantJoined(user=user) | ev.ParticipantWaiting(user=user):
                arrived.add(user)
            case _:
                pass
    return arrived & here
