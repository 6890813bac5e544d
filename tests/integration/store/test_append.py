"""The fenced group commit: all or nothing per room, and nobody pays for another's failure."""

import asyncio

import orjson
import pytest

from server.errors import FencedError, UnavailableError
from server.ids import new_id
from server.store import chain
from server.store.events import PoisonedError
from server.store.lane import MOST_EVENTS
from tests.patience import PATIENCE


async def waits(owner, count):
    """Wait until so many statements wait for a lock; return their backends."""
    async with asyncio.timeout(PATIENCE):
        while True:
            # Within a transaction it would be told the same again.
            await owner.execute("SELECT pg_stat_clear_snapshot()")
            found = await owner.fetch(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            )
            if len(found) == count:
                return [each["pid"] for each in found]
            await asyncio.sleep(0.01)


async def test_what_is_appended_is_read_back_and_the_chain_holds(room, writer, reader):
    actor = new_id()
    one = room.chat("one", actor=actor, key="k1")
    await writer.append(room.session, room.epoch, [one, room.chat("two"), room.chat("three")])
    events = await reader.read(room.session, 0)
    assert [event.sequence for event in events] == [1, 2, 3]
    assert chain.canonical(orjson.loads(events[0].payload)) == one[0].payload
    assert events[0][1:4] == (one[0].id, "chat.posted", 1)
    assert events[0][5:] == ("k1", actor, one[0].at_ms, one[0].digest)
    assert [event.sequence for event in await reader.read(room.session, 1, 1)] == [2]
    assert await reader.head(room.session) == (3, room.digest)
    assert await reader.verify(room.session) == chain.Verdict(3, room.digest, 0, None)


async def test_a_session_without_events_has_its_genesis_as_head(room, reader):
    assert await reader.head(room.session) == (0, chain.genesis(room.session))
    assert (await reader.verify(room.session)).broken is None


async def test_a_log_longer_than_a_page_verifies_whole(room, writer, reader):
    for _ in range(5):
        await writer.append(room.session, room.epoch, [room.chat() for _ in range(250)])
    assert len(await reader.read(room.session, 0, 5000)) == 1000
    assert await reader.verify(room.session) == chain.Verdict(1250, room.digest, 0, None)


async def test_many_rooms_share_statements(pools, writer, rooms, owner):
    opened = [await rooms.open(pools) for _ in range(30)]

    async def talk(room):
        for n in range(5):
            await writer.append(room.session, room.epoch, [room.chat(str(n)), room.chat()])

    await asyncio.gather(*map(talk, opened))
    assert await owner.fetchval("SELECT count(*) FROM session_state_events") == 300
    transactions = await owner.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM session_state_events"
    )
    assert transactions <= 30


async def test_a_batch_longer_than_a_statement_should_be_goes_alone(room, writer, reader):
    await writer.append(room.session, room.epoch, [room.chat() for _ in range(MOST_EVENTS + 9)])
    assert (await reader.head(room.session))[0] == MOST_EVENTS + 9


async def test_a_key_is_found_with_the_range_of_its_command(room, writer, reader):
    commands = [
        room.chat(key="before"),
        room.command(("a", {}), ("b", {}), ("c", {}), key="three"),
        room.chat(key="after"),
    ]
    await writer.append(room.session, room.epoch, commands)
    assert await reader.find_key(room.session, "before") == (1, 1, b"d" * 32)
    assert await reader.find_key(room.session, "three") == (2, 4, b"d" * 32)
    assert await reader.find_key(room.session, "other") is None
    assert await reader.find_key(new_id(), "three") is None


async def test_an_owner_that_was_overtaken_is_fenced_and_others_are_stored(pools, writer, rooms):
    old, bystander = await rooms.open(pools), await rooms.open(pools)
    await writer.append(old.session, old.epoch, [old.chat("one")])
    new = await rooms.open(pools, session=old.session, node="b")
    assert (new.epoch, new.sequence) == (old.epoch + 1, 1)
    outcomes = await asyncio.gather(
        writer.append(old.session, old.epoch, [old.chat("zombie")]),
        writer.append(bystander.session, bystander.epoch, [bystander.chat()]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], FencedError)
    assert outcomes[1] is None
    await writer.append(new.session, new.epoch, [new.chat("two")])
    assert [event["text"] for event in await new.stored()] == ["one", "two"]


async def test_a_take_over_waits_for_the_append_in_progress(pools, room, rooms, owner, writer):
    """Without the lock the old owner's append could land after the new one has read the head."""
    transaction = owner.transaction()
    await transaction.start()
    # The append stops at this sequence until we say whether it is taken; it has its lock by then.
    await owner.execute(
        "INSERT INTO session_state_events (id, tenant_id, session_id, sequence, event_type, "
        "event_payload, payload_digest, digest, created_at) "
        "VALUES (gen_random_uuid(), $1, $2, 1, 'x', '{}', '', '', now())",
        room.tenant, room.session,
    )  # fmt: skip
    appending = asyncio.create_task(writer.append(room.session, room.epoch, [room.chat("late")]))
    await waits(owner, 1)
    taking = asyncio.create_task(rooms.open(pools, session=room.session, node="b"))
    await waits(owner, 2)
    assert not appending.done()
    assert not taking.done()
    await transaction.rollback()
    await appending
    new = await taking
    assert (new.epoch, new.sequence) == (room.epoch + 1, 1)


