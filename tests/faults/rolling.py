"""Classes in which everybody talks while servers come and go, and how soon they are live again."""

import asyncio
import json
import random
import time
from contextlib import suppress

import aiohttp

from protocol import commands as cmd
from protocol.frames import Ack
from server.store.log import LogReader
from server.tasks import Supervisor
from tests.faults.check import violations
from tests.faults.history import Fault
from tests.faults.recorder import Clock, Recorder
from tests.faults.servers import Servers
from tests.faults.story import tell
from tests.faults.witness import Identity, Witness, identity_of, settled


class Returns:
    """When each person was told to go, or lost the connection, until they were live again."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.byes: list[dict] = []
        self._since: dict[str, float] = {}

    def hears(self, name: str):
        """Return what takes the frames of a person."""

        def hear(data: bytes) -> None:
            if data.startswith(b'{"type":"bye"'):
                self._since[name] = time.monotonic()
                self.byes.append(json.loads(data))
            elif data.startswith(b'{"type":"welcome"') and name in self._since:
                self.seconds.append(time.monotonic() - self._since.pop(name))

        return hear

    @property
    def away(self) -> int:
        """How many have not come back."""
        return len(self._since)


class TalkingClass:
    """One class, its people at whichever server, each saying something now and again."""

    def __init__(
        self, servers: Servers, session: str, clock: Clock, http, returns: Returns, students: int
    ) -> None:
        self.session = session
        self._servers = servers
        self.recorder = Recorder(session, clock)
        self.people: list[Witness] = []
        for number in range(students + 1):
            role = "student" if number else "teacher"
            name = f"{role} {number} of {session[-4:]}"
            who: Identity = identity_of(servers.token(session, role, name))
            choose = servers.balanced(session, random.Random(name))
            self.people.append(
                Witness(self.recorder, http, choose, name, who, on_frame=returns.hears(name))
            )

    async def begin(self, tasks: Supervisor) -> None:
        for each in self.people:
            tasks.start(each.name, each.attend())
        assert isinstance(await self.people[0].say(cmd.SessionStart()), Ack)

    async def talk(self, person: Witness, pause_seconds: float) -> None:
        rng = random.Random(person.name)
        with suppress(TimeoutError):
            for line in range(1_000_000):
                await person.say(cmd.ChatPost(f"{person.name}: {line}"))
                await asyncio.sleep(pause_seconds * rng.uniform(0.5, 1.5))

    async def end(self, seconds: float = 60.0) -> list[str]:
        """Let everybody hear the last word; return what is wrong with the class, as stories."""
        last = await self.people[0].say(cmd.ChatPost("the last word"), seconds)
        missing = await settled(self.people, last.sequence[1], seconds)
        for each in self.people:
            each.finish()
        reader = LogReader(self._servers.pools)
        await self.recorder.read_log(reader)
        assert (await reader.verify(self.session)).broken is None
        history = self.recorder.history
        return missing + [tell(history, each) for each in violations(history)]


class Rolling:
    """Several talking classes on several servers."""

    def __init__(self, servers: Servers, classes: int, students: int) -> None:
        self.servers = servers
        self.returns = Returns()
        self.classes: list[TalkingClass] = []
        self._counts = classes, students
        self._clock = Clock()

    async def run(self, disturb, pause_seconds: float = 0.5) -> list[str]:
        """Hold the classes while ``disturb`` goes on; return what is wrong with them."""
        count, students = self._counts
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
            Supervisor("people") as tasks,
        ):
            for _ in range(count):
                session = await self.servers.session()
                self.classes.append(
                    TalkingClass(self.servers, session, self._clock, http, self.returns, students)
                )
            await asyncio.gather(*(each.begin(tasks) for each in self.classes))
            talking = [
                tasks.start("talk", each.talk(person, pause_seconds))
                for each in self.classes
                for person in each.people
            ]
            await asyncio.sleep(1.0)
            await disturb(self)
            await asyncio.sleep(1.0)
            assert not any(task.done() for task in talking), "somebody stopped talking"
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
            found = await asyncio.gather(*(each.end() for each in self.classes))
            return [text for texts in found for text in texts]

    @property
    def asked(self) -> int:
        """How many commands were answered."""
        return sum(len(person.asked) for each in self.classes for person in each.people)

    def note(self, name: str, target: str, began: float) -> None:
        """Remember a fault that ends now, for the stories."""
        for each in self.classes:
            each.recorder.history.faults.append(Fault(began, self._clock(), name, target))

    def now(self) -> float:
        return self._clock()


async def restart_all(rolling: Rolling) -> None:
    """Restart one server after the other, each with SIGTERM, as an operator upgrades."""
    for server in rolling.servers.all:
        began = rolling.now()
        assert await server.stop() == 0
        await server.start()
        rolling.note("restart", server.name, began)
