"""The people of a class: who comes, who is let in, who may do what."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.ids import Moment, OptionalText, Role, Timestamp, UserId
from protocol.messages import Command, Event

GivenRole: TypeAlias = Literal["teacher", "assistant", "student"]
"""The roles that a class gives; an admin is one by their token."""
Grants: TypeAlias = dict[Annotated[str, Meta(max_length=64)], bool]
"""Operation → whether this person may, other than their role says."""


class ParticipantAdmit(Command, frozen=True):
    """Let somebody in who waits, or who was denied or removed."""

    op = "participant.admit"
    user: UserId


class ParticipantDeny(Command, frozen=True):
    """Turn away somebody who waits."""

    op = "participant.deny"
    user: UserId


class ParticipantRemove(Command, frozen=True):
    """Take a person out of the class; they stay out until somebody admits them."""

    op = "participant.remove"
    user: UserId
    reason: OptionalText | None = None


class ParticipantBan(Command, frozen=True):
    """Shut a person out: through reconnects, restarts and new tokens, until unbanned."""

    op = "participant.ban"
    user: UserId
    reason: OptionalText | None = None


class ParticipantUnban(Command, frozen=True):
    """Let a banned person come again."""

    op = "participant.unban"
    user: UserId


class ParticipantMute(Command, frozen=True):
    """Take the word from a person: no chat, no questions; without ``until``, until unmuted."""

    op = "participant.mute"
    user: UserId
    until: Moment | None = None


class ParticipantUnmute(Command, frozen=True):
    """Give a person the word back."""

    op = "participant.unmute"
    user: UserId


class ParticipantSetRole(Command, frozen=True):
    """Make a person teacher, assistant or student of this class."""

    op = "participant.set_role"
    user: UserId
    role: GivenRole


class ParticipantSetGrants(Command, frozen=True):
    """Allow or forbid a person single operations, whatever their role; others stay as they are."""

    op = "participant.set_grants"
    user: UserId
    grants: Annotated[Grants, Meta(min_length=1, max_length=64)]


class ParticipantJoined(Event, frozen=True):
    """Somebody came in (attendance: staff only)."""

    type = "participant.joined"
    user: UserId
    name: str
    role: Role


class ParticipantLeft(Event, frozen=True):
    """Somebody has been away for longer than the grace (attendance: staff only)."""

    type = "participant.left"
    user: UserId


class ParticipantWaiting(Event, frozen=True):
    """Somebody waits in the lobby to be let in (staff only)."""

    type = "participant.waiting"
    user: UserId
    name: str
    role: Role


class ParticipantAdmitted(Event, frozen=True):
    """Somebody may come in (staff only)."""

    type = "participant.admitted"
    user: UserId


class ParticipantDenied(Event, frozen=True):
    """Somebody was turned away at the lobby (staff only)."""

    type = "participant.denied"
    user: UserId


class ParticipantRemoved(Event, frozen=True):
    """Somebody was taken out of the class; the reason is for staff."""

    type = "participant.removed"
    user: UserId
    reason: str | None = None


class ParticipantBanned(Event, frozen=True):
    """Somebody was shut out; the reason is for staff."""

    type = "participant.banned"
    user: UserId
    reason: str | None = None


class ParticipantUnbanned(Event, frozen=True):
    """Somebody who was shut out may come again (staff only)."""

    type = "participant.unbanned"
    user: UserId


class ParticipantMuted(Event, frozen=True):
    """Somebody may not speak, up to ``until`` or until unmuted (staff, and the person's mine)."""

    type = "participant.muted"
    user: UserId
    until: Timestamp | None = None


class ParticipantUnmuted(Event, frozen=True):
    """Somebody may speak again (staff, and the person's mine)."""

    type = "participant.unmuted"
    user: UserId


class ParticipantRoleChanged(Event, frozen=True):
    """Somebody has another role from now on (staff; the person is welcomed anew)."""

    type = "participant.role_changed"
    user: UserId
    role: GivenRole


class ParticipantGrantsChanged(Event, frozen=True):
    """What somebody may do other than their role says: all of it (staff, and the person's mine)."""

    type = "participant.grants_changed"
    user: UserId
    grants: dict[str, bool]


ParticipantCommand: TypeAlias = (
    ParticipantAdmit
    | ParticipantDeny
    | ParticipantRemove
    | ParticipantBan
    | ParticipantUnban
    | ParticipantMute
    | ParticipantUnmute
    | ParticipantSetRole
    | ParticipantSetGrants
)
ParticipantEvent: TypeAlias = (
    ParticipantJoined
    | ParticipantLeft
    | ParticipantWaiting
    | ParticipantAdmitted
    | ParticipantDenied
    | ParticipantRemoved
    | ParticipantBanned
    | ParticipantUnbanned
    | ParticipantMuted
    | ParticipantUnmuted
    | ParticipantRoleChanged
    | ParticipantGrantsChanged
)
