"""One class on two nodes: one owns it, the other follows, and nobody in it can tell which."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest
import pytest_asyncio

from protocol import commands as cmd
from protocol.frames import Ack, Nack
from server.hub import departure, inbox
from server.hub import links as links_module
from server.hub import upstream as upstream_module
from server.hub.departure import depart
from server.hub.link_messages import Follow, encode
from server.hub.links import link_key
from server.ids import new_id
from server.store import nodes
from server.store.log import LogReader
from server.tasks import Supervisor
from tests.patience import PATIENCE, eventually

from .conftest import SECRET, Lesson, started
from .raw import Raw


class Two:
    """A class whose owner is ``a``; ``b`` follows."""

    def __init__(self, a, b, lesson, stack_of_a):
        self.a, self.b, self.lesson, self._stack_of_a = a, b, lesson, stack_of_a
        self.session = lesson.session

    @property
    def rooms(self):
        return self.a.hub.find(self.session), self.b.hub.find(self.session)

    async def raw(self, node, role="student", name="Raw", **more):
        return await Raw.join(node, self.session, self.lesson.token(role, name, **more))

    async def leave_a(self):
        """Let A leave; return whether it sees that B lives."""
        return await self.a.lease.leave()

    async def lose_a(self, monkeypatch):
        await self.a.seem_dead([self.b], monkeypatch)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Have nodes wait for one another for as long as it takes on this machine."""
    monkeypatch.setattr(nodes, "LIFE_SECONDS", PATIENCE)
    monkeypatch.setattr(upstream_module, "ANSWER_SECONDS", PATIENCE)
    monkeypatch.setattr(inbox, "HOLD_SECONDS", PATIENCE)


@pytest_asyncio.fixture
async def two(database_url, school):
    async with AsyncExitStack() as stack:
        b = await stack.enter_async_context(started(database_url, school.tokens))
        of_a = await stack.enter_async_context(AsyncExitStack())
        a = await of_a.enter_async_context(started(database_url, school.tokens))
        near = await stack.enter_async_context(Supervisor("near"))
        far = await stack.enter_async_context(Supervisor("far"))
        lesson = Lesson(a, school, await school.session(), near)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        await lesson.caught_up()
        lesson.far = b.person(lesson.session, lesson.token(name="Far"), far)
        assert await lesson.far.until(lambda client: client.welcome is not None, PATIENCE)
        two = Two(a, b, lesson, of_a)
        two.far_task_ends = far.close
        yield two


async def test_what_is_said_on_either_node_is_heard_on_both(two, pools):
    lesson, far = two.lesson, two.lesson.far
    owner, follower = two.rooms
    assert (owner.owns, follower.owns) == (True, False)
    assert follower.epoch == owner.epoch
    everybody = (*lesson.everybody, far)
    answers = await asyncio.gather(
        *(each.say(cmd.ChatPost(f"{n}")) for n in range(5) for each in everybody)
    )
    assert all(isinstance(each, Ack) for each in answers)
    sequences = [each.sequence[0] for each in answers]
    assert len(set(sequences)) == 20
    # A resend finds what was done, wherever it comes from; a refusal is the same everywhere.
    raw = await two.raw(two.b)
    first = await raw.say("chat.post", {"text": "twice"}, key="once")
    again = await raw.say("chat.post", {"text": "twice"}, key="once")
    assert (again["sequence"], again["duplicate"]) == (first["sequence"], True)
    refused = await far.say(cmd.SessionEnd())
    assert isinstance(refused, Nack)
    assert refused.code == "forbidden"
    wrong = await raw.say("poll.vote", {"poll": "nonsense", "choices": [0]})
    assert wrong["type"] == "nack"

    head = max(owner.head.sequence, *sequences)
    for each in everybody:
        assert await each.until(lambda client: client.position >= head, PATIENCE)
        assert each.client.gaps == 0
    assert far.client.state == lesson.ann.client.state == lesson.bob.client.state
    stored = await LogReader(pools).read(two.session, 0)
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))


