"""What reaches whom while standings change: nothing of a view that is not, or no longer, theirs."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import codec
from protocol import commands as cmd
from protocol.frames import ResumePosition
from server.hub import fanout
from server.hub.asks import Depart
from server.tasks import Supervisor
from tests.strategies import FOR_STAFF, REASON
from tests.unit.hub.hall import Hall, parsed, people


async def settled(turns=30):
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.fixture
async def hall():
    async with Supervisor("test") as tasks:
        hall = Hall(tasks)
        yield hall
        hall.seating.ephemeral.close()


@pytest.fixture
def persons():
    return people("teacher", "assistant", "student", "student", "student")


async def begun(hall, *everybody):
    """Let everybody come to a live class; return their wires."""
    wires = [hall.comes(who) for who in everybody]
    hall.does(everybody[0], cmd.SessionStart())
    hall.commit()
    await settled()
    return wires


def kinds(wire, since=0):
    return [frame["type"] for frame in parsed(wire.data[since:])]


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
    await settled()
    for wire in sides:
        client, welcome = wire.check()
        assert welcome["me"]["role"] == "student"
        assert client.position == hall.head.sequence
        assert [message.text for message in client.state.messages] == ["after", "later"]


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
        for bound, value in (("SLICE", 2), ("RING_FRAMES", 6)):
            patch.setattr(fanout, bound, value)
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
        hall.seating.ephemeral.close()


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
