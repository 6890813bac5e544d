"""A session taken out and put back: here, elsewhere, whole or not at all."""

import io
import re
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from server.errors import ConflictError, InvalidInputError, NotFoundError
from server.hub.views import AUDIENCES
from server.ids import new_id
from server.replays.moments import Moments
from server.store import erasure, export, export_check, installation, sessions, users
from server.store.log import LogReader, LogWriter
from server.store.migrate import migrate
from server.store.pool import Pools
from server.store.projector import Projector
from server.store.restore import UnverifiedError, restore
from tests.integration.conftest import at_database, execute
from tests.integration.store.conftest import AT_MS, Room
from tests.integration.store.whole_class import WholeClass, tell
from tests.patience import PATIENCE

FOLDED = (
    "session_participants", "chat_messages", "questions", "question_votes", "polls", "poll_votes",
    "studio_scenes", "studio_assets", "recordings", "artifacts", "replays", "findable",
    "class_words",
)  # fmt: skip
NOW_MS = AT_MS + 1_000_000


@pytest.fixture
async def elsewhere(services, migrated_template):
    """Another installation."""
    name = f"test_{new_id().replace('-', '')}"
    await execute(services.database_url, f"CREATE DATABASE {name}")
    url = at_database(services.database_url, name)
    await migrate(url)  # not from the template: it has an identity of its own
    async with Pools.open(url) as pools:
        yield pools
    await execute(services.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def exported(pools, session):
    return b"".join([line async for _, _, line in export.lines(pools, session, NOW_MS)])


def events(raw):
    """The lines of an export but its first and its last, which are of the installation."""
    return raw.splitlines()[1:-1]


async def add_tenant(pools, tenant):
    async with pools.tenant(tenant) as connection:
        await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, 'a')", tenant)


async def contents(pools, *tables):
    async with pools.projector() as connection:
        return {
            name: [
                tuple(row) for row in await connection.fetch(f"SELECT * FROM {name} t ORDER BY t")
            ]
            for name in tables
        }


@pytest.fixture
async def lesson(room, writer, projector, pools, whole):
    """A class in which everything has happened."""
    async with pools.tenant(room.tenant) as connection:
        await sessions.update(connection, room.session, title="Numbers", language="de")
    await tell(room, writer, projector, whole.commands(room))
    return room


async def nobodys(_session):
    return frozenset()


async def test_a_session_goes_to_another_installation_and_comes_back_the_same(
    lesson, pools, elsewhere
):
    raw = await exported(pools, lesson.session)
    await add_tenant(elsewhere, lesson.tenant)
    done = await restore(elsewhere, io.BytesIO(raw))
    assert done[:4] == (lesson.session, lesson.tenant, lesson.sequence, 0)
    assert done.digest == lesson.digest
    again = await exported(elsewhere, lesson.session)
    assert events(again) == events(raw)
    assert export_check.check(io.BytesIO(again)).verdict.broken is None
    here, there = orjson.loads(raw.split(b"\n")[0]), orjson.loads(again.split(b"\n")[0])
    assert (there["title"], there["language"]) == ("Numbers", "de")
    assert here["log"] != there["log"]
    assert (await LogReader(elsewhere).verify(lesson.session)).broken is None
    # The tables are those that the projector wrote where it happened.
    assert await contents(elsewhere, *FOLDED) == await contents(pools, *FOLDED)
    before = await sessions.find(pools, lesson.session)
    after = await sessions.find(elsewhere, lesson.session)
    assert after == replace(before, created_at=after.created_at)
    # So is every moment of its replay, for everybody.
    for where in AUDIENCES:
        for ms in range(0, lesson.sequence, 7):
            one, other = [
                await Moments(each, LogReader(each), nobodys).at(lesson.session, where, AT_MS + ms)
                for each in (pools, elsewhere)
            ]
            assert one == other


async def test_the_projector_has_nothing_left_to_do_and_the_class_goes_on(
    room, pools, writer, elsewhere
):
    ann = new_id()
    await writer.append(
        room.session, room.epoch, [room.chat(f"word {n}", actor=ann) for n in range(1203)]
    )
    await add_tenant(elsewhere, room.tenant)
    await restore(elsewhere, io.BytesIO(await exported(pools, room.session)))
    async with Projector(elsewhere) as projector, LogWriter(elsewhere) as there:
        assert await projector.wait_for(room.session, 1203, timeout=0)
        again = await Room.open(elsewhere, room.tenant, session=room.session)
        assert (again.sequence, again.digest) == (room.sequence, room.digest)
        await there.append(again.session, again.epoch, [again.chat("more", actor=ann)])
        assert await projector.wait_for(room.session, 1204, timeout=PATIENCE)
    verdict = await LogReader(elsewhere).verify(room.session)
    assert (verdict.sequence, verdict.broken) == (1204, None)
    async with elsewhere.hub() as connection:
        cursor = await connection.fetchval(
            "SELECT sequence FROM webhook_cursors WHERE session_id = $1", room.session
        )
    assert cursor == 1203, "nobody is told of what happened elsewhere"


