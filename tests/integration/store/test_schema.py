"""The seed's requirements hold in the database itself, for every role and the owner too."""

import asyncio
import re

import asyncpg
import pytest

from server.ids import new_id
from server.store import integrations, tenants, users

SEED = {
    "tenants": "id name status created_at updated_at",
    "tenant_domains": "id tenant_id domain created_at",
    "users": "id tenant_id email display_name status created_at updated_at",
    "roles": "id tenant_id name",
    "user_roles": "user_id role_id scope scope_id",
    "courses": "id tenant_id title status created_at",
    "lessons": "id course_id title order_index created_at",
    "sessions": "id lesson_id status scheduled_at started_at ended_at created_at",
    "session_participants": "session_id user_id role join_time leave_time permissions",
    "session_state_events":
        "id session_id event_type event_payload sequence idempotency_key created_at",
    "studio_scenes": "id session_id name layout created_at",
    "studio_assets": "id session_id asset_type uri created_at",
    "recordings": "id session_id status media_uri created_at",
    "artifacts": "id session_id artifact_type payload created_at",
    "replays": "id session_id status publish_at",
    "chat_messages": "id session_id user_id message created_at",
    "questions": "id session_id user_id prompt status created_at",
    "polls": "id session_id prompt options created_at",
    "integrations": "id tenant_id provider status created_at",
    "multistream_destinations": "id integration_id destination_name stream_key_ref created_at",
    "session_destinations": "session_id destination_id status created_at",
}  # fmt: skip
TYPES = {
    "email": "citext",
    "order_index": "integer",
    "sequence": "bigint",
    **dict.fromkeys(["permissions", "event_payload", "layout", "payload", "options"], "jsonb"),
    **dict.fromkeys(
        [
            "name",
            "status",
            "domain",
            "title",
            "display_name",
            "scope",
            "role",
            "uri",
            "message",
            "prompt",
            "provider",
            "destination_name",
            "stream_key_ref",
            "event_type",
            "idempotency_key",
            "asset_type",
            "artifact_type",
            "media_uri",
        ],
        "text",
    ),
}
REFERENCES = {
    "tenant_id": "tenants", "user_id": "users", "role_id": "roles", "course_id": "courses",
    "lesson_id": "lessons", "session_id": "sessions", "integration_id": "integrations",
    "destination_id": "multistream_destinations",
}  # fmt: skip
ENUMERATIONS = {
    ("tenants", "status"): "active suspended",
    ("users", "status"): "active inactive",
    ("roles", "name"): "teacher student assistant admin",
    ("user_roles", "scope"): "tenant course session",
    ("courses", "status"): "draft published",
    ("sessions", "status"): "scheduled live ended archived",
    ("session_participants", "role"): "teacher student assistant",
    ("studio_assets", "asset_type"): "slide whiteboard media",
    ("recordings", "status"): "recording finalized failed",
    ("artifacts", "artifact_type"): "transcript chapter highlight note",
    ("replays", "status"): "draft published",
    ("questions", "status"): "open answered",
    ("integrations", "status"): "active revoked",
    ("session_destinations", "status"): "enabled disabled failed",
}


async def test_every_table_and_column_of_the_seed_is_there(owner):
    rows = await owner.fetch(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
    )
    found = {(table, column): type_ for table, column, type_ in rows}
    for table, columns in SEED.items():
        for column in columns.split():
            expected = TYPES.get(column) or (
                "uuid" if column == "id" or column.endswith("_id") else "timestamp with time zone"
            )
            assert found.get((table, column)) == expected, (table, column)