async def test_everybody_is_on_the_roster_of_both_and_felt_on_both(two):
    near, far = await two.raw(two.a, "teacher"), await two.raw(two.b, "assistant")
    user = {}
    for raw in (near, far):
        user[raw] = raw.heard[0]["me"]["user"]

    def rosters():
        return [
            {user: room.seating.roster.find(user)[1] for user in room.seating.roster}
            for room in two.rooms
        ]

    await eventually(lambda: all(len(each) == 6 for each in rosters()))
    assert rosters()[0] == rosters()[1]
    second = await two.raw(two.b, "assistant", user=user[far])
    await eventually(lambda: all(each[user[far]] == 2 for each in rosters()))
    await second.socket.close()
    await eventually(lambda: all(each[user[far]] == 1 for each in rosters()))

    await far.send({"type": "signal", "kind": "typing", "data": {}})
    assert (await near.hear("signal"))["by"] == user[far]
    await near.send({"type": "signal", "kind": "cursor", "data": {"x": 3}})
    while (signal := await far.hear("signal"))["kind"] != "cursor":
        pass
    assert signal["by"] == user[near]
    for raw in (near, far):
        await raw.send({"type": "signal", "kind": "reaction", "data": {"emoji": "🎉"}})
    for raw in (near, far):
        while (counters := await raw.hear("counters"))["reactions"] != {"🎉": 2}:
            pass
        assert counters["online"] == 6
    owner, _ = two.rooms
    owner.seating.ephemeral.health({"state": "good"}, {})
    assert (await far.hear("health"))["uplink"] == {"state": "good"}
    # Who leaves the far node is awaited back by the owner, and has left after the grace.
    await far.socket.close()
    await eventually(lambda: all(each.get(user[far]) == 0 for each in rosters()))


async def test_what_staff_decide_here_holds_for_who_sits_there(two):
    lesson = two.lesson
    far = await two.raw(two.b)
    user = far.heard[0]["me"]["user"]
    await lesson.teacher.say(cmd.SessionLock())
    waiting = await two.raw(two.b, name="Newcomer")
    assert waiting.heard[0]["view"] == "lobby"
    newcomer = waiting.heard[0]["me"]["user"]
    owner, follower = two.rooms
    await eventually(lambda: newcomer in owner.state.people)
    assert owner.state.people[newcomer].status == "waiting"
    assert newcomer not in owner.seating.roster
    await lesson.teacher.say(cmd.ParticipantAdmit(newcomer))
    while (welcome := await waiting.hear("welcome"))["view"] != "student":
        pass
    await eventually(lambda: newcomer in owner.seating.roster)
    await eventually(lambda: newcomer in follower.seating.roster)
    await lesson.teacher.say(cmd.ParticipantSetRole(user, "assistant"))
    while (welcome := await far.hear("welcome"))["view"] != "staff":
        pass
    assert "participant.ban" in welcome["me"]["grants"]
    await eventually(lambda: owner.seating.roster.find(user)[0].role == "assistant")
    await lesson.teacher.say(cmd.ParticipantBan(user))
    bye, code = await far.farewell()
    assert (bye["code"], code) == (4504, 4504)
    await eventually(
        lambda: user not in owner.seating.roster and user not in follower.seating.roster
    )
    # A hand, a vote and a note come back to their author alone, on the far node, too.
    await lesson.teacher.say(cmd.PollOpen("2+2?", ("3", "4")))
    await eventually(lambda: follower.state.polls)
    (poll,) = follower.state.polls
    await waiting.command("poll.vote", {"poll": poll, "choices": [1]})
    while (mine := await waiting.hear("mine"))["votes"] != {poll: [1]}:
        pass
    assert mine["lobby"] is False


