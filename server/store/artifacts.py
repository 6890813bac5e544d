"""What classes leave behind, as their logs say."""

import msgspec

from protocol.features.artifacts import ArtifactPayload, ArtifactType
from server.errors import NotFoundError

from .pool import AcquiredConnection
from .rows import Row, columns


class Artifact(Row, frozen=True):
    """An artifact: its content as JSON, the event it comes from, the last one about it.

    ``user_id`` is its maker, None for the class itself.
    """

    id: str
    session_id: str
    artifact_type: ArtifactType
    payload: bytes
    source_sequence: int
    touched: int
    version: int
    user_id: str | None
    created_at: int

    @property
    def content(self) -> ArtifactPayload:
        """The content."""
        return msgspec.json.decode(self.payload, type=ArtifactPayload)


_SELECT = f"SELECT {columns(Artifact)} FROM artifacts"  # noqa: S608


async def get(connection: AcquiredConnection, session: str, artifact: str) -> Artifact:
    """Return an artifact of a session.

    Raises:
        NotFoundError: If it has no such artifact.

    """
    row = await connection.fetchrow(
        _SELECT + " WHERE session_id = $1 AND id = $2", session, artifact
    )
    if row is None:
        raise NotFoundError
    return Artifact(*row)


async def made_by(connection: AcquiredConnection, session: str, first: int, last: int) -> Artifact:
    """Return what a command made whose events are ``first``…``last``.

    Raises:
        NotFoundError: If it is there no more.

    """
    row = await connection.fetchrow(
        _SELECT + " WHERE session_id = $1 AND source_sequence BETWEEN $2 AND $3",
        session, first, last,
    )  # fmt: skip
    if row is None:
        raise NotFoundError
    return Artifact(*row)


async def list_of_session(
    connection: AcquiredConnection,
    session: str,
    *,
    kind: ArtifactType | None = None,
    language: str | None = None,
    notes_of: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Artifact]:
    """Return a session's artifacts in the order of their ids, from the one that follows ``after``.

    ``notes_of`` leaves of the notes only those of that person; ``language`` is matched without
    regard to case.
    """
    rows = await connection.fetch(
        _SELECT
        + """ WHERE session_id = $1 AND ($2::text IS NULL OR artifact_type = $2)
                AND ($3::text IS NULL OR lower(payload->>'language') = lower($3))
                AND ($4::uuid IS NULL OR artifact_type <> 'note' OR user_id = $4)
                AND ($5::uuid IS NULL OR id > $5)
              ORDER BY id LIMIT $6""",
        session, kind, language, notes_of, after, limit,
    )  # fmt: skip
    return [Artifact(*row) for row in rows]
