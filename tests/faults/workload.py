"""What the people of a class do: everything that the protocol knows, from a seed, without end.

Staff and students, on one device or two, on any node; in and out of the lobby; sending a command
again by the same key, on this device or another; coming back from where they were, from further
back, from nothing. What they say is ``tests.faults.speech``.
"""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Callable
from itertools import cycle, islice
from typing import NamedTuple

import aiohttp
import msgspec

from load.fuzz.rooms import Mint
from protocol import commands as cmd
from protocol.commands import COMMANDS, AnyCommand
from protocol.frames import Ack
from server.tasks import Supervisor
from tests.faults.history import Asked
from tests.faults.recorder import Clock, Recorder
from tests.faults.speech import Did, Speech
from tests.faults.witness import Identity, Witness, settled

REPEAT, RETURN, BURST = 0.06, 0.02, 0.05
"""How often somebody sends a command again, loses their connection, sends several at once."""
AHEAD = 1_000_000
BEGIN_SECONDS = 120.0


class Crowd(NamedTuple):
    """How many there are in a class."""

    students: int = 40
    more_devices: int = 8
    newcomers: int = 4
    """Who comes later: into the lobby, if the class is locked then; for some it is."""


class Lesson:
    """One class, and everybody in it, who do whatever is in ``ops``.

    ``pace`` is how long a student thinks, in seconds.
    """

    def __init__(
        self,
        session: str,
        mint: Mint,
        *,
        http: aiohttp.ClientSession,
        choose: Callable[[str], tuple[str, str]],
        clock: Clock,
        rng: random.Random,
        did: Did,
        tasks: Supervisor,
        pace: float,
        destinations: tuple[str, ...] = (),
        ops: frozenset[str] = frozenset(COMMANDS),
    ) -> None:
        self.session, self.tenant = session, mint.tenant
        self.recorder = Recorder(session, clock)
        self.people: list[Witness] = []
        self.pace = pace
        self._mint, self._http, self._rng = mint, http, rng
        self._choose = lambda: choose(session)
        self.did = did
        self._tasks = tasks
        self._acting: list[asyncio.Task[None]] = []
        self._speech = Speech(rng, ops, destinations)
        # An admin is above everybody: whatever staff do to each other can be undone.
        self.warden = self.comes("admin", on_frame=self._speech.learn)

    # ------------------------------------------------------------ who is here

    def comes(
        self,
        role: str,
        *,
        who: Identity | None = None,
        choose: Callable[[], tuple[str, str]] | None = None,
        on_frame: Callable[[bytes], None] = lambda _: None,
    ) -> Witness:
        """Let somebody come, or somebody who is here already with one more device."""
        if who is None:
            user = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
            token = self._mint.token(user, role, self.session)
            who = Identity(user, f"{role} {user[:8]}", role, token)
        name = f"{who.called} #{len(self.people)}"
        witness = Witness(
            self.recorder, self._http, choose or self._choose, name, who, on_frame=on_frame
        )
        self.people.append(witness)
        self._tasks.start(name, witness.attend())
        return witness

    async def begin(self, crowd: Crowd) -> None:
        """Fill the class, start it, and let everybody act."""
        for role in ("teacher", "assistant", "assistant"):
            self.comes(role)
        students = [self.comes("student") for _ in range(crowd.students)]
        for each in islice(cycle((*students, *self.people[1:3])), crowd.more_devices):
            self.comes(each.who.role, who=each.who)
        answer = await self.warden.say(cmd.SessionStart(), BEGIN_SECONDS)
        assert isinstance(answer, Ack), answer
        self.did.note("session.start", answer)
        self._acting = [self._tasks.start("act", self._act(each)) for each in self.people]
        self._acting.append(self._tasks.start("warden", self._keep_going()))
        self._acting.append(self._tasks.start("newcomers", self._come(crowd.newcomers)))

    async def rest(self) -> None:
        """Let nobody act any more."""
        assert not any(task.done() for task in self._acting[:-1]), "somebody stopped acting"
        for task in self._acting:
            task.cancel()
        await asyncio.gather(*self._acting, return_exceptions=True)

    async def become_whole(self, seconds: float) -> None:
        """See that the class takes a command, and that everybody hears of it, in time."""
        failed = self.recorder.history.failed
        begun = self.recorder.clock()
        try:
            last = await self.warden.say(cmd.ChatPost("the last word"), seconds)
        except TimeoutError:
            text = f"the class takes no command for {seconds:.0f} s after the last fault"
            failed.append(f"{text}: {self.warden.describe()}")
            failed += await settled(self.people, 0, 1)
            return
        if not isinstance(last, Ack) or last.sequence is None:
            failed.append(f"the class refuses the last word: {last}")
            return
        left = seconds - (self.recorder.clock() - begun)
        failed += await settled(self.people, last.sequence[1], left)
        for each in self.people:
            each.finish()

    # ------------------------------------------------------------ what they do

    async def _act(self, person: Witness) -> None:
        rng = random.Random(self._rng.random())
        pace = self.pace * (0.4 if person.view == "staff" else 1.0)
        checkpoint = None
        while True:
            await asyncio.sleep(pace * rng.uniform(0.2, 1.8))
            if person.is_out or person.connection.client.state is None:
                continue
            draw = rng.random()
            if draw < REPEAT:
                await self._repeat(person, rng)
            elif draw < REPEAT + RETURN:
                checkpoint = await self._return(person, rng, checkpoint)
            elif draw < REPEAT + RETURN + BURST:
                await asyncio.gather(*(self._say(person, rng) for _ in range(rng.randint(2, 4))))
            else:
                await self._say(person, rng)

    async def _say(self, person: Witness, rng: random.Random) -> None:
        command = self._speech.draw(person, self.people, rng)
        if command is None:
            return
        expect = None
        if rng.random() < 0.05:
            expect = max(1, person.connection.client.position - rng.choice((0, 0, 1, 5)))
        await self._send(person, command, expect=expect)

    async def _repeat(self, person: Witness, rng: random.Random) -> None:
        """Send one of the last commands of this person again, whichever device sent it first."""
        devices = [each for each in self.people if each.who.user == person.who.user]
        asked: list[Asked] = [each for device in devices for each in device.asked[-5:]]
        asked = [each for each in asked if not person.is_asking(each.key)]
        if not asked:
            return
        again = rng.choice(asked)
        if rng.random() < 0.5:
            person.connection.drop(rng.uniform(0, 0.5))
        command = msgspec.json.decode(again.data, type=COMMANDS[again.op])
        await self._send(person, command, key=again.key, expect=again.expect)

    async def _return(self, person: Witness, rng: random.Random, checkpoint):
        """Lose the connection in one of many ways; return what to go back to another time."""
        offline = rng.uniform(0.1, 1.5)
        match rng.randrange(5):
            case 0:
                person.connection.drop(offline)
            case 1:
                await person.come_back_from(None, offline)
            case 2 if checkpoint is not None and not person.connection.client.unanswered:
                await person.come_back_from(checkpoint, offline)
            case 3 if (ahead := person.checkpoint()) is not None:
                # Of a database that was restored: what they know never was.
                await person.come_back_from(ahead._replace(position=AHEAD), offline)
            case _:
                return person.checkpoint()
        return checkpoint

    async def _send(
        self, person: Witness, command: AnyCommand, *, key: str | None = None, expect: int | None
    ) -> None:
        with contextlib.suppress(TimeoutError):
            answer = await person.say(command, key=key, expect=expect)
            self.did.note(command.op, answer)

    async def _keep_going(self) -> None:
        """Let in, let back, unmute and unlock: so that the class does not run dry."""
        rng = random.Random(self._rng.random())
        undo = {"removed": cmd.ParticipantAdmit, "denied": cmd.ParticipantAdmit,
                "waiting": cmd.ParticipantAdmit, "banned": cmd.ParticipantUnban}  # fmt: skip
        roles = {each.who.user: each.who.role for each in self.people if each is not self.warden}
        while True:
            await asyncio.sleep(rng.uniform(0.5, 1.5))
            state = self.warden.connection.client.state
            if state is None or self.warden.is_out:
                continue
            wishes: list[AnyCommand] = []
            for user, person in state.people.items():
                if person.status == "waiting" and rng.random() < 0.1:
                    wishes.append(cmd.ParticipantDeny(user))
                elif person.status in undo and rng.random() < 0.4:
                    wishes.append(undo[person.status](user))
                elif person.muted_until is not None and rng.random() < 0.3:
                    wishes.append(cmd.ParticipantUnmute(user))
                elif person.role != roles.get(user, person.role) and rng.random() < 0.2:
                    wishes.append(cmd.ParticipantSetRole(user, roles[user]))
            if state.locked and rng.random() < 0.2:
                wishes.append(cmd.SessionUnlock())
            if rng.random() < 0.1:
                wishes.append(cmd.ChatConfigure(enabled=True, slow_mode_s=0, staff_only=False))
            for wish in wishes[:4]:
                await self._send(self.warden, wish, expect=None)

    async def _come(self, newcomers: int) -> None:
        for _ in range(newcomers):
            await asyncio.sleep(self._rng.uniform(2, 10))
            if self._rng.random() < 0.3:
                await self._send(self.warden, cmd.SessionLock(), expect=None)
            witness = self.comes("student")
            self._acting.insert(0, self._tasks.start("act", self._act(witness)))