async def test_when_the_owner_dies_the_class_goes_on_and_nobody_reconnects(two, pools, monkeypatch):
    lesson, far = two.lesson, two.lesson.far
    owner, follower = two.rooms
    epoch, welcome = owner.epoch, far.client.welcome
    assert isinstance(await far.say(cmd.ChatPost("before")), Ack)
    await two.lose_a(monkeypatch)
    # A's process lives on and knows nothing: it is deposed as soon as B takes the class.
    follower._following.upstream.lost()
    await eventually(lambda: follower.owns)
    assert follower.epoch == epoch + 1
    answer = await far.say(cmd.ChatPost("after"), timeout_seconds=PATIENCE)
    assert isinstance(answer, Ack)
    assert far.client.welcome is welcome, "it has not connected again"
    # The zombie's next append is fenced; it follows the new owner, and its people stay, too.
    kept = lesson.ann.client.welcome
    answer = await lesson.ann.say(cmd.ChatPost("from the zombie"), timeout_seconds=PATIENCE)
    assert isinstance(answer, Ack)
    assert lesson.ann.client.welcome is kept
    await eventually(lambda: not owner.owns and owner.is_open.is_set())
    assert two.rooms == (owner, follower)
    for each in (*lesson.everybody, far):
        assert await each.until(lambda client: client.position >= answer.sequence[1], PATIENCE)
        assert each.client.gaps == 0
    texts = [message.text for message in far.client.state.messages]
    assert texts == ["before", "after", "from the zombie"]
    assert far.client.state == lesson.bob.client.state
    stored = await LogReader(pools).read(two.session, 0)
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
    assert (await LogReader(pools).verify(two.session)).broken is None


async def test_a_link_that_breaks_loses_nothing(two, monkeypatch):
    lesson, far = two.lesson, two.lesson.far
    owner, follower = two.rooms
    for n in range(5):
        follower._following.upstream.lost()
        answers = await asyncio.gather(
            far.say(cmd.ChatPost(f"far {n}"), timeout_seconds=PATIENCE),
            lesson.ann.say(cmd.ChatPost(f"near {n}")),
        )
        assert all(isinstance(each, Ack) for each in answers)
    await eventually(lambda: follower.head.sequence == owner.head.sequence)
    assert await far.until(lambda client: client.position >= owner.head.sequence, PATIENCE)
    assert far.client.gaps == 0
    texts = sorted(message.text for message in far.client.state.messages)
    assert texts == sorted(f"{where} {n}" for n in range(5) for where in ("far", "near"))
    await eventually(lambda: far.client.welcome.me.user in owner.seating.roster)


async def test_a_batch_that_was_not_heard_is_read_from_the_log(two, monkeypatch):
    lesson, far = two.lesson, two.lesson.far
    owner, follower = two.rooms
    upstream = follower._following.upstream
    hear = upstream.hear
    heard = []

    def lossy(message):
        heard.append(type(message).__name__)
        if heard.count("Batch") % 2 or heard[-1] != "Batch":
            hear(message)

    monkeypatch.setattr(upstream, "hear", lossy)
    for n in range(6):
        assert isinstance(await lesson.ann.say(cmd.ChatPost(f"{n}")), Ack)
    await eventually(lambda: heard.count("Batch") >= 6)
    monkeypatch.setattr(upstream, "hear", hear)
    assert isinstance(await lesson.ann.say(cmd.ChatPost("6")), Ack)
    await eventually(lambda: follower.head.sequence == owner.head.sequence)
    assert await far.until(lambda client: len(client.state.messages) == 7, PATIENCE)
    assert far.client.gaps == 0


async def test_an_owner_that_answers_nothing_is_not_waited_for(two, monkeypatch):
    monkeypatch.setattr(upstream_module, "ANSWER_SECONDS", 0.2)
    _, follower = two.rooms
    raw = await two.raw(two.b)
    monkeypatch.setattr(follower._following.upstream, "_say", lambda message: None)
    answer = await raw.say("chat.post", {"text": "into the void"})
    assert (answer["code"], answer["retryable"]) == ("unavailable", True)


