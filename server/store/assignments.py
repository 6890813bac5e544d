"""Role assignments: who was given which role, in the whole tenant, one course or one session."""

from typing import NamedTuple

from protocol.ids import Role
from server.errors import ConflictError, InvalidInputError, NotFoundError

from .pool import AcquiredConnection
from .rows import Row, columns
from .users import Scope, give_role


class KnownRole(Row, frozen=True):
    """A role that a tenant can give."""

    id: str
    name: Role


class Assignment(NamedTuple):
    """A role that somebody was given."""

    id: str
    user_id: str
    role: Role
    scope: Scope
    scope_id: str | None


_SELECT = """
SELECT u.id, u.user_id, r.name, u.scope, u.scope_id
FROM user_roles u JOIN roles r ON r.id = u.role_id"""
_PLACE = {
    "course": "SELECT true FROM courses WHERE id = $1",
    "session": "SELECT true FROM sessions WHERE id = $1",
}


async def list_roles(connection: AcquiredConnection) -> list[KnownRole]:
    """Return the tenant's roles."""
    rows = await connection.fetch(
        f"SELECT {columns(KnownRole)} FROM roles ORDER BY id"  # noqa: S608
    )
    return [KnownRole(*row) for row in rows]


async def give(
    connection: AcquiredConnection,
    tenant: str,
    user: str,
    role: Role,
    *,
    scope: Scope = "tenant",
    scope_id: str | None = None,
) -> Assignment:
    """Give a person a role, and return its assignment: the one that there is, if they have it.

    Raises:
        InvalidInputError: If there is no such person or place, or ``scope`` lacks an id.

    """
    if (scope == "tenant") != (scope_id is None):
        text = "A course or session needs its id, and the tenant takes none."
        raise InvalidInputError(text, field="scope_id")
    if scope_id is not None and not await connection.fetchval(_PLACE[scope], scope_id):
        raise InvalidInputError(f"There is no such {scope}.", field="scope_id")
    if role == "admin" and scope != "tenant":
        raise InvalidInputError("An admin is one of the whole tenant.", field="scope")
    await give_role(connection, tenant, user, role, scope=scope, scope_id=scope_id)
    row = await connection.fetchrow(
        _SELECT + " WHERE u.user_id = $1 AND r.name = $2 AND u.scope = $3 "
        "AND u.scope_id IS NOT DISTINCT FROM $4::uuid",
        user, role, scope, scope_id,
    )  # fmt: skip
    assert row is not None, "it was given"
    return Assignment(*row)


async def get(connection: AcquiredConnection, user: str, assignment: str) -> Assignment:
    """Return an assignment of a person.

    Raises:
        NotFoundError: If they have none of this id, or are not the connection's tenant's.

    """
    row = await connection.fetchrow(
        _SELECT + " WHERE u.user_id = $1 AND u.id = $2", user, assignment
    )
    if row is None:
        raise NotFoundError
    return Assignment(*row)


async def list_of(
    connection: AcquiredConnection, user: str, *, after: str | None = None, limit: int = 50
) -> list[Assignment]:
    """Return a person's assignments, from the one that follows ``after``."""
    rows = await connection.fetch(
        _SELECT + " WHERE u.user_id = $1 AND ($2::uuid IS NULL OR u.id > $2) "
        "ORDER BY u.id LIMIT $3",
        user, after, limit,
    )  # fmt: skip
    return [Assignment(*row) for row in rows]


async def take(connection: AcquiredConnection, assignment: Assignment) -> None:
    """Take an assignment back.

    Raises:
        ConflictError: If it makes the tenant's last admin.

    """
    if assignment.role == "admin":
        await require_other_admin(connection, assignment.user_id)
    await connection.execute("DELETE FROM user_roles WHERE id = $1", assignment.id)


async def require_other_admin(connection: AcquiredConnection, user: str) -> None:
    """Return if the tenant has an active admin besides ``user``, or ``user`` is none.

    Until the transaction ends nobody else can make an admin less.

    Raises:
        ConflictError: If ``user`` is the last.

    """
    await connection.execute(
        "SELECT FROM user_roles u JOIN roles r ON r.id = u.role_id "
        "WHERE r.name = 'admin' AND u.scope = 'tenant' ORDER BY u.id FOR UPDATE OF u"
    )
    # A statement of its own: it sees what those who held the locks before have committed.
    rows = await connection.fetch(
        "SELECT u.user_id FROM user_roles u JOIN roles r ON r.id = u.role_id "
        "JOIN users p ON p.id = u.user_id "
        "WHERE r.name = 'admin' AND u.scope = 'tenant' AND p.status = 'active'"
    )
    if [row[0] for row in rows] == [user]:
        raise ConflictError("The last admin of a tenant stays one.")


async def take_all(connection: AcquiredConnection, user: str) -> None:
    """Take every role of a person back."""
    await connection.execute("DELETE FROM user_roles WHERE user_id = $1", user)
