"""What the people of a class saw, held against its log.

From the clients' own records alone: every command that was acked is in the log once, where the
answer said; what was refused is not; what was acked before another was sent comes before it; and
each client was told exactly what its view shows of the log, in order, whatever died meanwhile.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

from load.connection import Connection
from protocol import commands as cmd
from protocol.frames import Ack, Nack
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.hub.asks import Perform, Who
from server.hub.draft import stored_key
from server.hub.history import recall, shown


@dataclass(frozen=True)
class Asked:
    """One command of one person: when it was sent first, and when and how it was answered."""

    user: str
    sent_at: float
    answered_at: float
    command: object
    answer: Ack | Nack


@dataclass
class Witness:
    """One client and everything that it was told."""

    name: str
    view: str
    connection: Connection | None = None
    asked: list[Asked] = field(default_factory=list)
    frames: list[dict] = field(default_factory=list)
    welcomes: int = 0
    user: str = ""

    @classmethod
    def comes(cls, http, url, token, name, view, tasks) -> "Witness":
        """Connect somebody who comes back by themselves."""
        self = cls(name, view)
        rng = random.Random(name)
        self.connection = Connection(http, url, token, rng=rng, on_frame=self.heard)
        tasks.start(name, self.connection.run())
        return self

    def heard(self, data: bytes) -> None:
        """Keep what concerns the log: to be given to the connection as ``on_frame``."""
        frame = json.loads(data)
        match frame["type"]:
            case "events" | "snapshot":
                self.frames.append(frame)
            case "welcome":
                self.welcomes += 1
                self.user = frame["me"]["user"]
                self.frames.append({"type": "welcome", "recovery": frame["recovery"]})

    @classmethod
    def of_demo(cls, http, demo, times, tasks) -> "list[Witness]":
        """Connect everybody for whom ``demo`` has a token, ``times`` over; the teacher first."""
        tokens = demo.ready["tokens"]
        url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}/live"
        staff = [("staff", tokens["teacher"]), ("staff", tokens["assistant"])]
        everybody = (staff + [("student", token) for token in tokens["students"]]) * times
        return [
            cls.comes(http, url, token, f"{view} {number}", view, tasks)
            for number, (view, token) in enumerate(everybody)
        ]

    async def say(self, command, seconds: float = 60.0) -> Ack | Nack:
        sent_at = time.monotonic()
        answer = await self.connection.say(command, timeout_seconds=seconds)
        self.asked.append(Asked(self.user, sent_at, time.monotonic(), command, answer))
        return answer


async def settled(witnesses, seconds: float = 30.0) -> None:
    """Wait until every command is answered and everybody has heard of the last one."""
    async with asyncio.timeout(seconds):
        while any(each.connection.client.unanswered for each in witnesses):
            await asyncio.sleep(0.05)
    last = await witnesses[0].say(cmd.ChatPost("the last word"))
    for each in witnesses:
        is_there = lambda client: client.position >= last.sequence[1]  # noqa: E731
        assert await each.connection.until(is_there, seconds), f"{each.name} has not heard the end"
        assert each.connection.client.gaps == 0


async def whole_log(reader, session):
    stored = []
    while page := await reader.read(session, len(stored)):
        stored += page
    return stored


def violations(stored, witnesses) -> list[str]:
    """Return what is wrong, in words; nothing if the class was one class for everybody."""
    found = []
    if [event.sequence for event in stored] != list(range(1, len(stored) + 1)):
        found.append("the log has a gap")
    by_key = {}
    for event in stored:
        if event.key is not None:
            if event.key in by_key:
                found.append(f"a key is in the log twice: {event.sequence}")
            by_key[event.key] = event.sequence
    found += _answers(by_key, len(stored), witnesses)
    found += _real_time(witnesses)
    for witness in witnesses:
        found += _told(stored, witness)
    states = {}
    for witness in witnesses:
        client = witness.connection.client
        if client.position == len(stored):
            first = states.setdefault(witness.view, (witness.name, client.state))
            if first[1] != client.state:
                found.append(f"{witness.name} and {first[0]} see different classes")
    return found


def _answers(by_key, head, witnesses):
    for witness in witnesses:
        for each in witness.asked:
            who = Who(each.user, "", "student")
            key = stored_key(Perform(who, each.answer.key, each.command, None, lambda _: None))
            at = by_key.get(key)
            match each.answer:
                case Ack(sequence=(first, last)):
                    if at != first:
                        yield f"{witness.name}: acked at {first}, in the log at {at}"
                    if last > head:
                        yield f"{witness.name}: acked at {last}, the log ends at {head}"
                case Ack():
                    if at is not None:
                        yield f"{witness.name}: acked as nothing, in the log at {at}"
                case Nack():
                    if at is not None:
                        yield f"{witness.name}: refused ({each.answer.code}), in the log at {at}"


def _real_time(witnesses):
    acked = sorted(
        (
            each
            for witness in witnesses
            for each in witness.asked
            if isinstance(each.answer, Ack) and each.answer.sequence and not each.answer.duplicate
        ),
        key=lambda each: each.sent_at,
    )
    # Of all that were answered before a command was sent, none may come later in the log.
    answered = sorted(acked, key=lambda each: each.answered_at)
    done, highest = 0, 0
    for each in acked:
        while done < len(answered) and answered[done].answered_at < each.sent_at:
            highest = max(highest, answered[done].answer.sequence[1])
            done += 1
        if each.answer.sequence[0] <= highest:
            yield f"{each.answer.sequence[0]} was sent after {highest} was acked"


def _told(stored, witness):
    """Compare frame by frame with what the view shows of the log, blanked as it was at the end."""
    state = Classroom()
    for event in stored:
        recorded = recall(event)
        if recorded is not None:
            state = evolve(
                state, recorded.event, sequence=recorded.sequence, at=recorded.at, by=recorded.by
            )
    visible = {
        sequence: json.loads(data) for sequence, data in shown(stored, witness.view, frozenset())
    }
    blank = {
        sequence: json.loads(data) for sequence, data in shown(stored, witness.view, state.blanked)
    }
    position = None
    for frame in witness.frames:
        match frame["type"]:
            case "welcome" if frame["recovery"] == "snapshot":
                position = None
            case "snapshot":
                position = frame["sequence"]
            case "events":
                first, last = frame["from"], frame["to"]
                if position is None or first > position + 1:
                    yield f"{witness.name}: events from {first} after {position}"
                told = {each["sequence"]: each for each in frame["events"]}
                if list(told) != sorted(told):
                    yield f"{witness.name}: events out of order in {first}–{last}"
                wanted = [n for n in range(first, min(last, len(stored)) + 1) if n in visible]
                if list(told) != wanted:
                    yield f"{witness.name}: told {list(told)} of {first}–{last}, not {wanted}"
                for sequence, each in told.items():
                    each.pop("key", None)
                    if each not in (visible.get(sequence), blank.get(sequence)):
                        yield f"{witness.name}: event {sequence} is not that of the log"
                position = max(position or 0, last)
