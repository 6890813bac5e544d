"""A person's words are gone from every table; the chain holds; nothing else may be changed."""

import asyncio

import asyncpg
import pytest

from protocol.events import EVENTS
from server.classroom.erasure import WORDS
from server.errors import ConflictError, FencedError, NotFoundError
from server.ids import new_id
from server.store import chain, erasure, export, export_check, heads, snapshots, users
from server.store.erasure import Erased, erase
from server.store.log import LogReader
from server.store.projector import Projector
from tests.integration.store.whole_class import TABLES, WholeClass, dump
from tests.patience import PATIENCE

SECRET = "plugh"
"""In everything that Ann says, and in nothing else."""


async def hold_class(room, ann, bob):
    """A class in which Ann says something in every way there is, and Bob answers."""
    message, question, poll, artifact = new_id(), new_id(), new_id(), new_id()
    told = [
        (bob, "session.started", {}),
        (None, "participant.joined", {"user": ann, "name": f"Ann {SECRET}", "role": "assistant"}),
        (None, "participant.joined", {"user": bob, "name": "Bob", "role": "teacher"}),
        (ann, "chat.posted", {
            "message": message, "name": f"Ann {SECRET}", "text": f"{SECRET} hello",
            "to": "everyone"}),
        (bob, "chat.posted", {
            "message": new_id(), "name": "Bob", "text": "welcome", "to": "everyone",
            "reply_to": message}),
        (bob, "chat.pinned", {
            "message": message, "author": ann, "name": f"Ann {SECRET}",
            "text": f"{SECRET} hello", "to": "everyone",
            "posted_at": "2026-11-22T09:00:00.123Z"}),
        (ann, "question.asked", {
            "question": question, "name": f"Ann {SECRET}", "prompt": f"{SECRET}?"}),
        (bob, "question.answered", {"question": question, "text": "because"}),
        (ann, "poll.opened", {
            "poll": poll, "prompt": f"{SECRET}?", "options": [f"{SECRET} 1", f"{SECRET} 2"],
            "multiple": False, "anonymous": False, "results": "live"}),
        (bob, "poll.voted", {"poll": poll, "choices": [1], "anonymous": False}),
        (ann, "poll.voted", {"poll": poll, "choices": [0], "anonymous": False}),
        (ann, "note.added", {"artifact": artifact, "name": f"Ann {SECRET}", "text": SECRET,
            "start_ms": 1000}),
        (bob, "artifact.edited", {
            "artifact": artifact, "artifact_type": "note",
            "payload": {"text": f"{SECRET}, and more"}}),
        (None, "participant.left", {"user": ann}),
    ]  # fmt: skip
    return [
        room.command((kind, data), actor=by, key=new_id().replace("-", ""))
        for by, kind, data in told
    ]


HERS = 7
"""Of these events, with words of hers."""


@pytest.fixture
def ann():
    return new_id()


@pytest.fixture
async def lesson(pools, room, writer, ann):
    """A class that is over, in the tables too."""
    bob = new_id()
    async with pools.tenant(room.tenant) as connection:
        await users.ensure(
            connection, room.tenant, ann, f"Ann {SECRET}", email=f"{SECRET}@school.example"
        )
        await connection.execute(
            "INSERT INTO rest_requests (tenant_id, user_id, key, digest, body) "
            "VALUES ($1, $2, 'k', '', $3)", room.tenant, ann, SECRET.encode(),
        )  # fmt: skip
    commands = await hold_class(room, ann, bob)
    await writer.append(room.session, room.epoch, commands)
    async with Projector(pools) as projector:
        projector.notify(room.session)
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    saved = snapshots.Snapshot(room.sequence, 1, SECRET.encode())
    await snapshots.save(pools, room.session, room.epoch, saved)
    return room


