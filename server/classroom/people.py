"""Who comes, who goes, who is let in or shut out, and who may do what."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import milliseconds
from protocol.errors import Refusal
from protocol.features.participants import ParticipantCommand, ParticipantEvent
from server.classroom.access import RANK, RULES, TEACHER, check_outranks, grants, must_wait
from server.classroom.changes import put
from server.classroom.state import Actor, Classroom, Member

# ---------------------------------------------------------------- what people do by themselves


def actor(state: Classroom, user: str, name: str, role: str) -> Actor:
    """Return who ``user`` is in this class: the role in the log wins over the token's."""
    member = state.people.get(user)
    return Actor(user, name, role if member is None else member.role)  # type: ignore[arg-type]


def arrive(state: Classroom, who: Actor) -> tuple[ev.AnyEvent, ...]:
    """Return what it means that ``who`` has a connection now."""
    member = state.people.get(who.user)
    if member is not None and (member.present or member.is_out):
        return ()
    role = who.role if member is None else member.role
    if must_wait(state, who):
        return (ev.ParticipantWaiting(who.user, who.name, role),)
    return (ev.ParticipantJoined(who.user, who.name, role),)


def depart(state: Classroom, user: str) -> tuple[ev.AnyEvent, ...]:
    """Return what it means that ``user`` has had no connection for longer than the grace."""
    member = state.people.get(user)
    if member is None or not member.present:
        return ()
    return (ev.ParticipantLeft(user),)


def admission(user: str, member: Member) -> tuple[ev.AnyEvent, ...]:
    """Return what it means that ``user`` may come in: who waits, does."""
    if member.present:
        return ev.ParticipantAdmitted(user), ev.ParticipantJoined(user, member.name, member.role)
    return (ev.ParticipantAdmitted(user),)


# ---------------------------------------------------------------- what staff do with them


def decide(
    state: Classroom, who: Actor, command: ParticipantCommand, at: str
) -> tuple[ev.AnyEvent, ...]:
    """Return what becomes of a person of lower rank; a class keeps its last teacher."""
    user = command.user
    member = check_outranks(state, who, user)
    match command:
        case cmd.ParticipantAdmit() | cmd.ParticipantDeny():
            return _at_the_door(command, member)
        case cmd.ParticipantRemove():
            _keep_last_teacher(state, user)
            return () if member.is_out else (ev.ParticipantRemoved(user, command.reason),)
        case cmd.ParticipantBan():
            _keep_last_teacher(state, user)
            is_banned = member.status == "banned"
            return () if is_banned else (ev.ParticipantBanned(user, command.reason),)
        case cmd.ParticipantUnban():
            return (ev.ParticipantUnbanned(user),) if member.status == "banned" else ()
        case cmd.ParticipantMute():
            return _mute(member, command, at)
        case cmd.ParticipantUnmute():
            return (ev.ParticipantUnmuted(user),) if member.is_muted else ()
        case cmd.ParticipantSetRole():
            return _set_role(state, who, member, command)
        case cmd.ParticipantSetGrants():
            return _set_grants(state, who, member, command)
        case _:
            assert_never(command)


def _at_the_door(
    command: cmd.ParticipantAdmit | cmd.ParticipantDeny, member: Member
) -> tuple[ev.AnyEvent, ...]:
    if isinstance(command, cmd.ParticipantDeny):
        if member.status == "waiting":
            return (ev.ParticipantDenied(command.user),)
        if member.is_out:
            return ()
        raise Refusal("conflict", "This person is in the class already.", field="user")
    if member.status == "banned":
        raise Refusal("conflict", "This person is banned: lift the ban first.", field="user")
    return () if member.status == "admitted" else admission(command.user, member)


def _keep_last_teacher(state: Classroom, user: str) -> None:
    teachers = [
        each
        for each, member in state.people.items()
        if member.role == "teacher" and member.status == "admitted"
    ]
    if teachers == [user]:
        raise Refusal("conflict", "A class keeps its last teacher.", field="user")


def _mute(member: Member, command: cmd.ParticipantMute, at: str) -> tuple[ev.AnyEvent, ...]:
    if command.until is not None:
        check_moment(command.until, at, field="until")
    if member.is_muted and member.muted_until == command.until:
        return ()
    return (ev.ParticipantMuted(command.user, command.until),)


