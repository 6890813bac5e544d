"""A room that is opened from what it saved is the room that its whole log would make."""

import asyncio

import pytest
import pytest_asyncio

from protocol import commands as cmd
from protocol.codec import encode
from protocol.errors import Refusal
from protocol.frames import SnapshotFrame
from server.hub import replica as replica_module
from server.hub.asks import Committed
from server.hub.saved import VERSION, Image, pack, unpack
from server.store import snapshots
from server.store.log import LogReader

from .classes import Class, snapshots_of


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(replica_module, "SAVE_LEAST", 1)


@pytest_asyncio.fixture
async def lesson(node, school):
    lesson = await Class.start(node, school)
    await lesson.does_a_little_of_everything()
    return lesson


@pytest.fixture
def reads(monkeypatch):
    """After which sequences the log was read."""
    reads, read = [], LogReader.read

    async def noted(self, session, after, *more):
        reads.append(after)
        return await read(self, session, after, *more)

    monkeypatch.setattr(LogReader, "read", noted)
    return reads


async def kept(lesson):
    found = await snapshots.load(lesson.node.pools, lesson.session, VERSION)
    return None if found is None else found[0]


async def check_it_is_the_log(lesson):
    """The open room is what its log alone makes."""
    room, past = lesson.room, await lesson.folded()
    assert room.state == past.state
    assert room.head[:2] == past.head[:2]
    assert snapshots_of(room) == {
        audience: encode(SnapshotFrame(past.head.sequence, state))
        for audience, state in past.views.items()
    }
    assert room._replica.keys.hashes.pack() == past.keys.pack()
    assert len(past.keys.pack()) > 8 * 8


async def test_only_the_tail_is_read_and_the_room_is_the_same(lesson, reads, monkeypatch):
    await lesson.close()
    saved = await kept(lesson)
    # What happens after the save is read from the log.
    await lesson.open()
    await lesson.does(lesson.tess, cmd.ChatPost("after the save"))
    monkeypatch.setattr(replica_module, "SAVE_LEAST", 1_000)
    await lesson.close()
    assert await kept(lesson) == saved
    reads.clear()
    room = await lesson.open()
    assert min(reads) == saved.sequence
    assert room.head.sequence == saved.sequence + 1
    await check_it_is_the_log(lesson)
    await lesson.does(lesson.ann, cmd.HandRaise())
    await lesson.does(lesson.bob, cmd.QuestionAsk("and on?"))
    await check_it_is_the_log(lesson)


async def test_an_old_key_is_still_known(lesson):
    first = await lesson.does(lesson.ann, cmd.ChatPost("once"), "k")
    assert isinstance(first, Committed)
    await lesson.close()
    assert await kept(lesson) is not None
    room = await lesson.open()
    head = room.head
    again = await lesson.does(lesson.ann, cmd.ChatPost("once"), "k")
    assert again == (first.first, first.last, True)
    other = await lesson.does(lesson.ann, cmd.ChatPost("another"), "k")
    assert isinstance(other, Refusal)
    assert other.code == "idempotency_conflict"
    assert lesson.room.head.sequence == head.sequence
    theirs = await lesson.does(lesson.bob, cmd.ChatPost("once"), "k")
    assert (theirs.first, theirs.is_duplicate) == (head.sequence + 1, False)


def repack(lesson, past, **change):
    head = past.head._replace(**change)
    frames = snapshots_of(lesson.room)
    return head.sequence, VERSION, pack(Image(head, past.state, frames, past.keys.pack()))