async def places(owner):
    """Return every table and column of the database where the secret is, as text or bytes."""
    columns = await owner.fetch(
        "SELECT table_name, column_name, udt_name FROM information_schema.columns "
        "WHERE table_schema = 'public'"
    )
    found = set()
    for table, column, kind in columns:
        what = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
        query = f"SELECT count(*) FROM {table} WHERE {what} LIKE '%{SECRET}%'"
        if await owner.fetchval(query):
            found.add((table, column))
    return found


async def test_nothing_of_the_person_is_left_anywhere(pools, lesson, ann, owner, reader):
    assert await places(owner) == {
        ("session_state_events", "event_payload"), ("session_snapshots", "state"),
        ("users", "display_name"), ("users", "email"), ("rest_requests", "body"),
        ("chat_messages", "message"), ("questions", "prompt"),
        ("polls", "prompt"), ("polls", "options"),
        ("artifacts", "payload"), ("findable", "text"), ("findable", "words"),
    }  # fmt: skip
    before = await reader.head(lesson.session)
    assert await erase(pools, lesson.tenant, ann) == Erased(1, HERS)
    assert await places(owner) == set()
    verdict = await reader.verify(lesson.session, before)
    assert verdict == chain.Verdict(*before, HERS, None)
    row = await owner.fetchrow("SELECT display_name, email, status FROM users WHERE id = $1", ann)
    assert tuple(row) == ("Erased person", None, "inactive")
    salts = await owner.fetch(
        "SELECT sequence FROM session_state_events WHERE salt IS NULL AND command_digest IS NULL"
    )
    assert len(salts) == HERS
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM session_state_events WHERE command_digest IS NOT NULL"
        )
        == lesson.sequence - HERS
    )
    audit = await owner.fetchrow("SELECT * FROM erasures")
    assert (str(audit["user_id"]), audit["sessions"], audit["events"]) == (ann, 1, HERS)
    assert audit["finished_at"] is not None


async def test_what_others_said_and_how_all_voted_stays(pools, lesson, ann, owner):
    async def tables():
        return {
            "said": await owner.fetch(
                "SELECT message FROM chat_messages WHERE user_id <> $1", ann),
            "count": await owner.fetch("SELECT count(*) FROM chat_messages"),
            "votes": await owner.fetch("SELECT user_id, choices FROM poll_votes ORDER BY 1"),
            "answers": await owner.fetch("SELECT answer, status FROM questions"),
            "options": await owner.fetch("SELECT jsonb_array_length(options) FROM polls"),
            "people": await owner.fetch("SELECT * FROM session_participants ORDER BY user_id"),
            "session": await owner.fetch("SELECT status, started_at FROM sessions"),
            "folded": await owner.fetch("SELECT sequence, error FROM projections"),
        }  # fmt: skip

    before = await tables()
    await erase(pools, lesson.tenant, ann)
    assert await tables() == before
    marks = await owner.fetchrow("SELECT message FROM chat_messages WHERE user_id = $1", ann)
    assert marks[0] == "…"


async def test_an_export_of_an_erased_log_verifies_with_no_database(pools, lesson, ann, tmp_path):
    old = await heads.read(pools, lesson.session)
    await erase(pools, lesson.tenant, ann)
    file = tmp_path / "class.ndjson"
    with file.open("wb") as out:
        async for _, _, line in export.lines(pools, lesson.session, 0):
            out.write(line)
    assert SECRET.encode() not in file.read_bytes()
    with file.open("rb") as again:
        checked = export_check.check(again, public_key=old.public_key, head=old)
    assert checked.verdict == chain.Verdict(*old.position, HERS, None)


def full_of_words(value, path):
    """Return ``value`` with the secret in every text that ``path`` leads to."""
    if isinstance(value, list):
        return [full_of_words(each, path) for each in value]
    if isinstance(value, str):
        return f"{SECRET} {value}"
    if not path or value is None or path[0] not in value:
        return value
    return {**value, path[0]: full_of_words(value[path[0]], path[1:])}


