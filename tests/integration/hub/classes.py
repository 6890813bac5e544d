"""A class that is driven without sockets: its room, opened and closed at will."""

import asyncio

from protocol import commands as cmd
from server.hub.asks import Arrive, Perform, Who
from server.hub.past import Past
from server.hub.seating import Place
from server.ids import new_id
from server.store import installation
from tests.patience import PATIENCE


class Class:
    """One session on a node, its people, and what they were answered."""

    def __init__(self, node, session, tenant, log):
        self.node, self.session = node, session
        self.place = Place(session, tenant, log)
        self.tess = Who(new_id(), "Tess", "teacher")
        self.ann, self.bob = Who(new_id(), "Ann", "student"), Who(new_id(), "Bob", "student")

    @classmethod
    async def start(cls, node, school):
        log = (await installation.read(node.pools)).log
        self = cls(node, await school.session(), school.tenant, log)
        room = await self.open()
        for who in (self.tess, self.ann, self.bob):
            room.submit(Arrive(who))
        await self.does(self.tess, cmd.SessionStart())
        return self

    @property
    def room(self):
        return self.node.hub.find(self.session)

    async def open(self):
        return await self.node.hub.room(self.place)

    async def close(self):
        task = self.node.hub._running[self.session]
        task.cancel()
        await asyncio.wait((task,))
        await self.node.hub.snapshots.settle()

    async def does(self, who, command, key=None):
        """Return the outcome of a command."""
        answer = asyncio.get_running_loop().create_future()
        self.room.submit(Perform(who, key or new_id(), command, None, answer.set_result))
        return await asyncio.wait_for(answer, PATIENCE)

    async def chats(self, count, *, at_once=100):
        for start in range(0, count, at_once):
            lines = (cmd.ChatPost(f"line {n}") for n in range(start, min(start + at_once, count)))
            await asyncio.gather(*(self.does(self.bob, line) for line in lines))

    async def does_a_little_of_everything(self):
        await self.does(self.tess, cmd.PollOpen("2+2?", ("3", "4"), correct=(1,)))
        (poll,) = self.room.state.polls
        for who, command in [
            (self.ann, cmd.PollVote(poll, (1,))),
            (self.bob, cmd.PollVote(poll, (0,))),
            (self.ann, cmd.HandRaise()),
            (self.ann, cmd.ChatPost("to staff", to="staff")),
            (self.bob, cmd.QuestionAsk("why?")),
            (self.tess, cmd.PollClose(poll)),
            (self.tess, cmd.PollPublish(poll)),
            (self.bob, cmd.ChatPost("two")),
        ]:
            await self.does(who, command)

    async def folded(self):
        """Return the past as the log alone tells it."""
        past = Past(self.session)
        await self.node.hub.snapshots.read_on(self.session, past)
        return past


def snapshots_of(room):
    """Return the snapshot frame of each view."""
    return {view.audience: view.snapshot for view in room.seating.views.values()}