async def test_a_node_that_drains_hands_its_classes_over(two):
    far = two.lesson.far
    _, follower = two.rooms
    assert isinstance(await far.say(cmd.ChatPost("before")), Ack)
    welcome, epoch = far.client.welcome, follower.epoch
    await two._stack_of_a.aclose()
    answer = await far.say(cmd.ChatPost("after"), timeout_seconds=PATIENCE)
    assert isinstance(answer, Ack)
    assert follower.owns
    assert follower.epoch == epoch + 1
    assert far.client.welcome is welcome


async def test_what_comes_late_by_the_other_node_does_not_happen(two):
    user = new_id()
    old, new = await two.raw(two.b, user=user), await two.raw(two.a, user=user)
    assert (await new.say("hand.lower", {}, key="a"))["sequence"] is None
    await new.say("hand.raise", {})
    assert (await old.say("hand.lower", {}, key="a"))["sequence"] is None
    assert (await new.say("hand.raise", {}))["sequence"] is None  # it is still up


async def test_a_room_that_nobody_needs_is_followed_no_longer(two, monkeypatch):
    owner, follower = two.rooms
    assert len(owner.seating.followers) == 1
    assert not follower.is_idle
    await two.far_task_ends()
    await eventually(lambda: follower.is_idle)
    two.b.hub._running[two.session].cancel()
    await eventually(lambda: len(owner.seating.followers) == 0)


@pytest.mark.parametrize("shown", ["", "Bearer wrong"])
async def test_a_link_needs_the_key_of_the_installation(two, shown):
    claim = await two.b.lease.acquire(two.session)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(claim.link + links_module.PATH, headers={"Authorization": shown})
        assert refused.value.status == 401


async def test_nonsense_on_a_link_ends_it_and_nothing_else(two, database_url):
    claim = await two.b.lease.acquire(two.session)
    headers = {"Authorization": f"Bearer {link_key(SECRET)}"}
    async with aiohttp.ClientSession() as http:
        for nonsense in (b"\xc1", encode(Follow("nowhere", "nobody"))):
            socket = await http.ws_connect(claim.link + links_module.PATH, headers=headers)
            await socket.send_bytes(nonsense)
            message = await socket.receive(PATIENCE)
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.BINARY)
            await socket.close()
    assert isinstance(await two.lesson.far.say(cmd.ChatPost("still")), Ack)


async def test_a_class_is_handed_over_by_a_node_that_goes_on(two):
    """Until its people are sent on they take part, and what they ask meanwhile is done."""
    lesson, far = two.lesson, two.lesson.far
    owner, follower = two.rooms
    epoch, kept = owner.epoch, lesson.ann.client.welcome
    near_raw, far_raw = await two.raw(two.a), await two.raw(two.b)
    assert await two.leave_a()
    for raw in (near_raw, far_raw):
        await raw.command("chat.post", {"text": "before"})
    owner.hand_over()
    for _ in range(8):
        for raw in (near_raw, far_raw):
            await raw.command("chat.post", {"text": "meanwhile"})
        await asyncio.sleep(0.002)
    for raw in (near_raw, far_raw):
        answers = [each["type"] for each in await raw.answers(9)]
        assert answers == ["ack"] * 9, "nobody is told to send anything again"
    await eventually(lambda: follower.owns and owner.owner is not None)
    assert (follower.epoch, owner.epoch, owner.owns) == (epoch + 1, epoch + 1, False)
    answer = await lesson.ann.say(cmd.ChatPost("through the one that leaves"))
    assert isinstance(answer, Ack)
    assert lesson.ann.client.welcome is kept
    for each in (*lesson.everybody, far):
        assert await each.until(lambda client: client.position >= answer.sequence[1], PATIENCE)
        assert each.client.gaps == 0
    assert far.client.state == lesson.ann.client.state


