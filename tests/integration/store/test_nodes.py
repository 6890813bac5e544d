"""Who is alive and who owns what; and what is kept of a session and of the installation."""

import asyncio

import pytest

from server.ids import new_id
from server.store import installation, nodes, snapshots
from server.store.nodes import LIFE_SECONDS, SILENT_BEATS, Membership
from server.store.snapshots import Snapshot
from tests.patience import PATIENCE


class Time:
    def __init__(self):
        self.seconds = 100.0

    def now_ms(self):
        return round(self.seconds * 1000)

    def monotonic(self):
        return self.seconds


@pytest.fixture
def time():
    return Time()


def terminate(owner, pid):
    return owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)


async def test_a_node_lives_while_it_holds_its_lock(pools, owner, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time) as a:
        b = Membership(pools, "b", "http://b", "http://b:1", clock=time)
        await b.beat()
        assert not await a.is_dead("b")
        # As kill -9 does: its connection ends without a goodbye, and its lock is free.
        await terminate(owner, b._connection.get_server_pid())
        # The watcher itself has come only now: perhaps the whole server has just restarted.
        assert not await a.is_dead("b")
        time.seconds += LIFE_SECONDS + 0.1
        assert await a.is_dead("b")
        # It was not dead after all: it takes its lock again.
        await b.beat()
        assert not await a.is_dead("b")
        b._connection.terminate()


async def test_a_restart_of_the_server_does_not_look_like_everybodys_death(pools, owner, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time) as a:
        b = Membership(pools, "b", "http://b", "http://b:1", clock=time)
        await b.beat()
        time.seconds += 60
        await terminate(owner, a._connection.get_server_pid())
        await terminate(owner, b._connection.get_server_pid())
        await a.beat()
        assert not await a.is_dead("b")
        # However long it was away: a is only back before b.
        await owner.execute("UPDATE nodes SET expires_at = now() - interval '1 h' WHERE node = 'b'")
        assert not await a.is_dead("b")
        # Unless b does not come back in as long as that takes.
        time.seconds += LIFE_SECONDS + 0.1
        assert await a.is_dead("b")


async def test_a_node_that_has_just_come_takes_over_from_who_is_long_gone(pools, owner, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time) as a:
        b = Membership(pools, "b", "http://b", "http://b:1", clock=time)
        await b.beat()
        await terminate(owner, b._connection.get_server_pid())
        await owner.execute("UPDATE nodes SET expires_at = now() - interval '1 s' WHERE node = 'b'")
        is_dead = False
        while not await owner.fetchval(
            "SELECT pg_postmaster_start_time() < now() - $1 * interval '1 s'", LIFE_SECONDS
        ):
            assert not is_dead, "the database itself has just come"
            is_dead = await a.is_dead("b")
            await asyncio.sleep(0.1)
        assert await a.is_dead("b")


async def test_a_node_that_is_silent_and_holds_its_lock_is_as_good_as_dead(pools, owner, time):
    async with (
        Membership(pools, "a", "http://a", "http://a:1", clock=time) as a,
        Membership(pools, "b", "http://b", "http://b:1", clock=time) as b,
    ):
        for _ in range(3):  # wall clocks jump, and beats that nobody makes prove nothing
            await owner.execute("UPDATE nodes SET expires_at = now() - interval '1 hour'")
            time.seconds += 100
            assert not await a.is_dead("b")
            await b.beat()
        for _ in range(SILENT_BEATS):
            assert not await a.is_dead("b")
            await a.beat()
        await a.beat()
        assert await a.is_dead("b")
        # Its word is enough to live again; and what was counted on a lost connection is forgotten.
        time.seconds += 1
        assert await b.beat()
        await a.beat()
        assert not await a.is_dead("b")


async def test_a_node_is_told_when_others_may_have_taken_it_for_dead(pools, owner, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time) as a:
        time.seconds += 1.5
        assert await a.beat()
        time.seconds += LIFE_SECONDS
        assert not await a.beat(), "it stood still"
        assert await a.beat()
        await terminate(owner, a._connection.get_server_pid())
        async with asyncio.timeout(PATIENCE):
            while not a._connection.is_closed():
                await asyncio.sleep(0.01)
        assert not await a.beat(), "its lock was free for a moment"
        assert await a.beat()
        # Swept after a long standstill, it is somebody new, whose lock it does not have yet.
        await owner.execute("DELETE FROM nodes")
        assert not await a.beat()
        async with Membership(pools, "b", "http://b", "http://b:1", clock=time) as b:
            time.seconds += LIFE_SECONDS + 0.1
            assert not await b.is_dead("a")


