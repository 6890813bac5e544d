"""What a person is to a resource of their tenant: what the access rule is asked with."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, Self

from protocol.ids import Role

from .participants import ParticipantRole, Status
from .pool import AcquiredConnection

Resource = Literal[
    "tenant", "course", "lesson", "session", "asset", "artifact", "recording", "replay"
]


def _of_part(table: str) -> str:
    return (
        "SELECT s.tenant_id, s.id AS session_id, l.course_id "  # noqa: S608
        f"FROM {table} part JOIN sessions s ON s.id = part.session_id "
        "LEFT JOIN lessons l ON l.id = s.lesson_id WHERE part.id = $1"
    )


_SESSION = (
    "SELECT s.tenant_id, s.id AS session_id, l.course_id "
    "FROM sessions s LEFT JOIN lessons l ON l.id = s.lesson_id WHERE s.id = $1"
)
# Row level security leaves the connection's tenant to look at.
_PLACES: dict[Resource, str] = {
    "tenant": "SELECT id AS tenant_id, NULL::uuid AS session_id, NULL::uuid AS course_id "
    "FROM tenants WHERE id = $1",
    "course": "SELECT tenant_id, NULL::uuid AS session_id, id AS course_id "
    "FROM courses WHERE id = $1",
    "lesson": "SELECT tenant_id, NULL::uuid AS session_id, course_id FROM lessons WHERE id = $1",
    "session": _SESSION,
    "asset": _of_part("studio_assets"),
    "artifact": _of_part("artifacts"),
    "recording": _of_part("recordings"),
    # There is one replay of a class, and it has its id.
    "replay": _SESSION,
}
# A tenant may name roles of its own; these have a meaning.
_KNOWN = "r.name IN ('student', 'assistant', 'teacher', 'admin')"
_REVOKED = """(EXISTS (SELECT FROM tenants WHERE status = 'suspended')
    OR EXISTS (SELECT FROM users WHERE id = $2 AND status = 'inactive'))"""


class Standing(NamedTuple):
    """What decides whether a person may do something with a resource.

    ``tenant`` is the resource's, None if there is none (or not the connection's tenant's);
    ``session`` the session that it is, or is of; ``roles`` those that were given to the person
    and cover it; ``role`` and ``status`` what the session's own list says, None for somebody who
    is not on it; ``is_revoked`` whether the person is inactive or the connection's tenant
    suspended.
    """

    tenant: str | None
    session: str | None
    roles: tuple[Role, ...]
    role: ParticipantRole | None
    status: Status | None
    is_revoked: bool = False


class Granted(NamedTuple):
    """A role that was given to a person; ``scope_id`` is None for the whole tenant."""

    role: Role
    scope: Literal["tenant", "course", "session"]
    scope_id: str | None


class Reach(NamedTuple):
    """What of a tenant a list may show to a person: a condition for queries.

    ``roles`` are those in which the log may know the person of a session that they came to.
    """

    user: str
    is_whole: bool
    courses: tuple[str, ...]
    sessions: tuple[str, ...]
    roles: tuple[Role, ...]

    @classmethod
    def of(cls, user: str, granted: Iterable[Granted], roles: Iterable[Role]) -> Self:
        """Return what ``granted`` opens to ``user``."""
        given = [*granted]
        places = {
            scope: tuple(
                each.scope_id for each in given if each.scope == scope and each.scope_id is not None
            )
            for scope in ("course", "session")
        }
        is_whole = any(each.scope == "tenant" for each in given)
        return cls(user, is_whole, places["course"], places["session"], tuple(roles))

    def shows_course(self, course: str, *, first: int) -> tuple[str, list[object]]:
        """Return a condition in SQL on a course's id, and its parameters from ``$first`` on."""
        condition = f"(${first}::boolean OR {course} = ANY(${first + 1}::uuid[]))"
        return condition, [self.is_whole, self.courses]

    def shows_session(self, session: str, course: str, *, first: int) -> tuple[str, list[object]]:
        """Return a condition in SQL on the ids of a session and of its course (may be null)."""
        by_course, parameters = self.shows_course(course, first=first)
        sessions, user, roles = (f"${first + len(parameters) + n}" for n in range(3))
        condition = (
            f"({by_course} OR {session} = ANY({sessions}::uuid[]) OR EXISTS ("
            "SELECT FROM session_participants came "
            f"WHERE came.session_id = {session} AND came.user_id = {user}::uuid "
            f"AND came.status = 'admitted' AND came.role = ANY({roles}::text[])))"
        )
        return condition, [*parameters, self.sessions, self.user, self.roles]


async def find(
    connection: AcquiredConnection, within: Resource, resource: str, user: str
) -> Standing:
    """Return what is known of ``user`` with regard to a resource, in one round trip."""
    row = await connection.fetchrow(
        f"""
        SELECT place.tenant_id, place.session_id, p.role, p.status, {_REVOKED},
            ARRAY(
                SELECT r.name FROM user_roles u JOIN roles r ON r.id = u.role_id
                WHERE u.user_id = $2 AND {_KNOWN} AND (
                    u.scope = 'tenant'
                    OR (u.scope = 'course' AND u.scope_id = place.course_id)
                    OR (u.scope = 'session' AND u.scope_id = place.session_id)))
        FROM (SELECT) AS one LEFT JOIN ({_PLACES[within]}) AS place ON true
        LEFT JOIN session_participants p ON p.session_id = place.session_id AND p.user_id = $2
        """,  # noqa: S608
        resource,
        user,
    )
    assert row is not None  # a row of nulls for what is not there
    tenant, session, role, status, is_revoked, roles = row
    given = tuple(roles) if tenant is not None else ()
    return Standing(tenant, session, given, role, status, is_revoked)


async def list_granted(
    connection: AcquiredConnection, tenant: str, user: str
) -> tuple[list[Granted], bool]:
    """Return every role that was given to ``user``, and whether their tokens are revoked."""
    rows = await connection.fetch(
        f"""
        SELECT {_REVOKED}, given.* FROM (SELECT) AS one LEFT JOIN (
            SELECT r.name, u.scope, u.scope_id
            FROM user_roles u JOIN roles r ON r.id = u.role_id
            WHERE u.tenant_id = $1 AND u.user_id = $2 AND {_KNOWN}) AS given ON true
        """,  # noqa: S608
        tenant,
        user,
    )
    return [Granted(*row[1:]) for row in rows if row[1] is not None], rows[0][0]