async def test_a_class_that_is_handed_over_is_never_without_an_owner(two, monkeypatch):
    """Who gives it up owns it until the other one does: media is claimed all the time."""
    owner, follower = two.rooms
    assert await two.leave_a()
    taken = []
    listener = owner._ownership._listener
    monkeypatch.setattr(listener, "closed", lambda _: taken.append(follower.owns))
    owner.hand_over()
    await eventually(lambda: follower.owns and owner.owner is not None)
    assert taken == [True]


async def test_a_class_that_nobody_else_knows_is_handed_over_to_a_node_that_lives(
    two, school, tasks
):
    session = await school.session()
    person = two.a.person(session, school.token(session, "teacher"), tasks)
    assert isinstance(await person.say(cmd.SessionStart()), Ack)
    assert two.b.hub.find(session) is None
    room = two.a.hub.find(session)
    assert await two.leave_a()
    room.hand_over()
    await eventually(lambda: two.b.hub.find(session) is not None and two.b.hub.find(session).owns)
    assert isinstance(await person.say(cmd.ChatPost("through the one that leaves")), Ack)
    state = two.b.hub.find(session).state
    assert [message.text for message in state.messages.values()] == ["through the one that leaves"]


async def test_nobody_hands_over_to_a_node_that_leaves_as_well(two):
    owner, follower = two.rooms
    two.b.hub.is_draining = True
    assert await two.leave_a()
    owner.hand_over()
    await eventually(lambda: not owner.owns)
    await asyncio.sleep(0.2)
    assert not follower.owns or follower.epoch > owner.epoch


async def test_the_last_node_keeps_what_it_owns(two):
    await two.b.lease.leave()
    owner, _ = two.rooms
    assert not await two.a.lease.leave(), "nobody is there"
    assert isinstance(await two.lesson.ann.say(cmd.ChatPost("still")), Ack)
    assert owner.owns


async def test_everybody_is_sent_on_a_few_at_a_time_and_soon_back(two, monkeypatch):
    monkeypatch.setattr(departure, "GOODBYES_PER_SECOND", 20)
    raws = [await two.raw(two.a, name=f"Raw {number}") for number in range(10)]
    began = asyncio.get_running_loop().time()
    leaving = asyncio.ensure_future(depart(two.a.hub, two.a.lease, 5.0, with_server=False))
    byes = await asyncio.gather(*(raw.farewell() for raw in raws))
    assert asyncio.get_running_loop().time() - began > 9 / 20, "not all at once"
    await leaving
    assert {code for _, code in byes} == {4101}
    assert all(0 < bye["retry_ms"] <= 400 for bye, _ in byes)
    _, follower = two.rooms
    assert follower.owns


async def test_what_is_asked_while_the_owner_dies_is_done_by_the_next_one(two, monkeypatch):
    _, follower = two.rooms
    raw = await two.raw(two.b)
    await two.lose_a(monkeypatch)
    monkeypatch.setattr(follower._following.upstream, "_say", lambda message: None)  # it is dying
    asked = asyncio.ensure_future(raw.say("chat.post", {"text": "to whom?"}, key="dying"))
    await eventually(lambda: follower.is_busy)
    follower._following.upstream.lost()
    assert (await asked)["type"] == "ack", "nobody was told to send it again"
    assert follower.owns


async def test_what_was_done_by_an_owner_that_died_before_it_said_so_is_not_done_twice(
    two, monkeypatch, pools
):
    owner, follower = two.rooms
    raw = await two.raw(two.b)
    monkeypatch.setattr(
        follower._following.upstream, "hear", lambda message: None
    )  # all answers are lost
    asked = asyncio.ensure_future(raw.say("chat.post", {"text": "once"}, key="lost"))
    await eventually(lambda: len(owner.state.messages) == 1)
    await two.lose_a(monkeypatch)
    follower._following.upstream.lost()
    answer = await asked
    assert (answer["type"], answer["duplicate"]) == ("ack", True)
    stored = await LogReader(pools).read(two.session, 0)
    assert sum(event.type == "chat.posted" for event in stored) == 1