async def bad(how, lesson, saved):
    """Return sequence, version and bytes of a saved past that must not be believed."""
    past = unpack(lesson.session, saved.state)
    sequence, version, data = saved
    match how:
        case "flipped":
            return sequence, version, data[:100] + bytes((data[100] ^ 1,)) + data[101:]
        case "cut off":
            return sequence, version, data[: len(data) // 2]
        case "empty":
            return sequence, version, b""
        case "of another version":
            return sequence, version ^ 1, b"whatever that version keeps"
        case "ahead of the log":
            return repack(lesson, past, sequence=sequence + 5)
        case "of another log":
            return repack(lesson, past, digest=bytes(32))
        case "of another sequence":
            return sequence - 1, version, data


@pytest.mark.parametrize(
    "how",
    [
        "flipped",
        "cut off",
        "empty",
        "of another version",
        "ahead of the log",
        "of another log",
        "of another sequence",
    ],
)
async def test_what_does_not_agree_with_the_log_is_ignored(lesson, owner, reads, how):
    await lesson.close()
    saved = await kept(lesson)
    await lesson.open()
    sequence, version, data = await bad(how, lesson, saved)
    await lesson.close()
    await owner.execute(
        "UPDATE session_snapshots SET sequence = $2, version = $3, state = $4 "
        "WHERE session_id = $1",
        lesson.session, sequence, version, data,
    )  # fmt: skip
    reads.clear()
    await lesson.open()
    assert min(reads) == 0
    await check_it_is_the_log(lesson)
    # And the next one is kept in its place.
    await lesson.does(lesson.tess, cmd.ChatPost("and on"))
    head = lesson.room.head.sequence
    await lesson.close()
    assert (await kept(lesson)).sequence == head


async def test_a_restored_database_is_believed(lesson, owner, reads):
    await lesson.does(lesson.tess, cmd.ChatPost("to be lost"))
    await lesson.close()
    last = (await kept(lesson)).sequence
    async with owner.transaction():
        await owner.execute("ALTER TABLE session_state_events DISABLE TRIGGER USER")
        await owner.execute(
            "DELETE FROM session_state_events WHERE session_id = $1 AND sequence > $2",
            lesson.session, last - 1,
        )  # fmt: skip
        await owner.execute("ALTER TABLE session_state_events ENABLE TRIGGER USER")
    reads.clear()
    room = await lesson.open()
    assert (min(reads), room.head.sequence) == (0, last - 1)
    await check_it_is_the_log(lesson)


async def test_a_room_saves_now_and_then_and_never_waits_for_it(
    lesson, owner, database_url, monkeypatch
):
    monkeypatch.setattr(replica_module, "SAVE_EVERY", 20)
    store, room = lesson.node.hub.snapshots, lesson.room
    async with owner.transaction():
        await owner.execute("LOCK TABLE session_snapshots IN ACCESS EXCLUSIVE MODE")
        await lesson.chats(200, at_once=10)
        first = room.head.sequence
        assert not store._saving.done()
        assert len(store._waiting) == 1  # of all that was to be saved meanwhile: the newest
        (waiting,) = store._waiting.values()
        assert first - 20 <= waiting.image.head.sequence <= first
    await store.settle()
    assert (await kept(lesson)).sequence == waiting.image.head.sequence
    # A save that fails costs nobody anything; a later one is as good.
    async with owner.transaction():
        await owner.execute("LOCK TABLE session_snapshots IN ACCESS EXCLUSIVE MODE")
        await lesson.chats(20, at_once=10)
        while not await owner.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE query LIKE '%INTO session_snapshots%' AND wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ):
            # Within a transaction it would go on showing what it showed first.
            await owner.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.01)
        await store.settle()
    assert (await kept(lesson)).sequence == waiting.image.head.sequence
    await lesson.chats(20, at_once=10)
    await store.settle()
    assert (await kept(lesson)).sequence > first
    assert room is lesson.room


async def test_a_long_log_that_was_folded_is_saved_at_once(lesson, monkeypatch):
    monkeypatch.setattr(replica_module, "SAVE_LEAST", 1_000)
    await lesson.close()
    assert await kept(lesson) is None
    monkeypatch.setattr(replica_module, "SAVE_EVERY", 10)
    room = await lesson.open()
    await lesson.node.hub.snapshots.settle()
    assert (await kept(lesson)).sequence == room.head.sequence


async def test_a_node_that_drains_saves_its_classes(node, school):
    lessons = [await Class.start(node, school) for _ in range(3)]
    await node.hub.drain()
    assert all([await kept(lesson) is not None for lesson in lessons])
