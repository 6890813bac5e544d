"""PostgreSQL is away, in each way that it can be: the class stays, and nothing is lost."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import asyncpg
import pytest

from protocol import commands as cmd
from protocol.errors import CloseCode
from protocol.frames import Ack
from tests.faults.served import children
from tests.integration.hub.raw import Raw
from tests.media.publisher import TestPublisher
from tests.media.viewer import TestViewer
from tests.patience import PATIENCE, Stopwatch, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICED_SECONDS = 40.0
"""A statement that hangs is given up after five; the rest is for a busy machine."""
RECOVERED_SECONDS = 15.0
"""Who is turned away comes again within five; the rest is for a busy machine."""


@asynccontextmanager
async def refused(served):
    """It has ended, or somebody has closed the port."""
    served.database.refuse()
    served.database.reset()
    try:
        yield
    finally:
        await served.database.listen()


@asynccontextmanager
async def stalled(served):
    """The network takes everything, and nothing comes back."""
    served.database.stall()
    try:
        yield
    finally:
        served.database.heal()


@asynccontextmanager
async def lost(served):
    """What was sent is gone; the connections of before never answer again."""
    served.database.blackhole()
    try:
        yield
    finally:
        served.database.refuse()
        served.database.heal()
        await served.database.listen()


@asynccontextmanager
async def killed(served):
    """``kill -9``: it comes back by itself, and recovers."""
    served.database.refuse()  # for as long as the test looks
    os.kill(served.services.postgres.pid, signal.SIGKILL)
    try:
        yield
    finally:
        await served.database.listen()


@asynccontextmanager
async def stopped(served):
    """Its processes stand still."""
    pid = served.services.postgres.pid
    everybody = [pid, *children(pid)]
    for each in everybody:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in everybody:
            os.kill(each, signal.SIGCONT)


@asynccontextmanager
async def full(served):
    """Its disk is full: it refuses what is written, and reads as ever."""
    owner = await asyncpg.connect(served.services.database_url)
    try:
        await owner.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100';
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON session_state_events
                FOR EACH STATEMENT EXECUTE FUNCTION refuse();
            """
        )
        yield
    finally:
        await owner.execute("DROP FUNCTION refuse CASCADE")
        await owner.close()


class Talk:
    """Everybody says a line now and then, and notes what was acked."""

    def __init__(self, lesson):
        self.acked: dict[str, tuple[int, int]] = {}
        self._ends = False
        self._tasks = [
            asyncio.ensure_future(self._say(number, person))
            for number, person in enumerate(lesson.everybody)
        ]

    async def _say(self, number, person):
        line = 0
        while not self._ends:
            line += 1
            text = f"{number}/{line}"
            answer = await person.say(cmd.ChatPost(text))
            assert isinstance(answer, Ack), answer
            self.acked[text] = answer.sequence
            await asyncio.sleep(0.15)

    async def end(self):
        self._ends = True
        await asyncio.wait_for(asyncio.gather(*self._tasks), PATIENCE)


async def refusal(raw):
    """Return how commands are refused, as soon as they are."""
    async with asyncio.timeout(NOTICED_SECONDS):
        while True:
            number = await raw.command("chat.post", {"text": "there?"})
            while (answer := await raw.hear("ack", "nack", seconds=NOTICED_SECONDS))[
                "id"
            ] != number:
                pass
            if answer["type"] == "nack":
                return answer
            await asyncio.sleep(0.15)


async def newcomer(served, lesson):
    """Return the goodbye to somebody whom the class does not know."""
    raw = await Raw.open(served, lesson.session)
    await raw.send({"type": "hello", "token": lesson.token()})
    bye = await raw.hear("bye", seconds=NOTICED_SECONDS)
    assert await raw.hear() is None
    return bye, raw.code


async def goes_through_it(served, lesson, fault):
    """Let the database be away in the middle of a talk; return what was seen."""
    raw = await lesson.raw()
    sockets = [each.client.welcome.connection for each in lesson.everybody]
    talk = Talk(lesson)
    await eventually(lambda: len(talk.acked) > 6)
    async with fault(served):
        raw_answer = await refusal(raw)
        assert (raw_answer["code"], raw_answer["retryable"]) == ("unavailable", True)
        assert 0 < raw_answer["retry_ms"] <= 5000
        # What is felt goes on, and who was here comes back to the class as it is.
        signals = {"type": "signal", "kind": "typing", "data": {}}
        back = await Raw.join(served, lesson.session, lesson.ann.client.token)
        await back.send(signals)
        await raw.hear("signal")
        assert {"welcome", "snapshot"} <= {frame["type"] for frame in back.heard}
        if fault is not full:  # there whoever is known is let in, and the others almost
            bye, code = await newcomer(served, lesson)
            assert code == CloseCode.OVERLOADED
            assert bye["retry_ms"] > 0
    watch = Stopwatch(*served.workers("server.app"))
    before = len(talk.acked)
    await eventually(lambda: len(talk.acked) > before + 6)
    recovered_seconds = watch.seconds
    await talk.end()
    await lesson.caught_up()
    assert [each.client.welcome.connection for each in lesson.everybody] == sockets
    said = await lesson.log()
    assert all(said.count(text) == 1 for text in talk.acked)
    # What nobody was told of is not there twice either, and nothing else is.
    assert len([text for text in said if "/" in text]) == len(talk.acked)
    await raw.socket.close()
    await back.socket.close()
    return recovered_seconds


@pytest.mark.parametrize("fault", [refused, stalled, full])
async def test_a_class_stays_as_it_is_while_the_database_is_away(served, fault):
    mark = served.mark
    async with served.lesson() as lesson:
        assert await goes_through_it(served, lesson, fault) < RECOVERED_SECONDS
    # Two lines for each part, however many ask and however often; and none if that was just told.
    noise = [
        (line["event"], line.get("part"))
        for line in served.warnings(mark)
        if line["event"] != "event_loop_stood_still"  # of the machine
    ]
    assert len(noise) <= 12, noise
    assert len(noise) == len(set(noise)) or fault is stalled, noise


async def test_the_picture_goes_on_while_the_database_is_killed(served):
    async with served.lesson() as lesson:
        publisher, viewer = TestPublisher(), TestViewer()
        base = f"/v1/sessions/{lesson.session}"
        try:
            assert (
                await publisher.publish(served.post(f"{base}/whip", lesson.teacher.client.token))
                == 201
            )
            assert await viewer.watch(served.post(f"{base}/whep", lesson.ann.client.token)) == 201
            await viewer.sees(10)
            seen = []

            @asynccontextmanager
            async def killed_while_seen(served):
                async with killed(served):
                    yield
                    await viewer.shows(30)
                    seen.append(await served.health())

            seconds = await goes_through_it(served, lesson, killed_while_seen)
            assert seconds < RECOVERED_SECONDS
            ((_, parts),) = seen
            assert parts["postgresql"] != "ok"
            assert parts["media"] == "ok"

            async def is_ready():
                return await served.health() == (200, parts | {"postgresql": "ok", "leases": "ok"})

            await eventually(is_ready)
        finally:
            await publisher.close()
            await viewer.close()