async def test_classes_of_an_owner_that_is_not_reached_are_asked_after_together(
    two, school, tasks, monkeypatch
):
    """However many they are: one question at a time, and ever more seldom."""
    others = [await school.session() for _ in range(9)]
    for session in others:
        near = two.a.person(session, school.token(session, "teacher"), tasks)
        assert isinstance(await near.say(cmd.SessionStart()), Ack)
        far = two.b.person(session, school.token(session), tasks)
        assert await far.until(lambda client: client.welcome is not None, PATIENCE)
    rooms = [two.b.hub.find(session) for session in (two.session, *others)]
    await eventually(lambda: all(room.owner for room in rooms))
    asked = []
    news = two.b.lease.news
    ask = news._ask

    async def counted(sessions):
        asked.append(len(sessions))
        return await ask(sessions)

    monkeypatch.setattr(news, "_ask", counted)

    async def refused(*_, **__):
        raise aiohttp.ClientConnectionError

    monkeypatch.setattr(aiohttp.ClientSession, "ws_connect", refused)
    for link in [*rooms[0]._follow.__self__._links.values()]:
        link._outgoing._socket._response.connection.transport.abort()
    await eventually(lambda: asked and asked[-1] == 10)
    count, began = len(asked), asyncio.get_running_loop().time()
    await asyncio.sleep(2.0)
    spent = asyncio.get_running_loop().time() - began
    assert len(asked) - count <= 6 * spent, "a few questions for all of them together"
    await eventually(lambda: len(asked) >= count + 2)
    # What happens meanwhile is read from the log, and told.
    assert isinstance(await two.lesson.ann.say(cmd.ChatPost("unheard of")), Ack)
    head = two.rooms[0].head.sequence
    assert await two.lesson.far.until(lambda client: client.position >= head, PATIENCE)
    # It is tried again, also while the log goes on growing.
    monkeypatch.undo()

    async def talk():
        for number in range(1_000_000):
            await two.lesson.ann.say(cmd.ChatPost(f"{number}"))
            await asyncio.sleep(0.11)

    tasks.start("talk", talk())
    await eventually(lambda: all(room.owner for room in rooms))


@pytest_asyncio.fixture
async def servers(database_url, school, tasks):
    """A class owned by a node of one server, followed by another server; and a neighbour."""
    async with AsyncExitStack() as stack:
        owner, neighbour, other = [
            await stack.enter_async_context(started(database_url, school.tokens, name=name))
            for name in ("one:8080.0", "one:8080.1", "two:8080.0")
        ]
        lesson = Lesson(owner, school, await school.session(), tasks)
        assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        await lesson.caught_up()
        two = Two(owner, other, lesson, stack)
        lesson.far = other.person(lesson.session, lesson.token(name="Far"), tasks)
        assert await lesson.far.until(lambda client: client.welcome is not None, PATIENCE)
        two.neighbour = neighbour
        yield two


@pytest.mark.parametrize("takes", [True, False])
async def test_a_class_goes_where_its_media_is_if_somebody_there_takes_it(
    servers, monkeypatch, takes
):
    _, follower = servers.rooms
    neighbour = servers.neighbour
    assert neighbour.hub.find(servers.session) is None
    neighbour.hub.is_draining = not takes
    await servers.a.seem_dead([servers.b, neighbour], monkeypatch)
    follower._following.upstream.lost()
    answer = await servers.lesson.far.say(cmd.ChatPost("after"), timeout_seconds=PATIENCE)
    assert isinstance(answer, Ack)
    owner = neighbour.hub.find(servers.session) if takes else follower
    assert owner.owns
    assert follower.owns != takes