async def test_with_everybody_erased_no_word_of_any_event_is_left(pools, room, writer, owner):
    """Of every type of event: whatever words it has belong to somebody."""
    whole = await WholeClass.of(pools, room.tenant)
    told = []
    for each in whole.told:
        data = each.data
        for path in WORDS[each.kind].marks if each.kind in WORDS else ():
            data = full_of_words(data, path.split("."))
        if each.kind in EVENTS:
            told.append(each._replace(data=data))
    assert {each.kind for each in told} == EVENTS.keys()
    await writer.append(room.session, room.epoch, whole.commands(room, told))
    async with Projector(pools) as projector:
        projector.notify(room.session)
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    before = await dump(owner)
    assert len(await places(owner)) > 10
    for person in (whole.ann, whole.bob, whole.cy):
        await erase(pools, room.tenant, person)
    assert await places(owner) == set()
    after = await dump(owner)
    assert before.pop("class_words")
    assert after["class_words"] == []
    assert {t: len(rows) for t, rows in after.items() if t != "class_words"} == {
        t: len(r) for t, r in before.items()
    }
    folded = [table for table in TABLES if table != "users"]
    async with Projector(pools) as projector:
        await projector.rebuild(room.session)
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
    again = await dump(owner)
    assert {table: again[table] for table in folded} == {table: after[table] for table in folded}
    with_words = sum(each.kind in WORDS and each.data != was.data
                     for each, was in zip(told, whole.told, strict=False))  # fmt: skip
    verdict = await LogReader(pools).verify(room.session)
    assert verdict.broken is None
    assert verdict.erased >= with_words


async def test_a_second_time_there_is_nothing_left_to_do(pools, lesson, ann):
    await erase(pools, lesson.tenant, ann)
    assert await erase(pools, lesson.tenant, ann) == Erased(0, 0)


async def test_a_person_of_another_tenant_is_not_there(pools, lesson, ann, rooms):
    stranger = await rooms.open(pools)
    for tenant, user in ((stranger.tenant, ann), (lesson.tenant, new_id())):
        with pytest.raises(NotFoundError):
            await erase(pools, tenant, user)
    assert SECRET in str(await lesson.stored())


async def test_killed_half_way_the_person_stays_marked_and_it_goes_on(
    pools, lesson, ann, rooms, writer, owner
):
    """The second class holds an event that nobody understands."""
    second = await rooms.open(pools, lesson.tenant)
    commands = [second.chat(SECRET, actor=ann), second.command(("of.the.future", {}), actor=ann)]
    await writer.append(second.session, second.epoch, commands)
    with pytest.raises(ConflictError, match=r"Event 2 .*of\.the\.future"):
        await erase(pools, lesson.tenant, ann)
    assert SECRET in str(await second.stored()), "a session is erased from whole or not at all"
    assert SECRET not in str(await lesson.stored())
    marked = "SELECT id, finished_at IS NULL, sessions FROM erasures"
    ((first, is_open, sessions),) = await owner.fetch(marked)
    assert (is_open, sessions) == (True, 1)
    await owner.execute("ALTER TABLE session_state_events DISABLE TRIGGER USER")
    await owner.execute("UPDATE session_state_events SET event_type = 'hand.all_lowered' "
                        "WHERE event_type = 'of.the.future'")  # fmt: skip
    assert await erase(pools, lesson.tenant, ann) == Erased(2, HERS + 1)
    assert [tuple(row) for row in await owner.fetch(marked)] == [(first, False, 2)]


async def test_who_still_has_the_old_words_is_fenced_and_saves_them_nowhere(
    pools, lesson, ann, writer, owner
):
    heard = asyncio.Queue()
    await owner.add_listener(erasure.CHANNEL, lambda *words: heard.put_nowait(words[-1]))
    await erase(pools, lesson.tenant, ann)
    assert await asyncio.wait_for(heard.get(), PATIENCE) == lesson.session
    saved = snapshots.Snapshot(lesson.sequence + 1, 1, SECRET.encode())
    await snapshots.save(pools, lesson.session, lesson.epoch, saved)
    assert await snapshots.load(pools, lesson.session, 1) is None
    with pytest.raises(FencedError):
        await writer.append(lesson.session, lesson.epoch, [lesson.chat()])