async def test_every_reference_of_the_seed_is_a_foreign_key(owner):
    rows = await owner.fetch(
        """
        SELECT f.conrelid::regclass::text, a.attname, f.confrelid::regclass::text
        FROM pg_constraint f, unnest(f.conkey, f.confkey) AS k (here, there)
        JOIN pg_attribute a ON a.attnum = k.here
        JOIN pg_attribute b ON b.attnum = k.there AND b.attname = 'id'
        WHERE f.contype = 'f' AND a.attrelid = f.conrelid AND b.attrelid = f.confrelid
        """
    )
    found = {tuple(row) for row in rows}
    for table, columns in SEED.items():
        for column in set(columns.split()) & REFERENCES.keys():
            assert (table, column, REFERENCES[column]) in found, (table, column)


async def test_every_enumeration_of_the_seed_is_checked(owner):
    rows = await owner.fetch(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'c'"
    )
    for (table, column), values in ENUMERATIONS.items():
        assert any(
            of == table and f"({column} =" in text
            and re.findall(r"'(\w+)'::text", text) == values.split()
            for of, text in rows
        ), (table, column)  # fmt: skip


async def test_parent_and_child_are_always_of_one_tenant(owner):
    """Every foreign key between two tables that tenants own holds tenant_id, or a parent's key."""
    rows = await owner.fetch(
        """
        SELECT f.conname, ARRAY(SELECT a.attname::text FROM pg_attribute a
                                WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey))
        FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid
        WHERE f.contype = 'f' AND p.relname <> 'tenants'
        """
    )
    assert len(rows) > 25
    for name, columns in rows:
        assert {"tenant_id", "session_id"} & set(columns), name
        assert len(columns) == 2, name


async def test_every_table_of_a_tenant_is_under_row_security(owner):
    rows = await owner.fetch(
        """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind = 'r' AND NOT c.relrowsecurity
        """
    )
    assert {row[0] for row in rows} == {"nodes", "installation", "schema_migrations"}


# ---------------------------------------------------------------- the log


@pytest.fixture
async def written(room, writer):
    await writer.append(room.session, room.epoch, [room.chat(), room.chat()])
    return room


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE session_state_events SET event_payload = '{}'",
        "UPDATE session_state_events SET sequence = sequence + 7",
        "DELETE FROM session_state_events",
        "TRUNCATE session_state_events",
        "TRUNCATE sessions CASCADE",
    ],
)
async def test_the_log_refuses_change_even_from_its_owner(written, owner, statement):
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await owner.execute(statement)
    assert len(await written.stored()) == 2


@pytest.mark.parametrize("role", ["app", "hub", "projector"])
async def test_no_role_may_change_the_log(written, owner, role):
    await owner.execute(f"SET ROLE liveclass_{role}")
    for statement in (
        "UPDATE session_state_events SET event_payload = '{}'",
        "DELETE FROM session_state_events",
        "TRUNCATE session_state_events",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)