def check_moment(moment: str, at: str, *, field: str) -> None:
    """Do nothing if ``moment`` is a time to come.

    Raises:
        Refusal: ``bad_request`` if it is past, or no time at all (as a 30th of February).

    """
    try:
        is_to_come = milliseconds(moment) > milliseconds(at)
    except ValueError:
        raise Refusal("bad_request", "There is no such time.", field=field) from None
    if not is_to_come:
        raise Refusal("bad_request", "This time has passed.", field=field)


def _set_role(
    state: Classroom, who: Actor, member: Member, command: cmd.ParticipantSetRole
) -> tuple[ev.AnyEvent, ...]:
    if member.status != "admitted":
        raise Refusal("conflict", "This person is not in the class.", field="user")
    if RANK[command.role] > RANK[who.role]:
        raise Refusal("forbidden", "You may not give a role above your own.", field="role")
    if member.role == command.role:
        return ()
    _keep_last_teacher(state, command.user)
    return (ev.ParticipantRoleChanged(command.user, command.role),)


def _set_grants(
    state: Classroom, who: Actor, member: Member, command: cmd.ParticipantSetGrants
) -> tuple[ev.AnyEvent, ...]:
    own = grants(state, who.user, who.role)
    for op in command.grants:
        if op not in RULES:
            raise Refusal("bad_request", "There is no such operation.", field=f"grants.{op}")
        if RULES[op].roles == TEACHER or op == "participant.set_grants":
            text = "This goes with a role: it cannot be granted."
            raise Refusal("bad_request", text, field=f"grants.{op}")
        if op not in own:
            raise Refusal("forbidden", "You may not do this yourself.", field=f"grants.{op}")
    merged = {**member.grants, **command.grants}
    # What the role says anyway is no grant.
    kept = {
        op: may for op, may in sorted(merged.items()) if may != (member.role in RULES[op].roles)
    }
    if kept == member.grants:
        return ()
    return (ev.ParticipantGrantsChanged(command.user, kept),)


# ---------------------------------------------------------------- what it changes


def evolve(state: Classroom, event: ParticipantEvent) -> Classroom:
    """Return the state after ``event``."""
    known = state.people.get(event.user)
    match event:
        case ev.ParticipantJoined(name=name, role=role):
            member = known or Member(name, role)
            member = replace(member, name=name, role=role, status="admitted", present=True)
        case ev.ParticipantWaiting(name=name, role=role):
            member = known or Member(name, role)
            member = replace(member, name=name, role=role, status="waiting", present=True)
        case _ if known is None:
            return state
        case _:
            member = _changed(known, event)
    state = replace(state, people=put(state.people, event.user, member))
    if member.is_out and event.user in state.hands:
        state = replace(state, hands=tuple(hand for hand in state.hands if hand != event.user))
    return state


def _changed(
    member: Member,
    event: ev.ParticipantLeft
    | ev.ParticipantAdmitted
    | ev.ParticipantDenied
    | ev.ParticipantRemoved
    | ev.ParticipantBanned
    | ev.ParticipantUnbanned
    | ev.ParticipantMuted
    | ev.ParticipantUnmuted
    | ev.ParticipantRoleChanged
    | ev.ParticipantGrantsChanged,
) -> Member:
    match event:
        case ev.ParticipantLeft():
            return replace(member, present=False)
        case ev.ParticipantAdmitted():
            return replace(member, status="admitted", present=False)
        case ev.ParticipantDenied():
            return replace(member, status="denied", present=False)
        case ev.ParticipantRemoved():
            return replace(member, status="removed", present=False)
        case ev.ParticipantBanned():
            return replace(member, status="banned", present=False)
        case ev.ParticipantUnbanned():
            return replace(member, status="admitted", present=False)
        case ev.ParticipantMuted(until=until):
            return replace(member, is_muted=True, muted_until=until)
        case ev.ParticipantUnmuted():
            return replace(member, is_muted=False, muted_until=None)
        case ev.ParticipantRoleChanged(role=role):
            return replace(member, role=role)
        case ev.ParticipantGrantsChanged(grants=grants):
            return replace(member, grants=grants)
        case _:
            assert_never(event)