async def test_one_poison_command_beside_fifty_rooms(pools, writer, rooms, owner):
    tenant = (await rooms.open(pools)).tenant
    bad = await rooms.open(pools, tenant)
    good = [await rooms.open(pools, tenant) for _ in range(50)]
    outcomes = await asyncio.gather(
        writer.append(bad.session, bad.epoch, [bad.chat("kept"), bad.poison(), bad.chat()]),
        *(writer.append(room.session, room.epoch, [room.chat()]) for room in good),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], PoisonedError)
    assert outcomes[0].index == 1
    assert outcomes[1:] == [None] * 50
    assert await owner.fetchval("SELECT count(*) FROM session_state_events") == 50
    # The room decides again without it.
    await bad.take_over()
    await writer.append(bad.session, bad.epoch, [bad.chat("kept"), bad.chat("too")])
    assert [event["text"] for event in await bad.stored()] == ["kept", "too"]


@pytest.mark.parametrize("where", [0, 2])
async def test_the_command_to_blame_is_found_at_either_end(room, writer, where):
    commands = [room.poison() if n == where else room.chat() for n in range(3)]
    with pytest.raises(PoisonedError) as raised:
        await writer.append(room.session, room.epoch, commands)
    assert raised.value.index == where
    assert await room.stored() == []


async def test_a_value_that_cannot_even_be_sent_is_poison_too(room, writer):
    (event,) = room.chat()
    with pytest.raises(PoisonedError):
        await writer.append(room.session, room.epoch, [[event._replace(actor="no uuid")]])
    assert await room.stored() == []


async def test_a_lost_connection_gives_up_only_the_rooms_of_that_statement(
    pools, writer, rooms, owner
):
    """The statement is held up by a lock, and its backend killed: nobody knows the outcome."""
    caught, later = await rooms.open(pools), await rooms.open(pools)
    # Both in one lane: the second gathers behind the first.
    while hash(later.session) % 2 != hash(caught.session) % 2:
        later = await rooms.open(pools)
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(
        "SELECT 1 FROM session_hubs WHERE session_id = $1 FOR UPDATE", caught.session
    )
    first = asyncio.create_task(writer.append(caught.session, caught.epoch, [caught.chat()]))
    (pid,) = await waits(owner, 1)
    second = asyncio.create_task(writer.append(later.session, later.epoch, [later.chat()]))
    await asyncio.sleep(0.05)
    await owner.execute("SELECT pg_terminate_backend($1)", pid)
    with pytest.raises(UnavailableError):
        await first
    await second
    await transaction.rollback()
    # The room takes the session again, reads what there is, and goes on.
    await caught.take_over()
    await writer.append(caught.session, caught.epoch, [caught.chat("after")])
    assert [event["text"] for event in await caught.stored()] == ["after"]
    assert len(await later.stored()) == 1


async def test_a_room_that_is_behind_its_log_reloads_and_blames_nobody(room, writer, rooms, pools):
    """As after an answer that was lost on its way from a statement that did commit."""
    stale = rooms(pools, room.tenant, room.session)
    stale.epoch, stale.sequence, stale.digest = room.epoch, room.sequence, room.digest
    await writer.append(room.session, room.epoch, [room.chat("stored", key="k")])
    with pytest.raises(UnavailableError) as raised:
        await writer.append(stale.session, stale.epoch, [stale.chat("again", key="k")])
    assert not isinstance(raised.value, FencedError)
    await stale.take_over()
    with pytest.raises(UnavailableError):
        await writer.append(stale.session, stale.epoch, [stale.chat("again", key="k")])
    assert [event["text"] for event in await room.stored()] == ["stored"]


async def test_whoever_stops_waiting_before_the_write_is_not_written(room, writer, rooms, pools):
    waiting = asyncio.create_task(writer.append(room.session, room.epoch, [room.chat()]))
    await asyncio.sleep(0)
    waiting.cancel()
    other = await rooms.open(pools)
    await writer.append(other.session, other.epoch, [other.chat()])
    assert len(await other.stored()) == 1


async def test_a_session_is_in_a_statement_once(room, writer, reader):
    """Two batches of one room, which rooms do not make, are stored one after the other."""
    batches = [[room.chat()] for _ in range(20)]
    await asyncio.gather(*(writer.append(room.session, room.epoch, batch) for batch in batches))
    assert (await reader.verify(room.session)).sequence == 20


async def test_a_server_that_became_a_standby_stores_nothing_and_is_left(
    room, writer, owner, reader
):
    """A read-only server refuses every write: no command is to blame, and another may take it."""
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(UnavailableError):
        await writer.append(room.session, room.epoch, [room.chat()])
    assert (await reader.head(room.session))[0] == 0
    await owner.execute("SET default_transaction_read_only = off")
    await owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await room.take_over()
    await writer.append(room.session, room.epoch, [room.chat()])
    assert (await reader.head(room.session))[0] == 1


async def test_nothing_to_append_holds_while_the_epoch_does(room, rooms, pools, writer, reader):
    other = await rooms.open(pools)
    await asyncio.gather(
        writer.append(room.session, room.epoch, []),
        writer.append(other.session, other.epoch, [other.chat()]),
    )
    assert (await reader.head(room.session))[0] == 0
    await room.take_over()
    with pytest.raises(FencedError):
        await writer.append(room.session, room.epoch - 1, [])


async def test_what_waits_when_the_writer_ends_is_answered(pools, room, owner):
    from server.store.log import LogWriter

    async with LogWriter(pools) as writer, owner.transaction():
        await owner.execute("SELECT 1 FROM session_hubs FOR UPDATE")
        waiting = asyncio.create_task(writer.append(room.session, room.epoch, [room.chat()]))
        await waits(owner, 1)
        await writer._supervisor.close()
        with pytest.raises(UnavailableError):
            await waiting
