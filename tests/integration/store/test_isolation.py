"""Row level security: a request bound to one tenant sees no row of another, in any table."""

import pytest

from server.ids import new_id

# Of no tenant: what a request may see of it is no secret of anybody's.
COMMON = {"installation", "nodes", "schema_migrations"}
VALUES = {
    "uuid": lambda: f"'{new_id()}'",
    "text": lambda: f"'{new_id()}'",
    "citext": lambda: f"'{new_id()}'",
    "boolean": lambda: "false",
    "bytea": lambda: f"'\\x{new_id().replace('-', '')}'",
    "jsonb": lambda: "'{}'",
    "integer[]": lambda: "'{}'",
    "tsvector": lambda: "''",
    "date": lambda: "now()",
    "timestamp with time zone": lambda: "now()",
    "text[]": lambda: "'{}'",
    "uuid[]": lambda: "'{}'",
}


@pytest.fixture
async def tables(owner):
    """The columns of every table; what would make it hard to fill them is taken away."""
    await owner.execute("SET ROLE liveclass_owner")
    for table, name in await owner.fetch(
        "SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c "
        "WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('c', 'f') "
        "ORDER BY c.contype DESC, c.conparentid"
    ):
        await owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    rows = await owner.fetch(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), "
        "a.atthasdef OR a.attidentity <> '', c.relrowsecurity "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum"
    )
    found = {}
    for table, column, kind, has_default, is_secured in rows:
        found.setdefault(table, {"columns": {}, "is_secured": is_secured})
        if not has_default or column in ("id", "tenant_id"):
            found[table]["columns"][column] = kind
    for table in found:
        if table not in COMMON:
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return found


async def fill(owner, tables, tenant):
    """Put one row of ``tenant`` into every table."""
    for table, known in tables.items():
        own = "id" if table == "tenants" else "tenant_id"
        if table in COMMON:
            continue
        assert own in known["columns"], f"{table}: whose rows are these?"
        assert known["is_secured"], f"{table}: without row level security"
        values = {
            column: f"'{tenant}'" if column == own else VALUES.get(kind, lambda: "1")()
            for column, kind in known["columns"].items()
        }
        await owner.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
        )


async def test_no_table_shows_a_request_what_is_another_tenants(pools, owner, tables) -> None:
    ours, theirs = new_id(), new_id()
    for tenant in (ours, theirs):
        await fill(owner, tables, tenant)
    for table in tables.keys() - COMMON:
        own = "id" if table == "tenants" else "tenant_id"
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") >= 2, table
        if not await owner.fetchval(
            "SELECT has_column_privilege('liveclass_app', $1, $2, 'SELECT')", table, own
        ):
            continue  # nothing of it is for requests
        async with pools.tenant(ours) as connection:
            rows = await connection.fetch(f"SELECT {own} FROM {table}")
        assert {row[0] for row in rows} == {ours}, table
        for change in ("DELETE FROM {}", "UPDATE {} SET {own} = {own}"):
            kind = change.partition(" ")[0]
            if await owner.fetchval(
                "SELECT has_table_privilege('liveclass_app', $1, $2)", table, kind
            ):
                async with pools.tenant(ours) as connection:
                    done = await connection.execute(
                        change.format(table, own=own) + f" WHERE {own} = '{theirs}'"
                    )
                assert done == f"{kind} 0", table


async def test_a_request_without_a_tenant_sees_nothing(owner, tables) -> None:
    await fill(owner, tables, new_id())
    await owner.execute("SET ROLE liveclass_app")
    for table in tables.keys() - COMMON:
        own = "id" if table == "tenants" else "tenant_id"
        if await owner.fetchval("SELECT has_column_privilege($1, $2, 'SELECT')", table, own):
            assert await owner.fetchval(f"SELECT count({own}) FROM {table}") == 0, table
