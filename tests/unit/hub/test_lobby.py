"""A locked class: who waits to be let in, and what they see of it meanwhile."""

import asyncio

import pytest

from protocol import commands as cmd
from protocol.errors import CloseCode
from server.hub import lobby as lobby_module
from server.hub import ring
from server.hub import seating as seating_module
from server.hub.asks import Depart
from tests.unit.hub.hall import begun, kinds, parsed, settled


@pytest.fixture
async def locked(hall, persons):
    """A live, locked class with its teacher, an assistant, and Ann, who waits."""
    tess, al, ann = persons[:3]
    hall.seating.lobby.title = "Algebra"
    await begun(hall, tess, al)
    hall.does(tess, cmd.SessionLock())
    hall.commit()
    hall.comes(ann)
    hall.commit()
    await settled()
    return hall


async def test_a_newcomer_to_a_locked_class_waits_and_sees_three_things(locked, persons):
    wire = locked.wires[-1]
    assert kinds(wire)[:5] == ["welcome", "snapshot", "mine", "presence", "counters"]
    client, welcome = wire.check()
    assert (welcome["view"], welcome["recovery"], welcome["me"]["grants"]) == (
        "lobby", "snapshot", [],
    )  # fmt: skip
    state = client.state
    assert (state.status, state.title, state.teacher) == ("live", "Algebra", "Name 0")
    assert (client.mine.lobby, client.mine.grants) == (True, ())
    assert locked.state.people[persons[2].user].status == "waiting"
    assert persons[2].user not in locked.seating.roster
    assert locked.seating.page(wire.connection.seat, None) == ((), None)


async def test_the_lobby_is_told_of_the_log_once_a_second_at_most(locked, persons):
    wire, tess = locked.wires[-1], persons[0]
    locked.seating.tick()
    await settled()
    before, position = len(wire.data), wire.check()[0].position
    for _ in range(50):
        locked.does(tess, cmd.ChatPost("inside"))
        locked.commit()
        await settled(3)
    assert kinds(wire, before) == []
    # A ping's head is what the lobby has been told of: nothing looks like a gap.
    assert locked.seating.head(wire.connection.seat) == position
    locked.seating.tick()
    await settled()
    (frame,) = parsed(wire.data[before:])
    assert (frame["from"], frame["to"], frame["events"]) == (
        position + 1, locked.head.sequence, [],
    )  # fmt: skip
    locked.seating.tick()
    await settled()
    assert len(kinds(wire, before)) == 1


async def test_the_lobby_sees_at_once_that_the_class_ends_or_the_teacher_goes(locked, persons):
    wire, tess = locked.wires[-1], persons[0]
    locked.submit(Depart(tess.user))
    locked.commit()
    await settled()
    assert wire.check()[0].state.teacher is None
    locked.comes(tess)
    locked.commit()
    await settled()
    assert wire.check()[0].state.teacher == tess.name
    locked.seating.lobby.title = "Algebra II"
    locked.seating.tick()
    await settled()
    assert wire.check()[0].state.title == "Algebra II"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seating_module, "END_GRACE_SECONDS", 0)
        locked.does(tess, cmd.SessionEnd())
        locked.commit()
        await asyncio.sleep(0.01)
    assert wire.check()[0].state.status == "ended"
    assert wire.code == CloseCode.SESSION_OVER
    assert all(each.code is None for each in locked.wires if each.view == "staff")


async def test_what_is_asked_or_signalled_from_the_lobby_leads_to_nothing(locked):
    wire = locked.wires[-1]
    head = locked.head.sequence
    for frame in (
        b'{"type":"command","id":1,"key":"k","op":"chat.post","data":{"text":"let me in"}}',
        b'{"type":"signal","kind":"reaction","data":{"emoji":"\xf0\x9f\x91\x8d"}}',
        b'{"type":"roster","after":null}',
        b'{"type":"ping"}',
    ):
        await wire.connection.receive(frame)
    locked.commit()
    await settled()
    heard = {frame["type"]: frame for frame in parsed(wire.data)}
    assert (heard["nack"]["code"], heard["roster"]["people"]) == ("forbidden", [])
    assert heard["pong"]["head"] == locked.seating.lobby.sequence
    assert locked.head.sequence == head
    assert locked.seating.ephemeral.counters("staff").reactions == {}


