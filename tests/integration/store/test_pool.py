"""The pools: codecs, tenants, and errors that are ours."""

import pytest

from server.errors import ConflictError, ForbiddenError, UnavailableError
from server.ids import new_id
from server.store.pool import Pools


async def test_values_travel_as_the_code_keeps_them(pools):
    user = new_id()
    async with pools.hub() as connection:
        row = await connection.fetchrow(
            "SELECT $1::uuid, $2::uuid[], $3::timestamptz, $4::jsonb, $5::jsonb[]",
            user, [user, user], 1_795_302_000_123, b'{"a":1}', [b"[]", b"{}"],
        )  # fmt: skip
    assert tuple(row) == (user, [user, user], 1_795_302_000_123, b'{"a": 1}', [b"[]", b"{}"])


async def test_each_pool_acts_as_its_role(pools):
    async with pools.hub() as connection:
        assert await connection.fetchval("SELECT current_user") == "liveclass_hub"
    async with pools.projector() as connection:
        assert await connection.fetchval("SELECT current_user") == "liveclass_projector"
    async with pools.tenant(new_id()) as connection:
        assert await connection.fetchval("SELECT current_user") == "liveclass_app"


async def test_a_tenant_is_set_for_the_block_only(pools):
    tenant = new_id()
    async with pools.tenant(tenant) as connection:
        assert await connection.fetchval("SELECT current_setting('app.tenant_id')") == tenant
    async with pools._acquire("app") as connection:
        assert await connection.fetchval("SELECT current_setting('app.tenant_id', true)") == ""


async def test_a_block_that_raises_leaves_nothing(pools):
    tenant = new_id()

    async def fail():
        async with pools.tenant(tenant) as connection:
            await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, 'a')", tenant)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with pools.tenant(tenant) as connection:
        assert await connection.fetchval("SELECT count(*) FROM tenants") == 0


async def test_errors_are_ours(pools):
    tenant = new_id()
    insert = "INSERT INTO tenants (id, name) VALUES ($1, 'a')"
    async with pools.tenant(tenant) as connection:
        await connection.execute(insert, tenant)
    with pytest.raises(ConflictError):
        async with pools.tenant(tenant) as connection:
            await connection.execute(insert, tenant)
    with pytest.raises(ForbiddenError):
        async with pools.tenant(tenant) as connection:
            await connection.execute(insert, new_id())


async def test_a_lost_connection_is_unavailable_and_the_next_one_works(pools, owner):
    async def lose_connection():
        async with pools.hub() as connection:
            pid = connection.get_server_pid()
            assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            await connection.execute("SELECT 1")

    with pytest.raises(UnavailableError):
        await lose_connection()
    async with pools.hub() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_database_that_is_away_is_unavailable(tmp_path):
    with pytest.raises(UnavailableError):
        async with Pools.open(f"postgresql://a:b@/c?host={tmp_path}&port=5432"):
            pass


async def test_a_value_that_is_no_uuid_never_reaches_the_statement(pools):
    with pytest.raises(ValueError, match="badly formed"):
        async with pools.tenant("x'; DROP TABLE tenants; --"):
            pass
