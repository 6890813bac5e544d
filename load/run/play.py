"""What happens in the classes, and when: joins, habits, polls, losses, storms, intruders.

Everything is put on the agenda with the moment when it is due; nothing here waits for an answer.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from load.report import Report as Account
from load.run import messages
from load.run.acts import Teaching, student_does, vote
from load.run.agenda import Agenda
from load.run.hall import Hall
from load.run.intruder import Intruder, spoilt
from load.run.messages import Begin, Recovered, Room
from load.run.person import Person
from load.run.profiles import PROFILES, StudentHabit, TeacherAct, at_pace

_SECOND = 1_000_000_000
_AWAY_SECONDS = (0.0, 5.0)
_STALL_SECONDS = (20.0, 40.0)
_STALL_EVERY_SECONDS = 60.0
_OPEN = 1.3
"""A poll is open for so much longer than votes are cast."""


class Group:
    """A class with those of its people who are played here."""

    def __init__(self, hall: Hall, room: Room) -> None:
        self.hall = hall
        self.room = room
        self.students: list[Person] = []
        self.teaching: Teaching | None = None

    @property
    def people(self) -> list[Person]:
        """The teacher too, if they are played here."""
        return self.students + ([self.teaching.person] if self.teaching else [])


class Play:
    """Puts a whole run on the agenda."""

    def __init__(
        self,
        begin: Begin,
        groups: Sequence[Group],
        agenda: Agenda,
        account: Account,
        tell: Callable[[messages.Report], None],
    ) -> None:
        self.joined = 0
        self._tasks: asyncio.TaskGroup | None = None
        self._behaviour = begin.behaviour
        self._profile = at_pace(PROFILES[begin.behaviour.profile], begin.behaviour.pace)
        self._rng = random.Random(f"{begin.seed} {begin.worker}")
        self._groups = groups
        self._agenda = agenda
        self._account = account
        self._tell = tell
        self._is_over = False

    def begin(self, start_ns: int, tasks: asyncio.TaskGroup) -> None:
        """Plan everything from ``start_ns`` on; people are among ``tasks`` as they come."""
        self._tasks = tasks
        for group in self._groups:
            if group.teaching is not None:
                self._agenda.at(start_ns, self._join(group.teaching.person))
                self._teach(group.teaching, start_ns)
            self._attend(group, start_ns)
        for storm in self._behaviour.storms:
            self._agenda.at(start_ns + round(storm.at_seconds * _SECOND), self._strike(storm))

    def end(self) -> None:
        """Let nothing happen any more."""
        self._is_over = True
        self._agenda.clear()

    def poll_opened(self, hall: Hall, poll: str, options: int, due_ns: int | None) -> None:
        """Let everybody who is here vote within the time that the profile gives them."""
        polls = self._profile.polls
        if polls is None or self._is_over:
            return
        now = time.monotonic_ns()
        opened = now if due_ns is None else due_ns
        for person in next(group for group in self._groups if group.hall is hall).students:
            if person.is_live and self._rng.random() < polls.turnout:
                due = opened + round(self._rng.uniform(0, polls.within_seconds) * _SECOND)
                # Whoever learns of it late is no later than that.
                self._agenda.at(max(due, now), self._vote(person, poll, options))

    # ------------------------------------------------------------ students

    def _attend(self, group: Group, start_ns: int) -> None:
        agenda, behaviour, rng = self._agenda, self._behaviour, self._rng
        for person, seat in zip(group.students, group.room.seats, strict=True):
            joins_ns = start_ns + round(seat.joins_seconds * _SECOND)
            agenda.at(joins_ns, self._join(person))
            if rng.random() < behaviour.intruders:
                agenda.at(joins_ns, self._intrude(group.room, seat.token))
            if person.nature == "stalling":
                agenda.again_and_again(1 / _STALL_EVERY_SECONDS, joins_ns, rng, self._stall(person))
        if not group.students:
            return
        part = len(group.students) / group.room.size
        for habit in self._profile.students:
            rate = habit.of_class(group.room.size) * part
            agenda.again_and_again(rate, start_ns, rng, self._act(group, habit))
        rate = behaviour.churn_per_second * len(group.students)
        agenda.again_and_again(rate, start_ns, rng, self._lose(group))

    def _join(self, person: Person) -> Callable[[int], None]:
        def join(due_ns: int) -> None:
            self.joined += 1
            self._start(person.attend(due_ns))

        return join

    def _act(self, group: Group, habit: StudentHabit) -> Callable[[int], None]:
        def act(due_ns: int) -> None:
            person = self._rng.choice(group.students)
            if person.has_joined and not person.away:
                student_does(habit.act, person, due_ns, self._profile.slow_mode_s)

        return act

    def _vote(self, person: Person, poll: str, options: int) -> Callable[[int], None]:
        return lambda due_ns: vote(person, poll, options, due_ns)

    def _lose(self, group: Group) -> Callable[[int], None]:
        def lose(due_ns: int) -> None:
            person = self._rng.choice(group.students)
            if person.drop(due_ns, self._rng.uniform(*_AWAY_SECONDS)):
                self._account.counts["connections dropped by us"] += 1

        return lose

    def _stall(self, person: Person) -> Callable[[int], None]:
        def stall(_: int) -> None:
            person.stall(self._rng.uniform(*_STALL_SECONDS))
            self._account.counts["stalls"] += 1

        return stall

    # ------------------------------------------------------------ the teacher

    def _teach(self, teaching: Teaching, start_ns: int) -> None:
        agenda, profile = self._agenda, self._profile
        agenda.at(start_ns, lambda due_ns: teaching.set_up(due_ns, profile.slow_mode_s))
        for habit in profile.teacher:
            act = habit.act

            def does(due_ns: int, act: TeacherAct = act) -> None:
                teaching.does(act, due_ns)

            agenda.again_and_again(habit.per_minute / 60, start_ns, self._rng, does)
        polls = profile.polls
        if polls is None:
            return
        every = round(polls.every_seconds * _SECOND)
        open_ns = round(polls.within_seconds * _OPEN * _SECOND)

        def ask(due_ns: int) -> None:
            teaching.open_poll(due_ns)
            agenda.at(due_ns + open_ns, teaching.close_polls)
            agenda.at(due_ns + every, ask)

        agenda.at(start_ns + every // 3, ask)

    # ------------------------------------------------------------ what goes wrong

    def _strike(self, storm: messages.Storm) -> Callable[[int], None]:
        def strike(due_ns: int) -> None:
            hit = missing = 0

            def is_back() -> None:
                nonlocal missing
                missing -= 1
                if not missing:
                    took = (time.monotonic_ns() - due_ns) / 1e6
                    self._tell(Recovered(storm.at_seconds, hit, took))

            for group in self._groups:
                for person in group.people:
                    if self._rng.random() >= storm.share:
                        continue
                    timed = is_back if person.is_timed else None
                    if person.drop(due_ns, None, timed) and timed is not None:
                        missing += 1
            hit = missing
            if not hit:
                self._tell(Recovered(storm.at_seconds, 0, 0.0))
            self._account.counts["connections lost in storms"] += hit

        return strike

    def _intrude(self, room: Room, token: str) -> Callable[[int], None]:
        def intrude(_: int) -> None:
            bad = spoilt(token, room.foreign_token, self._rng)
            self._start(Intruder(self._account).attempt(room.live_url, bad))

        return intrude

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks is not None
        self._tasks.create_task(work)
