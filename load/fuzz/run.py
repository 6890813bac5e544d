"""The run: generations of classes, many connections at a time, one look at the server after each.

A generation opens a few sessions, fuzzes them, holds an ordinary class in each, ends it and
verifies its log; the next one starts anew. What a long class keeps lawfully cannot hide a leak so.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from random import Random
from urllib.parse import urlsplit

from load.fuzz.due import due
from load.fuzz.hostile import hostile
from load.fuzz.player import Played, play
from load.fuzz.report import Report
from load.fuzz.rooms import Person, Room
from load.fuzz.scripts import WELCOME, Pause, Say, Script, Step, encode, mutated, valid
from load.fuzz.server import Server
from protocol.frames import EventsFrame, ServerFrame, Welcome

AT_ONCE = 48
SLOW_AT_ONCE = 64
ROOMS = 4
FRAMES_EACH_GENERATION = 25_000
_TALK_SECONDS = 0.5
_QUIET_SECONDS = 20.0
_PROGRESS_SECONDS = 5.0
_HAS_TIME_FRAMES = 100_000
"""From this size on a run has time for those who take theirs all the while."""
_EARLY = 60
"""In a shorter one its first connections have."""
_UNLOAD_SECONDS = 150.0


class Run:
    """Fuzzes one server until so many frames are sent."""

    def __init__(self, server: Server, report: Report, only: int | None = None) -> None:
        self._server = server
        self._report = report
        self._only = only
        address = urlsplit(server.demo.ready.url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._next = 0
        self._shown = time.monotonic()
        self._started = time.monotonic()
        self._slow = asyncio.Semaphore(SLOW_AT_ONCE)
        self._verifying = asyncio.Semaphore(2)

    async def run(self) -> None:
        """Send everything; the report has the rest."""
        report = self._report
        async with asyncio.TaskGroup() as later:
            while True:
                rooms = await self._generation(later)
                report.seconds = time.monotonic() - self._started
                for room in rooms:
                    later.create_task(self._verify(room))
                if vitals := self._server.vitals():
                    report.looks.append((report.sent, vitals))
                if self._only is not None or report.sent >= report.wanted:
                    break
                if report.broken > 200:
                    report.fault("stopped early: too much goes wrong")
                    break
        await self._look_around()
        report.judge()
        report.seconds = time.monotonic() - self._started

    # ------------------------------------------------------------ one generation

    async def _generation(self, later: asyncio.TaskGroup) -> list[Room]:
        """Fuzz a few classes; those who take their time go on in ``later``."""
        report = self._report
        rng = Random(f"{report.seed}/rooms/{report.sessions}")
        rooms = []
        for number in range(ROOMS):
            session = await self._server.open_session(f"Fuzz {report.sessions + number}")
            rooms.append(Room(session, self._server.mint, rng))
        report.sessions += len(rooms)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as watchers:
            for room in rooms:
                watchers.create_task(self._watch(room, over))
            async with asyncio.timeout(_QUIET_SECONDS):
                for room in rooms:
                    await room.started.wait()
            end = min(report.wanted, report.sent + FRAMES_EACH_GENERATION)
            await self._fuzz(rooms, end, later)
            over.set()
        await asyncio.gather(*(self._hold_ordinary_class(room) for room in rooms))
        return rooms

    async def _fuzz(self, rooms: list[Room], end: int, later: asyncio.TaskGroup) -> None:
        slots = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as connections:
            if self._only is not None:
                script, rng = self._draw(self._only, rooms)
                await slots.acquire()
                await self._connect(self._only, script, rng, slots)
                return
            while self._report.sent < end:
                number, self._next = self._next, self._next + 1
                script, rng = self._draw(number, rooms)
                if script.is_slow:
                    await self._slow.acquire()
                    later.create_task(self._connect(number, script, rng, self._slow))
                else:
                    await slots.acquire()
                    connections.create_task(self._connect(number, script, rng, slots))
                self._show_progress()

    def _draw(self, number: int, rooms: list[Room]) -> tuple[Script, Random]:
        """Return what the connection of this number does: the seed and the number decide."""
        rng = Random(f"{self._report.seed}/{number}")
        room = rooms[rng.randrange(len(rooms))]
        return self._script(rng, room, number), rng

    async def _connect(
        self, number: int, script: Script, rng: Random, slots: asyncio.Semaphore
    ) -> None:
        """Play a script, and give back the slot."""
        try:
            played = await play(script, self._host, self._port, rng)
        finally:
            slots.release()
        self._report.add(number, played)
        for violation in played.violations[:1]:
            sys.stderr.write(f"connection {number} ({script.kind}): {violation[:300]}\n")

    def _script(self, rng: Random, room: Room, number: int) -> Script:
        """Return what a connection does: about half of all frames are valid."""
        draw = rng.random()
        if draw < 0.36:
            return valid(rng, room)
        if draw < 0.80:
            return mutated(rng, room)
        has_time = self._report.wanted >= _HAS_TIME_FRAMES or number < _EARLY
        return hostile(rng, room, has_time=has_time)

    # ------------------------------------------------------------ who keeps to the rules

    async def _watch(self, room: Room, over: asyncio.Event) -> None:
        """Be the teacher: start the class, hear everything, talk; nothing may disturb it."""

        def steps() -> Iterator[Step]:
            yield Say(encode({"type": "hello", "token": room.teacher.token}), WELCOME)
            yield _command(1, "session.start")
            line = 1
            while not over.is_set():
                yield Pause(_TALK_SECONDS)
                line += 1
                yield _command(line, "chat.post", text=f"line {line}")

        def hear(frame: ServerFrame) -> None:
            if isinstance(frame, Welcome):
                room.log = frame.log
            elif isinstance(frame, EventsFrame):
                room.known.hear(frame)
                room.started.set()

        script = Script("class", room, room.teacher, steps())
        played = await play(script, self._host, self._port, Random(0), hear)
        room.started.set()
        if played.end != "left" and not room.is_archiving:
            played.violations.append(f"the teacher's connection ended: {played.end}")
        lines = played.outcomes.get(1), *(played.outcomes[number] for number in played.outcomes)
        if not room.is_ending and set(lines) - {"ack", "unknown_op"}:
            played.violations.append(f"the teacher was refused: {set(lines)}")
        self._report.add(-1, played)

    async def _hold_ordinary_class(self, room: Room) -> None:
        """A teacher opens what was closed, somebody new comes and speaks, the class is ended."""
        opened = await self._say(
            room,
            room.teacher,
            _command(1, "session.unlock"),
            _command(2, "chat.configure", enabled=True, slow_mode_s=0, staff_only=False),
            _command(3, "chat.post", text="Can you hear me?"),
        )
        student = await self._say(room, room.newcomer(), _command(1, "chat.post", text="Yes."))
        was_ending, room.is_ending = room.is_ending, True
        ended = await self._say(room, room.teacher, _command(1, "session.end"))
        if was_ending:
            return
        for what, played, number in (
            ("a teacher's line", opened, 3), ("a student's line", student, 1),
            ("the end", ended, 1),
        ):  # fmt: skip
            if played.outcomes.get(number) != "ack":
                self._report.fault(f"{room.session}: {what}: {played.outcomes.get(number)}")

    async def _say(self, room: Room, person: Person, *commands: Say) -> Played:
        greeting = Say(encode({"type": "hello", "token": person.token}), WELCOME)
        script = Script("class", room, person, iter((greeting, *commands)))
        played = await play(script, self._host, self._port, Random(0))
        self._report.add(-1, played)
        return played

    # ------------------------------------------------------------ the server as a whole

    async def _verify(self, room: Room) -> None:
        async with self._verifying:
            verdict = await self._server.verify(room.session)
        words = verdict.split()
        if not verdict.startswith("ok") or int(words[1]) < room.highest:
            self._report.fault(f"{room.session}: up to {room.highest} was told, verify: {verdict}")
        else:
            self._report.verified_events += int(words[1])

    async def _look_around(self) -> None:
        """Look at everything that a healthy server shows when all have gone."""
        server, report = self._server, self._report
        is_long = report.wanted >= _HAS_TIME_FRAMES
        quiet = {"liveclass_sockets": 0, "liveclass_peers_behind": 0,
                 "liveclass_projector_lag_events": 0, "liveclass_projector_stopped": 0}  # fmt: skip
        if is_long:
            quiet["liveclass_sessions_live"] = 0
        deadline = time.monotonic() + (_UNLOAD_SECONDS if is_long else _QUIET_SECONDS)
        while True:
            seen = await server.metrics()
            wrong = {
                name: seen.get(name) for name, value in quiet.items() if seen.get(name) != value
            }
            is_hopeless = "liveclass_projector_stopped" in wrong
            if not wrong or is_hopeless or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
        if wrong:
            report.fault(f"after everybody has gone: {wrong}")
        if (state := await server.is_ready()) != "ok":
            report.fault(f"not ready: {state}")
        for record, count in server.complaints().most_common():
            report.fault(f"{count} × in the server's log: {record}")
        if (vitals := server.vitals()) and report.looks:
            report.looks.append((report.sent, vitals))

    def _show_progress(self) -> None:
        now = time.monotonic()
        if now - self._shown < _PROGRESS_SECONDS:
            return
        self._shown = now
        report = self._report
        took = now - self._started
        memory = f" · hub {report.looks[-1][1].hub_mib:.0f} MiB" if report.looks else ""
        sys.stderr.write(
            f"{report.sent:>9,} of {report.wanted:,} frames · {report.sent / took:,.0f}/s · "
            f"{report.connections:,} connections · {report.broken} broken{memory}\n"
        )


def _command(number: int, op: str, **data: object) -> Say:
    key = f"class-{number}-{time.time_ns()}"
    frame = {"type": "command", "id": number, "key": key, "op": op, "data": data}
    payload = encode(frame)
    return Say(payload, due(payload))
