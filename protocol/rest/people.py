"""People, the roles they are given, and what is done with what is known about them."""

from typing import Literal

from msgspec import UNSET, UnsetType

from protocol.ids import Role, SessionId, ShortText, TenantId, Timestamp, UserId
from protocol.rest.paging import PageQuery
from protocol.rest.shapes import Answer, AssignmentId, Body, Email, ErasureId, RoleId


class NewUser(Body, frozen=True):
    """A person to add."""

    name: ShortText
    email: Email | None = None


class UserChange(Body, frozen=True):
    """What to change of a person; the tokens of one who is ``inactive`` are refused."""

    name: ShortText | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    status: Literal["active", "inactive"] | UnsetType = UNSET


class UsersQuery(PageQuery, frozen=True):
    """Which people, and which page of them."""

    email: Email | None = None
    status: Literal["active", "inactive"] | None = None
    q: ShortText | None = None
    """A part of their name or address."""
    role: Role | None = None
    """A role that they were given, wherever."""


class User(Answer, frozen=True):
    """A person of the tenant."""

    id: UserId
    name: str
    email: str | None
    status: Literal["active", "inactive"]
    role: Role | None
    """The highest role that they were given, wherever; null: none."""
    created_at: Timestamp
    updated_at: Timestamp


class KnownRole(Answer, frozen=True):
    """A role that can be given."""

    id: RoleId
    name: Role


class NewAssignment(Body, frozen=True):
    """A role to give: in the whole tenant, or in the course or session ``scope_id``."""

    role: Role
    scope: Literal["tenant", "course", "session"] = "tenant"
    scope_id: SessionId | None = None


class Assignment(Answer, frozen=True):
    """A role that somebody was given; it holds for its scope and all that is in it."""

    id: AssignmentId
    user: UserId
    role: Role
    scope: Literal["tenant", "course", "session"]
    scope_id: SessionId | None


class MyRole(Answer, frozen=True):
    """A role of one's own; it is never more than the token says."""

    role: Role
    scope: Literal["tenant", "course", "session"]
    scope_id: SessionId | None


class Me(Answer, frozen=True):
    """Who the token is of, and what they may be where."""

    user: UserId
    name: str
    tenant: TenantId
    tenant_name: str
    role: Role
    """The highest of the roles; a student's, where there is none."""
    roles: tuple[MyRole, ...]
    expires_at: Timestamp
    """When the token ends."""


class Erasure(Answer, frozen=True):
    """The erasure of a person: over once ``finished_at`` is there.

    Name, address and roles are gone at once. Their words go out of the log of one class after the
    other; ``events`` and ``sessions`` say of how many so far.
    """

    id: ErasureId
    user: UserId
    began_at: Timestamp
    finished_at: Timestamp | None
    sessions: int
    events: int