async def test_what_the_person_says_meanwhile_is_erased_too(pools, rooms, writer, owner, ann):
    """The first class goes on while the second is being erased from."""
    first = await rooms.open(pools)
    second = await rooms.open(pools, first.tenant)
    async with pools.tenant(first.tenant) as connection:
        await users.ensure(connection, first.tenant, ann, "Ann")
    for room in (first, second):
        await writer.append(room.session, room.epoch, [room.chat(SECRET, actor=ann)])
    heard = asyncio.Queue()
    await owner.add_listener(erasure.CHANNEL, lambda *words: heard.put_nowait(words[-1]))
    async with pools.projector() as busy:
        held = busy.transaction()
        await held.start()
        await busy.execute(
            "INSERT INTO projections (session_id, tenant_id) VALUES ($1, $2)",
            second.session, second.tenant,
        )  # fmt: skip
        erasing = asyncio.ensure_future(erase(pools, first.tenant, ann))
        assert await asyncio.wait_for(heard.get(), PATIENCE) == first.session
        await first.take_over()
        await writer.append(first.session, first.epoch, [first.chat(SECRET, actor=ann)])
        await held.rollback()
    assert await asyncio.wait_for(erasing, PATIENCE) == Erased(3, 3)
    for room in (first, second):
        assert SECRET not in str(await room.stored())


async def test_who_is_in_a_class_has_a_moment_to_leave_it(pools, room, writer, ann, monkeypatch):
    """What they say in it goes too."""
    async with pools.tenant(room.tenant) as connection:
        await users.ensure(connection, room.tenant, ann, "Ann")
    joined = {"user": ann, "name": f"Ann {SECRET}", "role": "student"}
    await writer.append(room.session, room.epoch, [room.command(("participant.joined", joined))])
    has_erased, has_spoken = asyncio.Event(), asyncio.Event()
    is_in_class = erasure._is_in_class

    async def look(*of):
        is_here = await is_in_class(*of)
        has_erased.set()
        await has_spoken.wait()
        return is_here

    monkeypatch.setattr(erasure, "_is_in_class", look)
    erasing = asyncio.ensure_future(erase(pools, room.tenant, ann, leave_seconds=0.01))
    await asyncio.wait_for(has_erased.wait(), PATIENCE)
    await room.take_over()
    await writer.append(room.session, room.epoch, [room.chat(SECRET, actor=ann)])
    has_spoken.set()
    assert await asyncio.wait_for(erasing, PATIENCE) == Erased(2, 2)
    assert SECRET not in str(await room.stored())


async def test_the_digest_of_a_command_goes_with_any_of_its_events(pools, room, writer, owner, ann):
    """It has no salt: whoever guesses the words could tell from it."""
    bob, reason = new_id(), {"user": ann, "reason": SECRET}
    async with pools.tenant(room.tenant) as connection:
        await users.ensure(connection, room.tenant, ann, "Ann")
    facts = ("hand.lowered", {"user": bob}), ("participant.removed", reason)
    command = room.command(*facts, actor=bob, key="k1")
    other = room.command(("hand.lowered", {"user": ann}), actor=bob, key="k2")
    await writer.append(room.session, room.epoch, [command, other])
    assert await erase(pools, room.tenant, ann) == Erased(1, 1)
    rows = await owner.fetch(
        "SELECT salt IS NULL, command_digest IS NULL FROM session_state_events ORDER BY sequence"
    )
    assert [tuple(row) for row in rows] == [(False, True), (True, True), (False, False)]