async def test_whoever_leaves_or_was_never_here_is_gone_at_once(pools, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time) as a:
        async with Membership(pools, "b", "http://b", "http://b:1", clock=time):
            assert not await a.is_dead("b")
        assert await a.is_dead("b")
        assert await a.is_dead("nobody")


async def test_a_node_that_is_killed_and_comes_again_under_its_name_need_not_wait(
    pools, owner, time
):
    before = Membership(pools, "a", "http://a", "http://a:1", clock=time)
    await before.beat()
    again = Membership(pools, "a", "http://new", "http://new:1", clock=time)
    waiting = asyncio.create_task(again.__aenter__())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await terminate(owner, before._connection.get_server_pid())
    again = await asyncio.wait_for(waiting, PATIENCE)
    async with Membership(pools, "b", "http://b", "http://b:1", clock=time) as b:
        time.seconds += 60
        assert not await b.is_dead("a")
    await again.__aexit__(None, None, None)


async def test_beats_renew_and_old_nodes_are_swept(pools, owner, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time) as a:
        await owner.execute("UPDATE nodes SET expires_at = now() - interval '2 minutes'")
        await a.beat()
        await owner.execute(
            "INSERT INTO nodes (node, url, expires_at) VALUES ('x', '', now() - interval '1 h')"
        )
        await a.sweep()
        assert [row[0] for row in await owner.fetch("SELECT node FROM nodes")] == ["a"]


async def test_a_session_is_taken_over_once(pools, rooms):
    room = await rooms.open(pools, node="a")
    seen = await nodes.find_owner(pools, room.session)
    assert seen == (1, "a", None)
    both = await asyncio.gather(
        nodes.take_over(pools, room.session, "b", seen),
        nodes.take_over(pools, room.session, "c", seen),
    )
    assert sorted(both, key=str) == [2, None]
    assert await nodes.take_over(pools, room.session, "d", None) is None
    assert await nodes.take_over(pools, new_id(), "a", None) is None
    assert await nodes.find_owner(pools, new_id()) is None


async def test_the_owners_address_is_known_while_it_is_registered(pools, rooms, time):
    async with Membership(pools, "a", "http://a", "http://a:1", clock=time):
        room = await rooms.open(pools, node="a")
        assert (await nodes.find_owner(pools, room.session)).link == "http://a:1"
    assert (await nodes.find_owner(pools, room.session)).link is None


async def test_the_newest_snapshot_is_kept(pools, room):
    session, epoch = room.session, room.epoch
    assert await snapshots.load(pools, session, 1) is None
    await snapshots.save(pools, session, epoch, Snapshot(10, 1, b"ten"))
    await snapshots.save(pools, session, epoch, Snapshot(5, 1, b"five"))
    assert await snapshots.load(pools, session, 1) == ((10, 1, b"ten"), None)
    assert await snapshots.load(pools, session, 2) is None
    # A new shape replaces the old one, also where it covers less.
    await snapshots.save(pools, session, epoch, Snapshot(5, 2, b"five"))
    assert await snapshots.load(pools, session, 2) == ((5, 2, b"five"), None)
    await snapshots.drop(pools, session)
    assert await snapshots.load(pools, session, 2) is None


async def test_a_snapshot_comes_with_what_the_log_says_there(pools, room, writer):
    await writer.append(room.session, room.epoch, [room.chat(), room.chat()])
    await snapshots.save(pools, room.session, room.epoch, Snapshot(2, 1, b"two"))
    assert await snapshots.load(pools, room.session, 1) == ((2, 1, b"two"), room.digest)
    await snapshots.save(pools, room.session, room.epoch, Snapshot(3, 1, b"three"))
    assert await snapshots.load(pools, room.session, 1) == ((3, 1, b"three"), None)


async def test_nothing_is_kept_of_an_epoch_that_is_over(pools, room):
    earlier = room.epoch
    await room.take_over()
    await snapshots.save(pools, room.session, earlier, Snapshot(10, 1, b"ten"))
    assert await snapshots.load(pools, room.session, 1) is None
    await snapshots.save(pools, room.session, room.epoch, Snapshot(10, 1, b"ten"))
    assert await snapshots.load(pools, room.session, 1) is not None


async def test_an_installation_knows_itself(pools):
    itself = await installation.read(pools)
    assert itself == await installation.read(pools)
    assert len(itself.seed) == 32
    assert itself.log in repr(itself)
    assert "seed" not in repr(itself)
