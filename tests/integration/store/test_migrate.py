"""Migrations: once, in order, by whoever comes first; history is not edited."""

import asyncio

import asyncpg
import pytest

from server.errors import UnavailableError
from server.store.migrate import Migration, MigrationError, load, migrate, pending


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id int);\nINSERT INTO one VALUES (1)")
    (tmp_path / "0002_two.sql").write_text("INSERT INTO one VALUES (2)")
    (tmp_path / "readme.txt").write_text("not a migration")
    return tmp_path


@pytest.fixture
async def bare(empty_database_url):
    connection = await asyncpg.connect(empty_database_url)
    yield connection
    await connection.close()


async def test_nodes_that_start_at_once_apply_each_file_once(empty_database_url, bare):
    applied = await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    names = [migration.name for migration in load()]
    assert sorted(applied, key=len) == [[], [], [], names]
    assert await pending(empty_database_url) == []
    recorded = await bare.fetch("SELECT name FROM schema_migrations ORDER BY version")
    assert [row[0] for row in recorded] == names


async def test_two_installations_in_one_cluster_have_roles_of_their_own(empty_database_url, bare):
    await migrate(empty_database_url, prefix="second")
    roles = await bare.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'second%' ORDER BY 1")
    assert [row[0] for row in roles] == [
        f"second_{role}" for role in ("app", "eraser", "hub", "owner", "projector")
    ]
    await bare.execute("SET ROLE second_app")
    assert await bare.fetchval("SELECT count(*) FROM tenants") == 0
    await bare.execute("RESET ROLE; SET ROLE liveclass_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bare.fetchval("SELECT count(*) FROM tenants")
    with pytest.raises(MigrationError):
        await migrate(empty_database_url, prefix="x; DROP TABLE tenants")


async def test_what_is_new_is_applied_and_what_was_edited_is_refused(
    empty_database_url, bare, directory
):
    assert await pending(empty_database_url, directory=directory) == ["one", "two"]
    assert await migrate(empty_database_url, directory=directory) == ["one", "two"]
    (directory / "0003_three.sql").write_text("INSERT INTO one VALUES (3)")
    assert await pending(empty_database_url, directory=directory) == ["three"]
    assert await migrate(empty_database_url, directory=directory) == ["three"]
    (directory / "0002_two.sql").write_text("INSERT INTO one VALUES (22)")
    for run in (migrate, pending):
        with pytest.raises(MigrationError, match="0002_two was edited"):
            await run(empty_database_url, directory=directory)
    assert [row[0] for row in await bare.fetch("SELECT id FROM one ORDER BY 1")] == [1, 2, 3]


async def test_a_database_that_is_newer_than_the_code_is_refused(empty_database_url, directory):
    await migrate(empty_database_url, directory=directory)
    (directory / "0002_two.sql").unlink()
    for run in (migrate, pending):
        with pytest.raises(MigrationError, match="newer than this code"):
            await run(empty_database_url, directory=directory)


async def test_a_file_that_fails_leaves_nothing_and_those_before_it_stay(
    empty_database_url, bare, directory
):
    (directory / "0003_three.sql").write_text("INSERT INTO one VALUES (3);\nSELECT nothing_such")
    with pytest.raises(MigrationError, match="0003_three failed"):
        await migrate(empty_database_url, directory=directory)
    assert [row[0] for row in await bare.fetch("SELECT id FROM one ORDER BY 1")] == [1, 2]
    (directory / "0003_three.sql").write_text("INSERT INTO one VALUES (3)")
    assert await migrate(empty_database_url, directory=directory) == ["three"]


async def test_a_file_may_opt_out_of_its_transaction(empty_database_url, directory):
    (directory / "0003_three.sql").write_text(
        "-- no-transaction\nCREATE INDEX CONCURRENTLY ON one (id)"
    )
    assert await migrate(empty_database_url, directory=directory) == ["one", "two", "three"]


async def test_numbers_have_no_gap_and_no_repetition(directory):
    (directory / "0002_again.sql").write_text("")
    with pytest.raises(MigrationError, match="numbered"):
        load(directory)
    (directory / "0002_again.sql").rename(directory / "0004_again.sql")
    with pytest.raises(MigrationError, match="numbered"):
        load(directory)


async def test_a_database_that_is_away_is_unavailable(tmp_path):
    with pytest.raises(UnavailableError):
        await migrate(f"postgresql://a:b@/c?host={tmp_path}&port=5432")


def test_the_digest_is_of_the_text():
    assert Migration(1, "a", "x").sha256 != Migration(1, "a", "y").sha256