async def test_a_long_class_is_erased_page_by_page(pools, rooms, writer, reader, owner, ann):
    room = await rooms.open(pools)
    async with pools.tenant(room.tenant) as connection:
        await users.ensure(connection, room.tenant, ann, "Ann")
    for _ in range(6):
        commands = [room.chat(SECRET, actor=ann if n % 2 else new_id()) for n in range(500)]
        await writer.append(room.session, room.epoch, commands)
    assert await erase(pools, room.tenant, ann) == Erased(1, 1500)
    texts = [payload["text"] for payload in await room.stored()]
    assert texts == [SECRET, "…"] * 500, "of the first page"
    assert (await reader.verify(room.session)).erased == 1500


# ---------------------------------------------------------------- who may do what


async def test_no_request_and_no_room_may_erase(lesson, owner):
    for role in ("app", "hub", "owner"):
        await owner.execute(f"RESET ROLE; SET ROLE liveclass_{role}")
        for call in (
            f"begin_erasure('{lesson.tenant}', '{new_id()}', '{new_id()}')",
            f"erase_words('{new_id()}', '{lesson.session}', '{{1}}', '{{}}')",
            f"forget_session('{new_id()}', '{lesson.session}')",
            f"finish_erasure('{new_id()}')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(f"SELECT {call}")


async def test_words_go_only_within_an_erasure_that_is_open_and_one_tenant(
    pools, lesson, ann, rooms, owner
):
    stranger = await rooms.open(pools)
    begin = "SELECT begin_erasure($1, $2, $3)"
    words = "SELECT erase_words($1, $2, ARRAY[1]::bigint[], ARRAY['{}']::jsonb[])"
    async with pools.tenant(stranger.tenant) as connection:
        await users.ensure(connection, stranger.tenant, eve := new_id(), "Eve")
    await owner.execute("SET ROLE liveclass_projector")
    foreign = await owner.fetchval(begin, stranger.tenant, eve, new_id())
    own = await owner.fetchval(begin, lesson.tenant, ann, new_id())
    assert await owner.fetchval(begin, lesson.tenant, ann, new_id()) == own
    await owner.execute("SELECT finish_erasure($1)", own)
    for each in (foreign, own, new_id()):
        with pytest.raises(asyncpg.PostgresError, match="0 of 1 events"):
            await owner.execute(words, each, lesson.session)
    assert (await lesson.stored())[3]["text"].startswith(SECRET)


OTHER_VALUES = {
    **dict.fromkeys(("id", "tenant_id", "session_id", "actor_id"), "gen_random_uuid()"),
    **dict.fromkeys(("event_version", "command_sequence"), "7"),
    **dict.fromkeys(("event_type", "idempotency_key"), "'x'"),
    **dict.fromkeys(("payload_digest", "digest"), r"'\x00'"),
    "sequence": "sequence + 1000",
    "created_at": "now()",
}


async def test_no_other_column_of_the_log_changes_even_with_every_right(lesson, owner):
    """The eraser beyond its grants, and the owner of the table in any case."""
    columns = await owner.fetch(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_name = 'session_state_events'"
    )
    erasable = {"event_payload", "salt", "command_digest"}
    assert {column for (column,) in columns} - erasable == OTHER_VALUES.keys()
    await owner.execute("SET ROLE liveclass_owner")
    await owner.execute("GRANT ALL ON session_state_events TO liveclass_eraser")
    changes = [f"{column} = {other}, salt = NULL" for column, other in OTHER_VALUES.items()]
    for role in ("eraser", "owner"):
        await owner.execute(f"RESET ROLE; SET ROLE liveclass_{role}")
        for change in [*changes, *(["salt = NULL"] if role == "owner" else [])]:
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(f"UPDATE session_state_events SET {change} WHERE sequence = 1")
        for statement in ("DELETE FROM session_state_events", "TRUNCATE session_state_events"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(statement)
