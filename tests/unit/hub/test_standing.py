"""What reaches whom while standings change: nothing of a view that is not, or no longer, theirs."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import codec
from protocol import commands as cmd
from protocol.errors import CloseCode
from protocol.frames import ResumePosition
from server.hub import fanout, ring
from server.hub.asks import Depart
from server.hub.past import Past
from server.tasks import Supervisor
from tests.strategies import FOR_STAFF, REASON
from tests.unit.hub.hall import PLACE, Hall, begun, kinds, people, settled


async def test_a_demoted_assistant_is_welcomed_as_a_student_and_told_nothing_of_staff(
    hall, persons
):
    tess, al, ann = persons[:3]
    _teacher, assistant, student = await begun(hall, tess, al, ann)
    sides, before = (assistant, student), len(assistant.data)
    hall.does(al, cmd.ChatPost(FOR_STAFF, to="staff"))
    hall.does(tess, cmd.ParticipantSetRole(al.user, "student"), cmd.ChatPost("after"))
    hall.does(ann, cmd.ChatPost(FOR_STAFF, to="staff"))
    hall.commit()
    await settled()
    assert kinds(assistant, before) == ["welcome", "snapshot", "mine", "presence", "counters"]
    hall.does(tess, cmd.ChatPost(FOR_STAFF, to="staff"), cmd.ChatPost("later"))
    hall.commit()
    hall.pause_ends()
    await settled()
    for wire in sides:
        client, welcome = wire.check()
        assert welcome["me"]["role"] == "student"
        assert client.position == hall.head.sequence
        assert [message.text for message in client.state.messages] == ["after", "later"]


async def test_a_promoted_student_sees_as_staff_from_the_welcome_on(hall, persons):
    tess, al, ann = persons[:3]
    _, _, student = await begun(hall, tess, al, ann)
    second = hall.comes(ann)
    await settled()
    hall.does(al, cmd.ChatPost(FOR_STAFF, to="staff"))
    hall.commit()
    await settled()
    before = len(student.data)
    hall.does(tess, cmd.ParticipantSetRole(ann.user, "assistant"))
    hall.commit()
    await settled()
    assert kinds(student, before) == ["welcome", "snapshot", "mine", "presence", "counters"]
    for wire in (student, second):
        client, welcome = wire.check()
        assert (welcome["view"], welcome["me"]["role"]) == ("staff", "assistant")
        assert "poll.open" in welcome["me"]["grants"]
        assert welcome["connection"] == wire.connection.id
        assert [message.text for message in client.state.messages] == [FOR_STAFF]


async def test_a_role_that_leaves_the_view_as_it_was_is_welcomed_nevertheless(hall, persons):
    tess, al, _ = persons[:3]
    _, assistant = await begun(hall, tess, al)
    before = len(assistant.data)
    hall.does(tess, cmd.ParticipantSetRole(al.user, "teacher"))
    hall.commit()
    await settled()
    _, welcome = assistant.check()
    assert kinds(assistant, before)[:2] == ["welcome", "snapshot"]
    assert (welcome["view"], welcome["me"]["role"]) == ("staff", "teacher")
    # A grant changes no standing: it is in their own frame.
    hall.does(tess, cmd.ParticipantSetGrants(persons[2].user, {"board.draw": True}))
    hall.comes(persons[2])
    hall.commit()
    before = len(hall.wires[-1].data)
    hall.does(tess, cmd.ParticipantSetGrants(persons[2].user, {"board.draw": True}))
    hall.commit()
    await settled()
    assert "welcome" not in kinds(hall.wires[-1], before)
    assert hall.wires[-1].check()[0].mine.grants.count("board.draw") == 1


async def test_who_lags_when_demoted_gets_nothing_more_of_what_they_missed(hall, persons):
    tess, al = persons[:2]
    await begun(hall, tess)
    slow = hall.comes(al, high=2_000)
    hall.commit()
    await settled()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring, "RING_FRAMES", 4)
        for _ in range(40):
            hall.does(tess, cmd.ChatPost(f"{FOR_STAFF}".ljust(500), to="staff"))
            hall.commit()
            await settled(3)
        assert slow.peer.is_behind
        hall.may_read.clear()
        slow.takes()
        await settled()  # what it missed is being read …
        hall.does(tess, cmd.ParticipantSetRole(al.user, "student"))
        hall.commit()
        hall.may_read.set()
        for _ in range(40):
            slow.takes()
            await settled(3)
    client, welcome = slow.check()
    assert (welcome["view"], client.position) == ("student", hall.head.sequence)
    assert not slow.peer.is_behind


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        ((cmd.ParticipantRemove,), CloseCode.REMOVED),
        ((cmd.ParticipantBan,), CloseCode.BANNED),
        ((cmd.ParticipantRemove, cmd.ParticipantBan), CloseCode.BANNED),
        ((cmd.ParticipantRemove, cmd.ParticipantAdmit), None),
        ((cmd.ParticipantBan, cmd.ParticipantUnban), None),
        ((cmd.ParticipantBan, cmd.ParticipantUnban, cmd.ParticipantRemove), CloseCode.REMOVED),
    ],
)
async def test_the_last_word_of_a_batch_on_a_person_counts(hall, persons, commands, code):
    tess, ann, bob = persons[0], persons[2], persons[3]
    _, student, other = await begun(hall, tess, ann, bob)
    before = len(student.data)
    hall.does(tess, cmd.ChatPost("just before"), cmd.ParticipantSetRole(ann.user, "assistant"))
    hall.does(tess, *(kind(ann.user) for kind in commands), cmd.ChatPost("just after"))
    hall.commit()
    hall.commit()
    await settled()
    assert student.code == code
    client, welcome = student.check()
    if code is None:
        assert kinds(student, before)[:2] == ["welcome", "snapshot"]
        assert (welcome["view"], ann.user in client.state.people) == ("staff", True)
        assert hall.state.people[ann.user].present
    else:
        assert kinds(student, before) == ["bye"]
        again = hall.comes(ann)
        assert (again.code, kinds(again)) == (code, ["bye"])
    assert REASON not in str(other.data)
    hall.pause_ends()
    await settled()
    assert other.check()[0].position == hall.head.sequence


async def test_what_is_decided_behind_a_removal_is_forbidden(hall, persons):
    tess, ann = persons[0], persons[2]
    await begun(hall, tess, ann)
    hall.does(tess, cmd.ParticipantRemove(ann.user))
    outcomes = hall.does(ann, cmd.ChatPost("last word"))
    hall.commit()
    assert outcomes[0].code == "forbidden"


async def test_a_removed_person_who_is_let_in_again_may_return(hall, persons):
    tess, ann = persons[0], persons[2]
    await begun(hall, tess, ann)
    hall.does(tess, cmd.ParticipantRemove(ann.user))
    hall.commit()
    assert hall.comes(ann).code == CloseCode.REMOVED
    hall.does(tess, cmd.ParticipantAdmit(ann.user))
    hall.commit()
    back = hall.comes(ann)
    hall.commit()
    await settled()
    assert back.code is None
    assert hall.state.people[ann.user].present
    assert back.check()[1]["view"] == "student"


async def test_a_position_in_the_old_view_gets_a_snapshot(hall, persons):
    tess, ann = persons[0], persons[2]
    _, student = await begun(hall, tess, ann)
    position = hall.head.sequence
    student.leaves()
    hall.does(tess, cmd.ParticipantSetRole(ann.user, "assistant"))
    hall.commit()
    back = hall.comes(ann, resume=ResumePosition("log", position, "student"))
    await settled()
    assert kinds(back)[:2] == ["welcome", "snapshot"]
    assert (
        hall.comes(tess, resume=ResumePosition("log", position, "staff")).check()[1]["recovery"]
        == "replay"
    )


async def test_a_role_is_shown_in_the_roster_at_once_also_of_who_is_dropped(hall, persons):
    tess, ann, bob = persons[0], persons[2], persons[3]
    _, _, dropped = await begun(hall, tess, ann, bob)
    dropped.leaves()
    hall.seating.roster.changes()
    for who in (ann, bob):
        hall.does(tess, cmd.ParticipantSetRole(who.user, "assistant"))
    hall.commit()
    staff, _ = hall.seating.roster.changes()
    assert {(each.user, each.role, each.status) for each in staff.changed} == {
        (ann.user, "assistant", "online"),
        (bob.user, "assistant", "dropped"),
    }
    assert hall.comes(bob).check()[1]["me"]["role"] == "assistant"


async def test_a_reload_puts_everybody_where_the_log_has_them(hall, persons, monkeypatch):
    """The log was read anew, and it says more than was told: of a lock, a removal, a role."""
    tess, al, ann, bob = persons[:4]
    _, assistant, student, _ = await begun(hall, tess, al, ann, bob)
    newcomer = hall.comes(persons[4])
    await settled()
    hall.line.clear()
    before = [len(wire.data) for wire in hall.wires]
    hall.does(tess, cmd.ParticipantSetRole(al.user, "student"), cmd.ParticipantRemove(ann.user))
    hall.does(tess, cmd.SessionLock())
    with monkeypatch.context() as patch:
        patch.setattr(hall.seating, "tell", lambda *_: None)
        hall.commit()
    past = Past(PLACE.session)
    past.fold(hall.log)
    hall.seating.restart(past.views, hall.head.sequence)
    await settled()
    assert [wire.connection.seat.view for wire in (assistant, newcomer)] == ["student", "lobby"]
    assert student.code == CloseCode.REMOVED
    assert ann.user not in hall.seating.roster
    told = [kinds(wire, since)[0] for wire, since in zip(hall.wires, before, strict=True)]
    assert told == ["snapshot", "welcome", "bye", "snapshot", "welcome"]


# ---------------------------------------------------------------- any course that a class can take

TEACHER, ASSISTANT, ANN, BOB, CY = range(5)
_WHO = st.integers(0, 4)
_STUDENT = st.integers(1, 4)
_NUMBER = st.integers(0, 3)
_ROLES = st.sampled_from(("student", "assistant", "teacher"))


def _moves(kind):
    return st.tuples(st.just(kind), st.sampled_from((TEACHER, TEACHER, ASSISTANT)), _STUDENT)


_SAID = st.one_of(
    st.tuples(st.just("says"), _WHO, st.booleans()),
    st.tuples(st.just("polls"), st.booleans()),
    st.tuples(st.just("votes"), _WHO, _NUMBER),
    st.tuples(st.just("unsays"), _NUMBER),
    st.tuples(st.just("upvotes"), _WHO, _NUMBER),
)
_STANDING = st.one_of(
    _moves("admit"), _moves("deny"), _moves("remove"), _moves("ban"), _moves("unban"),
    st.tuples(st.just("set_role"), _STUDENT, _ROLES),
    st.tuples(st.just("lock")),
    st.tuples(st.just("unlock")),
)  # fmt: skip
_SOCKETS = st.one_of(
    st.tuples(st.just("comes"), _WHO, st.none() | st.integers(0, 9), st.booleans()),
    st.tuples(st.just("leaves"), _NUMBER),
    st.tuples(st.just("takes"), _NUMBER, st.sampled_from((100, 2_000, 100_000))),
    st.tuples(st.just("resyncs"), _NUMBER, _NUMBER),
    st.tuples(st.just("signals"), _NUMBER),
)
_TIME = st.one_of(
    st.tuples(st.just("commit")),
    st.tuples(st.just("commit")),
    st.tuples(st.just("turn"), st.integers(1, 4)),
    st.tuples(st.just("tick")),
    st.tuples(st.just("expire"), _WHO),
)
_STEPS = st.lists(st.one_of(_SAID, _STANDING, _STANDING, _SOCKETS, _TIME, _TIME), max_size=50)


@settings(max_examples=150, deadline=None)
@given(_STEPS)
def test_no_course_of_a_class_tells_anybody_what_is_not_theirs(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "SLICE", 2)
        patch.setattr(fanout, "LONG_SECONDS", 10)
        patch.setattr(ring, "RING_FRAMES", 6)
        asyncio.run(_course(steps))


async def _course(steps):
    persons = people("teacher", "assistant", "student", "student", "student")
    async with Supervisor("test") as tasks:
        hall = Hall(tasks)
        for who in persons[:3]:
            hall.comes(who)
        hall.does(persons[TEACHER], cmd.SessionStart())
        hall.commit()
        for step in steps:
            await _step(hall, persons, step)
        await _end(hall)
        hall.seating.close()


async def _step(hall, persons, step):
    def of(mapping, number):
        keys = [*mapping]
        return keys[number % len(keys)] if keys else None

    def wire(number):
        return hall.wires[number % len(hall.wires)]

    match step:
        case "says", who, is_for_staff:
            text, to = (f"{FOR_STAFF} {who}", "staff") if is_for_staff else ("hello", "everyone")
            hall.does(persons[who], cmd.ChatPost(text, to=to))
        case "polls", is_hidden:
            correct = (1,) if is_hidden else None
            hall.does(persons[TEACHER], cmd.PollOpen("?", ("a", "b"), correct=correct))
        case "votes", who, number if poll := of(hall.state.polls, number):
            hall.does(persons[who], cmd.PollVote(poll, (0,)))
        case "unsays", number if message := of(hall.state.messages, number):
            hall.does(persons[TEACHER], cmd.ChatRemove(message))
        case "upvotes", who, number:
            hall.does(persons[who], cmd.QuestionAsk("why?"))
            if question := of(hall.state.questions, number):
                hall.does(persons[who], cmd.QuestionUpvote(question))
        case ("admit" | "deny" | "unban") as op, by, whom:
            kind = {
                "admit": cmd.ParticipantAdmit,
                "deny": cmd.ParticipantDeny,
                "unban": cmd.ParticipantUnban,
            }[op]
            hall.does(persons[by], kind(persons[whom].user))
        case "remove", by, whom:
            hall.does(persons[by], cmd.ParticipantRemove(persons[whom].user, REASON))
        case "ban", by, whom:
            hall.does(persons[by], cmd.ParticipantBan(persons[whom].user, REASON))
        case "set_role", whom, role:
            hall.does(persons[TEACHER], cmd.ParticipantSetRole(persons[whom].user, role))
        case ("lock",):
            hall.does(persons[TEACHER], cmd.SessionLock())
        case ("unlock",):
            hall.does(persons[TEACHER], cmd.SessionUnlock())
        case "comes", who, back, is_slow:
            resume = None
            if back is not None:
                view = ("staff", "student")[back % 2]
                position = [*hall.snapshots[view]][-1 - back // 2 :][0]
                resume = ResumePosition("log", position, view)
            hall.comes(persons[who], resume=resume, high=500 if is_slow else 10**9)
        case "leaves", number:
            wire(number).leaves()
        case "takes", number, size:
            wire(number).takes(size)
        case "resyncs", number, back:
            wire(number).resyncs(back)
        case "signals", number:
            data = b'{"type":"signal","kind":"typing","data":{"in":"chat"}}'
            hall.seating.signal(wire(number).connection.seat, codec.decode_client(data))
        case ("commit",):
            hall.commit()
        case "turn", turns:
            await settled(turns)
        case ("tick",):
            hall.seating.tick()
        case "expire", who:
            if persons[who].user not in hall.seating._seats:
                hall.submit(Depart(persons[who].user))


async def _end(hall):
    """Let everything settle; then judge every connection from its first byte to its last."""
    for _ in range(60):
        hall.commit()
        for wire in hall.wires:
            wire.takes()
        hall.seating.tick()
        hall.pause_ends()
        await settled(4)
    hall.seating.tick()
    await settled(8)
    for wire in hall.wires:
        client, welcome = wire.check()
        belongs = hall.view_of(wire.who.user, wire.who.role)
        if wire.is_over:
            continue
        assert belongs is not None, "somebody is still here who may not be"
        assert (welcome["view"], client.view) == (belongs, belongs)
        assert client.position == hall.head.sequence
        source = hall.seating.lobby if belongs == "lobby" else hall.seating.views[belongs]
        assert client.state == codec.decode_server(source.snapshot).state
        assert client.mine.lobby == (belongs == "lobby")
        member = hall.state.people[wire.who.user]
        assert member.present, "who is here has joined"
        assert client.mine.role == member.role == welcome["me"]["role"]
