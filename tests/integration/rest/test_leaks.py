"""Whatever happens in a class: nothing over REST shows a student what their view hides."""

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from protocol.commands import COMMANDS
from server.hub.asks import Arrive, Who
from server.ids import new_id
from server.store import sessions, users
from tests.patience import eventually
from tests.strategies import FOR_STAFF, REASON, commands, identifier
from tests.unit.classroom.test_machine import HIDDEN

from .conftest import Person
from .test_live_sessions import command as send

STEPS = 50
# What ends a class, or somebody's part in it, ends most of what a run could find; and a student
# who is made an assistant sees what staff see.
RARE = {"session.end", "participant.ban", "participant.set_grants", "participant.set_role"}
OFTEN = sorted(set(COMMANDS) - RARE)
MODERATION = ["chat.post", "chat.post", "chat.remove", "chat.restore", "chat.pin"]


@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.generate,),  # to shrink a failure takes longer than to read it
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_rest_shows_students_nothing_that_is_hidden(api, school, hub, pools, data):
    session, people, ann = await a_class(api, school, hub, pools)
    room = hub.find(session)
    for number in range(STEPS):
        op = data.draw(st.sampled_from(OFTEN if number % 2 else MODERATION))
        known = {
            "users": tuple(person.id for person in people),
            "messages": tuple(room.state.messages),
            "questions": tuple(room.state.questions),
            "polls": tuple(room.state.polls),
            "scenes": tuple(room.state.scenes),
            "assets": tuple(room.state.assets),
            "artifacts": tuple(room.state.artifacts),
            "destinations": (identifier(101),),
        }
        wish = data.draw(commands(op, **known))
        if op == "chat.post":
            mark = FOR_STAFF if wish.to == "staff" else "said"
            wish = msgspec.structs.replace(wish, text=f"{mark} as number {number}.")
        author = data.draw(st.sampled_from(people))
        fields = msgspec.to_builtins(wish)
        answer = await send(api, author, session, op, new_id(), **fields)
        assert FOR_STAFF not in answer.raw.decode()
    removed = [said.text for said in room.state.messages.values() if said.removed]
    own = [told async for told in everything_over_rest(api, ann, session)]
    staffs = [told async for told in everything_over_rest(api, school.teacher, session)]
    assert len(staffs) == len(own) > 3
    for told in own:
        assert FOR_STAFF not in told
        assert REASON not in told
        assert not any(f'"{kind}"' in told for kind in HIDDEN)
        assert '"destination.' not in told
    for told in (*own, *staffs):
        assert not any(text in told for text in removed)


async def a_class(api, school, hub, pools):
    async with pools.tenant(school.tenant) as connection:
        session = (await sessions.create(connection, school.tenant, title="A", lesson=None)).id
        ann, bob = (Person(school.tenant, new_id(), "student", session) for _ in range(2))
        for person in (ann, bob):
            await users.ensure(connection, school.tenant, person.id, "Student")
    await send(api, school.teacher, session, "session.start", new_id())
    people = (school.teacher, school.teacher, school.assistant, ann, bob)
    for person in set_of(people):
        who = Who(person.id, person.role.title(), person.role)
        hub.find(session).submit(Arrive(who))
    await eventually(lambda: len(hub.find(session).state.people) == 4)
    return session, people, ann


def set_of(people):
    return {person.id: person for person in people}.values()


async def everything_over_rest(api, person, session):
    """Yield each answer about the class that there is for this person."""
    path = f"/v1/sessions/{session}"
    for query in ("?limit=1000", "?after=10&limit=20", "?before=40&limit=30", "?before=40"):
        answer = await api.get(person, f"{path}/events{query}")
        if answer.status == 403:  # they were removed on the way
            yield answer.raw.decode()
            continue
        assert answer.status == 200
        assert answer.body["from"] <= answer.body["to"] + 1
        sequences = [event["sequence"] for event in answer.body["events"]]
        assert sequences == sorted(set(sequences))
        yield answer.raw.decode()
    for kind in ("chat.posted", "poll.voted", "note.added,participant.joined"):
        yield (await api.get(person, f"{path}/events?types={kind}&limit=100")).raw.decode()
    yield (await api.get(person, path)).raw.decode()