async def test_to_unlock_lets_everybody_in_at_once(locked, persons):
    tess, ann, bob, cy = persons[0], *persons[2:]
    waiting = [locked.wires[-1], locked.comes(ann), locked.comes(bob)]
    locked.commit()
    late = locked.comes(cy)
    arrival = locked.line.pop()
    locked.does(tess, cmd.SessionUnlock())
    locked.line.append(arrival)  # behind the unlocking
    locked.commit()
    locked.commit()
    await settled()
    for wire in (*waiting, late):
        client, welcome = wire.check()
        assert (welcome["view"], client.view, client.mine.lobby) == ("student", "student", False)
        assert welcome["me"]["grants"]
    assert len(locked.seating.attendance.waiting) == 0
    assert {ann.user, bob.user, cy.user} <= {
        each.user for each in locked.seating.roster.page(None, for_staff=True)[0]
    }
    assert all(locked.state.people[each.user].present for each in (ann, bob, cy))


async def test_who_is_let_in_before_the_lock_but_is_in_the_log_after_it_waits(hall, persons):
    tess, ann = persons[0], persons[2]
    await begun(hall, tess)
    hall.does(tess, cmd.SessionLock())
    wire = hall.comes(ann)
    assert wire.view == "student"
    hall.does(tess, cmd.ChatPost("among us"))
    hall.commit()
    await settled()
    client, welcome = wire.check()
    assert (welcome["view"], client.state.messages) == ("lobby", [])
    assert hall.state.people[ann.user].status == "waiting"
    assert ann.user not in hall.seating.roster


async def test_who_is_not_in_the_log_yet_waits_from_the_lock_on(hall, persons):
    tess, ann = persons[0], persons[2]
    await begun(hall, tess)
    wire = hall.comes(ann)
    hall.line.clear()  # their arrival is in a later batch
    hall.does(tess, cmd.SessionLock())
    hall.commit()
    assert wire.view == "lobby"
    hall.line.clear()
    hall.does(tess, cmd.SessionUnlock())
    hall.commit()
    assert wire.view == "student"


async def test_who_is_admitted_or_denied_leaves_the_lobby(locked, persons):
    al, ann, bob = persons[1:4]
    ann_waits, bob_waits = locked.wires[-1], locked.comes(bob)
    locked.commit()
    locked.does(al, cmd.ParticipantAdmit(ann.user), cmd.ParticipantDeny(bob.user))
    locked.commit()
    locked.does(al, cmd.ChatPost("welcome"))
    locked.commit()
    await settled()
    client, welcome = ann_waits.check()
    assert (welcome["view"], [each.text for each in client.state.messages]) == (
        "student", ["welcome"],
    )  # fmt: skip
    bob_waits.check()
    assert (bob_waits.code, locked.comes(bob).code) == (CloseCode.DENIED, CloseCode.DENIED)
    locked.does(al, cmd.ParticipantAdmit(bob.user))
    locked.commit()
    assert locked.comes(bob).view == "student"


async def test_who_goes_from_the_lobby_and_returns_admitted_is_not_seen_to_leave(
    locked, persons, monkeypatch
):
    tess, ann = persons[0], persons[2]
    locked.wires[-1].leaves()
    locked.does(tess, cmd.ParticipantAdmit(ann.user))
    locked.commit()
    locked.comes(ann)
    monkeypatch.setattr(locked.seating.attendance._clock, "monotonic", lambda: 1e9, raising=False)
    locked.seating.tick()
    locked.commit()
    assert locked.state.people[ann.user].present


async def test_who_waits_and_goes_has_left_after_the_grace(locked, persons, monkeypatch):
    locked.wires[-1].leaves()
    assert not locked.seating.is_empty
    monkeypatch.setattr(locked.seating.attendance._clock, "monotonic", lambda: 1e9, raising=False)
    locked.seating.tick()
    locked.commit()
    member = locked.state.people[persons[2].user]
    assert (member.status, member.present) == ("waiting", False)
    # Back again, they wait again.
    assert locked.comes(persons[2]).view == "lobby"


async def test_a_lagging_one_in_the_lobby_catches_up_with_a_snapshot(locked, persons):
    tess, bob = persons[0], persons[3]
    slow = locked.comes(bob, high=1_500)
    locked.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring, "RING_FRAMES", 2)
        for number in range(30):
            locked.does(tess, cmd.ChatPost(f"{number}"))
            locked.commit()
            locked.seating.tick()
            await settled(3)
        locked.does(tess, cmd.SessionEnd())
        locked.commit()
        await settled(3)
        assert slow.peer.is_behind
        for _ in range(5):
            slow.takes()
            await settled(4)
    client, _ = slow.check()
    assert (client.position, client.state.status) == (locked.head.sequence, "ended")


async def test_a_full_lobby_sends_newcomers_away_for_a_while(locked, persons):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lobby_module, "LOBBY_CONNECTIONS", 2)
        assert locked.comes(persons[3]).code is None
        assert locked.comes(persons[4]).code == CloseCode.OVERLOADED
        assert locked.comes(persons[0]).code is None  # who need not wait
        locked.wires[-3].leaves()
        assert locked.comes(persons[4]).code is None
