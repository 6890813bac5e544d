"""Who comes, who goes, who is removed."""

from protocol.commands import ParticipantRemove
from protocol.errors import Refusal
from protocol.events import AnyEvent, ParticipantJoined, ParticipantLeft, ParticipantRemoved
from server.classroom.access import check_outranks
from server.classroom.state import Actor, Classroom


def decide(state: Classroom, who: Actor, command: ParticipantRemove) -> tuple[AnyEvent, ...]:
    """Return the removal of a person of lower rank; a class keeps its last teacher."""
    check_outranks(state, who, command.user)
    teachers = [
        user
        for user, member in state.people.items()
        if member.role == "teacher" and not member.removed
    ]
    if teachers == [command.user]:
        raise Refusal("conflict", "The last teacher stays in the class.", field="user")
    return (ParticipantRemoved(command.user, command.reason),)


def arrive(state: Classroom, who: Actor) -> tuple[AnyEvent, ...]:
    """Return what it means that ``who`` has a connection now."""
    member = state.people.get(who.user)
    if member is not None and (member.present or member.removed):
        return ()
    role = who.role if member is None else member.role
    return (ParticipantJoined(who.user, who.name, role),)


def depart(state: Classroom, user: str) -> tuple[AnyEvent, ...]:
    """Return what it means that ``user`` has had no connection for longer than the grace."""
    member = state.people.get(user)
    if member is None or not member.present or member.removed:
        return ()
    return (ParticipantLeft(user),)


def actor(state: Classroom, user: str, name: str, role: str) -> Actor:
    """Return who ``user`` is in this class: the role in the log wins over the token's."""
    member = state.people.get(user)
    return Actor(user, name, role if member is None else member.role)  # type: ignore[arg-type]