async def test_only_the_hub_may_append(written, owner):
    insert = (
        "INSERT INTO session_state_events (id, tenant_id, session_id, sequence, event_type, "
        "event_payload, payload_digest, digest, created_at) "
        "VALUES (gen_random_uuid(), $1, $2, $3, 'x', '{}', '', '', now())"
    )
    for role in ("app", "projector", "eraser"):
        await owner.execute(f"SET ROLE liveclass_{role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(insert, written.tenant, written.session, 3)
        await owner.execute("RESET ROLE")
    await owner.execute("SET ROLE liveclass_hub")
    await owner.execute(insert, written.tenant, written.session, 3)
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(insert, written.tenant, written.session, 3)


async def test_the_eraser_may_take_words_and_salts_and_nothing_else(written, owner, reader):
    await owner.execute("SET ROLE liveclass_eraser")
    await owner.execute(
        "UPDATE session_state_events SET event_payload = '{}', salt = NULL, command_digest = NULL "
        "WHERE sequence = 1"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("UPDATE session_state_events SET actor_id = NULL, salt = NULL")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("DELETE FROM session_state_events")
    # Not by its grants alone: the trigger says so too.
    await owner.execute("RESET ROLE")
    await owner.execute("SET ROLE liveclass_owner")
    await owner.execute("GRANT UPDATE ON session_state_events TO liveclass_eraser")
    await owner.execute("SET ROLE liveclass_eraser")
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("UPDATE session_state_events SET event_type = 'y', salt = NULL")
    verdict = await reader.verify(written.session)
    assert (verdict.sequence, verdict.erased, verdict.broken) == (2, 1, None)


async def test_a_changed_log_does_not_verify(written, owner, reader):
    """As a superuser of the server could: the database cannot refuse them, the chain shows it."""
    await owner.execute("SET ROLE liveclass_owner")
    await owner.execute("ALTER TABLE session_state_events DISABLE TRIGGER append_only")
    await owner.execute("""UPDATE session_state_events SET event_payload = '{"text": "no"}'
                           WHERE sequence = 2""")
    assert (await reader.verify(written.session)).broken == 2


# ---------------------------------------------------------------- tenants


async def test_one_tenant_sees_nothing_of_another(pools, room, rooms, writer, owner):
    """Two tenants with the same things: a request of one finds its own row and no other."""
    stranger = await rooms.open(pools)
    for each in (room, stranger):
        ann = new_id()
        async with pools.tenant(each.tenant) as connection:
            await users.ensure(connection, each.tenant, ann, "Ann")
            await users.give_role(connection, each.tenant, ann, "teacher")
            await integrations.create(connection, each.tenant, provider="youtube")
        await writer.append(each.session, each.epoch, [each.chat(actor=ann)])
    tables = [
        row[0]
        for row in await owner.fetch(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'tenant_id'"
        )
    ]
    seen = set()
    async with pools.tenant(room.tenant) as connection:
        for table in tables:
            try:
                async with Savepoint(connection):
                    rows = await connection.fetch(f"SELECT tenant_id FROM {table}")
            except asyncpg.InsufficientPrivilegeError:
                continue
            assert {row[0] for row in rows} <= {room.tenant}, table
            seen |= {table} if rows else set()
    assert seen >= {"users", "roles", "user_roles", "sessions", "integrations",
                    "session_state_events", "session_hubs"}  # fmt: skip
    async with pools.tenant(new_id()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    async with pools._acquire("app") as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 0


class Savepoint:
    """A savepoint in a transaction that asyncpg did not begin."""

    def __init__(self, connection):
        self._connection = connection

    async def __aenter__(self):
        await self._connection.execute("SAVEPOINT s")

    async def __aexit__(self, kind, error, trace):
        await self._connection.execute("ROLLBACK TO s" if kind else "RELEASE s")


async def test_a_destination_of_another_tenant_cannot_be_used(pools, room, rooms, owner):
    stranger = await rooms.open(pools)
    async with pools.tenant(stranger.tenant) as connection:
        account = await integrations.create(connection, stranger.tenant, provider="twitch")
        place = await integrations.create_destination(
            connection, stranger.tenant, account.id, name="x", url="rtmp://a/b",
            stream_key_ref="env:A",
        )  # fmt: skip
    for tenant in (room.tenant, stranger.tenant):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await owner.execute(
                "INSERT INTO session_destinations VALUES ($1, $2, $3, 'enabled', NULL, now())",
                tenant, room.session, place.id,
            )  # fmt: skip


async def test_requests_cannot_read_secrets(pools, owner):
    tenant = (await tenants.create(pools, "School")).id
    await owner.execute(f"SET ROLE liveclass_app; SET app.tenant_id = '{tenant}'")
    await owner.execute(
        "INSERT INTO secrets (id, tenant_id, ciphertext) VALUES ($1, $2, 'x')", new_id(), tenant
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.fetch("SELECT ciphertext FROM secrets")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.fetch("SELECT key FROM installation")


# ---------------------------------------------------------------- artifacts and replays


RECORDING = (
    "INSERT INTO recordings (id, tenant_id, session_id, status, created_at) "
    "VALUES ($1, $2, $3, $4, now())"
)
ARTIFACT = (
    "INSERT INTO artifacts (id, tenant_id, session_id, artifact_type, payload, source_sequence, "
    "created_at) VALUES ($1, $2, $3, 'chapter', '{}', $4, now())"
)
REPLAY = "INSERT INTO replays (id, tenant_id, session_id, status) VALUES ($1, $2, $3, $4)"


async def test_an_artifact_comes_from_an_event_of_its_session(written, owner):
    who = written.tenant, written.session
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="has no event 3"):
        await owner.execute(ARTIFACT, new_id(), *who, 3)
    await owner.execute(ARTIFACT, new_id(), *who, 2)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute("UPDATE artifacts SET source_sequence = 9")
    await owner.execute("SET ROLE liveclass_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute(ARTIFACT, new_id(), *who, 2)


async def test_a_replay_is_published_only_with_a_recording_and_an_artifact(written, owner):
    who, recording = (written.tenant, written.session), new_id()
    with pytest.raises(asyncpg.CheckViolationError, match="no finalized recording"):
        await owner.execute(REPLAY, new_id(), *who, "published")
    await owner.execute(REPLAY, new_id(), *who, "draft")
    await owner.execute(RECORDING, recording, *who, "recording")
    publish = "UPDATE replays SET status = 'published'"
    with pytest.raises(asyncpg.CheckViolationError, match="no finalized recording"):
        await owner.execute(publish)
    await owner.execute("UPDATE recordings SET status = 'finalized'")
    with pytest.raises(asyncpg.CheckViolationError, match="no artifact"):
        await owner.execute(publish)
    await owner.execute(ARTIFACT, new_id(), *who, 1)
    await owner.execute(publish)
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(REPLAY, new_id(), *who, "draft")


@pytest.fixture
async def published(written, owner):
    who = written.tenant, written.session
    await owner.execute(RECORDING, new_id(), *who, "finalized")
    await owner.execute(ARTIFACT, new_id(), *who, 1)
    await owner.execute(REPLAY, new_id(), *who, "published")
    return written


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM recordings",
        "UPDATE recordings SET status = 'failed'",
        "DELETE FROM artifacts",
    ],
)
async def test_a_published_replay_keeps_what_it_rests_on(published, owner, statement):
    with pytest.raises(asyncpg.CheckViolationError, match="the published replay"):
        await owner.execute(statement)
    await owner.execute("UPDATE recordings SET bytes = 7")
    await owner.execute("UPDATE replays SET status = 'draft'")
    await owner.execute(statement)


async def test_a_published_replay_lets_go_what_it_can_spare(published, owner):
    who, second = (published.tenant, published.session), new_id()
    await owner.execute(RECORDING, second, *who, "finalized")
    await owner.execute(ARTIFACT, second, *who, 1)
    await owner.execute("DELETE FROM recordings WHERE id = $1", second)
    await owner.execute("DELETE FROM artifacts WHERE id = $1", second)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("DELETE FROM artifacts")


@pytest.mark.parametrize("first", ["publish", "remove"])
async def test_publishing_and_removing_at_once_cannot_both_succeed(
    written, owner, database_url, first
):
    who = written.tenant, written.session
    await owner.execute(RECORDING, new_id(), *who, "finalized")
    await owner.execute(ARTIFACT, new_id(), *who, 1)
    await owner.execute(REPLAY, new_id(), *who, "draft")
    statements = {
        "publish": "UPDATE replays SET status = 'published'",
        "remove": "DELETE FROM artifacts",
    }
    other = await asyncpg.connect(database_url)
    try:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute(statements.pop(first))
        second = asyncio.create_task(other.execute(*statements.values()))
        await asyncio.sleep(0.1)
        assert not second.done()
        await transaction.commit()
        with pytest.raises(asyncpg.CheckViolationError):
            await second
    finally:
        await other.close()