async def test_a_log_that_no_table_can_show_comes_back_all_the_same(room, pools, writer, elsewhere):
    good = [room.chat(f"word {n}", actor=new_id()) for n in range(5)]
    await writer.append(room.session, room.epoch, [*good, room.chat("of nobody"), room.chat()])
    await add_tenant(elsewhere, room.tenant)
    done = await restore(elsewhere, io.BytesIO(await exported(pools, room.session)))
    assert not done.is_shown
    assert (await LogReader(elsewhere).verify(room.session)).sequence == 7
    async with Projector(elsewhere) as projector:
        projector.notify(room.session)
        assert await projector.wait_for(room.session, 5, timeout=PATIENCE)
    found = await contents(elsewhere, "chat_messages")
    assert len(found["chat_messages"]) == 5


async def test_a_restored_database_says_that_its_log_is_another_one(room, pools, owner):
    page = (Path(__file__).parents[3] / "docs/operations/backup.md").read_text(encoding="utf-8")
    (statement,) = re.findall(r"```sql\n\s*(.+?)\n", page)
    before = await installation.read(pools)
    await owner.execute(statement)
    after = await installation.read(pools)
    assert after.log != before.log
    assert after.seed == before.seed
    header = orjson.loads((await exported(pools, room.session)).split(b"\n")[0])
    assert header["log"] == after.log


async def test_it_may_become_another_tenants(lesson, pools, elsewhere):
    tenant = new_id()
    await add_tenant(elsewhere, tenant)
    raw = await exported(pools, lesson.session)
    done = await restore(elsewhere, io.BytesIO(raw), tenant=tenant)
    assert done.tenant == tenant
    assert events(await exported(elsewhere, lesson.session)) == events(raw)
    async with elsewhere.tenant(tenant) as connection:
        assert (await sessions.get(connection, lesson.session)).status == "archived"
    async with elsewhere.projector() as connection:
        assert await connection.fetchval("SELECT count(*) FROM users WHERE tenant_id = $1", tenant)


async def test_what_cannot_be_is_refused_and_leaves_nothing(lesson, pools, elsewhere, whole):
    raw = await exported(pools, lesson.session)
    tables = ("sessions", "users", "session_state_events", "chat_messages", "projections")
    with pytest.raises(ConflictError, match="is here already"):
        await restore(pools, io.BytesIO(raw))
    with pytest.raises(NotFoundError, match="There is no tenant"):
        await restore(elsewhere, io.BytesIO(raw))
    await add_tenant(elsewhere, lesson.tenant)
    other = new_id()
    await add_tenant(elsewhere, other)
    async with elsewhere.tenant(other) as connection:
        await users.ensure(connection, other, whole.bob, "Bob")
    before = await contents(elsewhere, *tables)
    with pytest.raises(ConflictError, match=f"another tenant here: {whole.bob}"):
        await restore(elsewhere, io.BytesIO(raw))
    assert await contents(elsewhere, *tables) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw: raw.replace(b"two lessons", b"ten lessons", 1), "holds other data"),
        (lambda raw: b"\n".join(raw.split(b"\n")[:9]) + b"\n", "cut off"),
        (lambda raw: raw.replace(b'"Numbers"', b'"Letters"'), "the seal does not"),
        (lambda raw: b"\n".join((*raw.split(b"\n")[:7], *raw.split(b"\n")[8:])), "missing"),
        (lambda raw: b"", "cut off"),
    ],
)
async def test_an_export_that_was_changed_is_refused(lesson, pools, elsewhere, change, says):
    await add_tenant(elsewhere, lesson.tenant)
    raw = change(await exported(pools, lesson.session))
    with pytest.raises(UnverifiedError, match=says):
        await restore(elsewhere, io.BytesIO(raw))
    assert await sessions.find(elsewhere, lesson.session) is None


async def test_a_file_that_changes_while_it_is_read_is_refused(lesson, pools, elsewhere):
    await add_tenant(elsewhere, lesson.tenant)
    raw = await exported(pools, lesson.session)

    class Changing(io.BytesIO):
        """Verifies, and is another one when it is read again."""

        seeks = 0

        def seek(self, *where):
            self.seeks += 1
            if self.seeks == 3:
                self.getbuffer()[:] = raw.replace(b"my notes", b"ny notes")
            return super().seek(*where)

    with pytest.raises(InvalidInputError, match="changed while it was read"):
        await restore(elsewhere, Changing(raw))
    assert await sessions.find(elsewhere, lesson.session) is None


async def test_who_was_erased_since_stays_erased(pools, elsewhere, writer, projector):
    room = await Room.open(pools)
    whole = await WholeClass.of(pools, room.tenant)
    await tell(room, writer, projector, whole.commands(room))
    raw = await exported(pools, room.session)
    await add_tenant(elsewhere, room.tenant)
    async with elsewhere.tenant(room.tenant) as connection:
        await users.ensure(connection, room.tenant, whole.bob, "Bob")
    await erasure.erase(elsewhere, room.tenant, whole.bob, leave_seconds=0)
    done = await restore(elsewhere, io.BytesIO(raw))
    assert done.erased > 0
    assert b"two lessons" in raw
    again = await exported(elsewhere, room.session)
    assert b"two lessons" not in again
    assert b"my notes" not in again
    verdict = await LogReader(elsewhere).verify(room.session, (room.sequence, room.digest))
    assert verdict.broken is None
    assert verdict.erased == done.erased
    shown = orjson.dumps(await contents(elsewhere, "chat_messages", "users"), default=str)
    assert b"two lessons" not in shown
    assert b'"Bob"' not in shown
