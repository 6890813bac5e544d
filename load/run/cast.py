"""Everybody whom one worker plays, from the first join to the last comparison."""

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable

from load.latencies import Latencies
from load.ledger import state_bytes
from load.report import Report as Account
from load.run import messages
from load.run.acts import Teaching
from load.run.agenda import Agenda
from load.run.attendee import Nature
from load.run.hall import Hall
from load.run.messages import Begin, Calm, Done, FullState, Room, RoomOutcome, Tick
from load.run.person import Person
from load.run.play import Group, Play

_AT_THE_DOOR = 160
"""A server lets so many of one address be between connecting and their hello; ours 200."""
_CALM_SECONDS = 20.0
_SETTLE_SECONDS = 40.0
_POLL_SECONDS = 0.05


class Cast:
    """Plays its people by the agenda, and reports once a second."""

    def __init__(self, begin: Begin, tell: Callable[[messages.Report], None]) -> None:
        self._begin = begin
        self._tell = tell
        self._account = Account()
        self._agenda = Agenda(self._account)
        self._doorway = asyncio.Semaphore(max(1, _AT_THE_DOOR // begin.workers))
        self._groups: list[Group] = []
        self._play = Play(begin, self._groups, self._agenda, self._account, tell)
        self._groups += [self._group(room) for room in begin.rooms]
        self._told: Counter[str] = Counter()

    def _group(self, room: Room) -> Group:
        hall = Hall(
            room.number, room.live_url, self._begin.run, self._account, self._play.poll_opened
        )
        group, behaviour = Group(hall, room), self._begin.behaviour
        for index, seat in enumerate(room.seats):
            rng = random.Random(f"{self._begin.seed} {room.number} {seat.number}")
            nature: Nature = "prompt"
            if index:  # the first of each class here sees all of it, and at once
                draw = rng.random()
                if draw < behaviour.slow:
                    nature = "slow"
                elif draw < behaviour.slow + behaviour.stalling:
                    nature = "stalling"
            person = Person(
                f"student {seat.number} of class {room.number}",
                *(hall, seat.token, rng, self._doorway),
                is_full=index == 0 or rng.random() < behaviour.full,
                nature=nature,
                twins=behaviour.twins,
            )
            group.students.append(person)
        if room.teacher is not None:
            rng = random.Random(f"{self._begin.seed} {room.number} teacher")
            name = f"teacher of class {room.number}"
            teacher = Person(name, hall, room.teacher, rng, self._doorway, is_full=True)
            group.teaching = Teaching(teacher, hall, rng)
        return group

    @property
    def _people(self) -> list[Person]:
        return [person for group in self._groups for person in group.people]

    async def play(self, start_ns: int) -> None:
        """Do what the profile says, from ``start_ns`` on, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._play.begin(start_ns, tasks)
            tasks.create_task(self._agenda.run())
            tasks.create_task(self._report(start_ns))

    async def calm(self) -> Calm:
        """Do nothing new, and wait until everything is answered."""
        self._play.end()
        for person in self._people:
            person.hurry()
        people = [person for person in self._people if person.has_joined]
        await _until(lambda: all(p.is_live and not p.unanswered for p in people), _CALM_SECONDS)
        heads = {
            group.hall.number: max((p.checker.last_acked for p in group.people), default=0)
            for group in self._groups
        }
        return Calm(sum(person.unanswered for person in people), heads)

    async def settle(self, heads: dict[int, int]) -> Done:
        """Wait until everybody has what their class has, and tell everything."""
        people = [person for person in self._people if person.has_joined]
        await _until(
            lambda: all(p.is_live and p.client.position >= heads[p.hall.number] for p in people),
            _SETTLE_SECONDS,
        )
        unsettled = self._play.joined - len(people)  # who never got in
        for person in people:
            position = person.client.position
            if not person.is_live:
                unsettled += 1
                continue
            if position < heads[person.hall.number]:
                text = f"is at {position}, the class at {heads[person.hall.number]}"
                self._account.violate(person.name, text, "lost")
            person.checker.settle(position, unanswered=person.unanswered)
        done = Done([self._outcome(group) for group in self._groups], unsettled, self._account.kept)
        self._tell(self._tick(0.0, 0.0, 1.0))
        for person in people:
            person.leave()
        return done

    def _outcome(self, group: Group) -> RoomOutcome:
        told: dict[str, list[int]] = {}
        for (_, view), seen in group.hall.ledger.seen().items():
            told[view] = [number for pair in seen.items() for number in pair]
        states = []
        for person in group.people:
            client = person.client
            if person.is_full and person.is_live and client.state is not None:
                digest = hashlib.blake2b(state_bytes(client.state), digest_size=16).hexdigest()
                view = client.view or ""
                states.append(FullState(person.name, view, client.position, digest))
        return RoomOutcome(group.hall.number, told, states)

    # ------------------------------------------------------------ once a second

    async def _report(self, start_ns: int) -> None:
        await asyncio.sleep(max(0.0, (start_ns - time.monotonic_ns()) / 1e9))
        cpu, wall, second = time.process_time(), time.perf_counter(), 0
        while True:
            second += 1
            await asyncio.sleep(max(0.0, start_ns / 1e9 + second - time.monotonic_ns() / 1e9))
            was_cpu, cpu = cpu, time.process_time()
            was_wall, wall = wall, time.perf_counter()
            at_seconds = (time.monotonic_ns() - start_ns) / 1e9
            self._tell(self._tick(at_seconds, cpu - was_cpu, wall - was_wall))
            for person in self._people:
                person.tick()

    def _tick(self, at_seconds: float, cpu_seconds: float, wall_seconds: float) -> Tick:
        account = self._account
        # The numbers so far go out; whoever records from now on finds empty ones.
        latencies = {
            "connect": account.connects,
            "ack": account.acks,
            "delivery": account.deliveries,
            "resume": account.resumes,
            "lateness": account.lateness,
        }
        account.connects, account.acks, account.deliveries = Latencies(), Latencies(), Latencies()
        account.resumes, account.lateness = Latencies(), Latencies()
        counts, self._told = account.counts - self._told, account.counts.copy()
        return Tick(
            at_seconds,
            sum(person.is_live for person in self._people),
            self._play.joined,
            dict(counts),
            dict(account.kinds),
            {name: each.pack() for name, each in latencies.items() if len(each)},
            cpu_seconds,
            wall_seconds,
        )


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until it holds, or for so long."""
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:  # noqa: ASYNC110 - no one event says so
        await asyncio.sleep(_POLL_SECONDS)
