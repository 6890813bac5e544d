"""A class in memory: the hub's own code on a log that is a list and sockets that are made of bytes.

Everything written to a socket is judged at that moment by what the log says of its person, and
afterwards as a client reads it.
"""

import asyncio
import json
from typing import NamedTuple

import msgspec

from protocol import codec
from protocol import commands as cmd
from protocol.client import Client
from protocol.errors import CloseCode
from protocol.ids import STAFF
from server.auth.tokens import Identity
from server.classroom.state import Classroom
from server.clock import SystemClock
from server.hub.asks import Perform, Who
from server.hub.connection import Connection
from server.hub.draft import Draft, Head
from server.hub.peer import Peer
from server.hub.seat import RejectedError
from server.hub.seating import Place, Seating
from server.hub.welcome import goodbye
from server.store import chain
from server.store.events import StoredEvent
from tests.strategies import FOR_STAFF, REASON, identifier

ENDLESS = 10**9
PLACE = Place(identifier(1), identifier(2), "log")
# What the protocol keeps from students, said again in another way than the code says it.
STAFF_ONLY = {
    "participant.joined", "participant.left", "participant.waiting", "participant.admitted",
    "participant.denied", "participant.unbanned", "participant.muted", "participant.unmuted",
    "participant.role_changed", "participant.grants_changed", "poll.voted", "question.upvoted",
    "question.unvoted", "question.dismissed", "feedback.marked", "note.added",
}  # fmt: skip
FELT = {"presence", "counters", "signal", "health"}


class Batch(NamedTuple):
    first: int
    last: int


class Hall:
    """What a room is to its seating and connections, without a database."""

    def __init__(self, tasks):
        self.place, self.epoch = PLACE, 1
        self.state = Classroom()
        self.head = Head(0, chain.genesis(PLACE.session), 0)
        self.log, self.batches, self.line = [], [], []
        self.wires = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.snapshots = {"staff": {}, "student": {}}
        self.seating = Seating(
            PLACE,
            committed=lambda: (self.state, self.head.sequence),
            submit=self.line.append,
            reader=self,
            clock=SystemClock(),
            tasks=tasks,
        )
        self.seating.own()

    def submit(self, ask):
        self.line.append(ask)

    def does(self, who, *commands):
        """Put commands into the line; return where their outcomes come in."""
        outcomes = []
        for command in commands:
            key = f"{who.user[-3:]}.{len(self.line)}.{self.head.sequence}"
            self.line.append(Perform(who, key, command, None, outcomes.append))
        return outcomes

    def commit(self):
        """Decide everything in line as one batch, and tell it."""
        asks, self.line[:] = [*self.line], []
        now = 1_795_338_000_000 + 1_000 * self.head.sequence
        draft = Draft(PLACE.session, self.state, self.head, now, {})
        for ask in asks:
            draft.take(ask)
        before, first = self.state, self.head.sequence + 1
        self.state, self.head = draft.state, draft.head
        for event in (event for command in draft.commands for event in command):
            self.log.append(
                StoredEvent(
                    event.sequence, event.id, event.type, event.version, event.payload, event.key,
                    event.actor, event.at_ms, event.digest,
                )
            )  # fmt: skip
        if draft.recorded:
            self.batches.append(Batch(first, self.head.sequence))
            self.seating.tell(draft.recorded, before)
            for of, view in self.seating.views.items():
                self.snapshots[of][self.head.sequence] = view.snapshot
        for ask, outcome in draft.outcomes:
            ask.answer(outcome)

    def pause_ends(self):
        """Let the pause be over after which a view is told of what shows it nothing."""
        for view in self.seating.views.values():
            view.catch_up()

    async def read(self, _session, after, limit):
        """The log, as the store's reader gives it."""
        await self.may_read.wait()
        await asyncio.sleep(0)
        return self.log[after : after + limit]

    def comes(self, who, *, resume=None, high=ENDLESS):
        """Open a connection; return its wire."""
        wire = Wire(self, who, high)
        self.wires.append(wire)
        wire.join(resume)
        return wire

    def view_of(self, user, role):
        """Return where the log says a person belongs, in words of our own; None for outside."""
        member = self.state.people.get(user)
        if member is None:
            is_waiting = self.state.locked and role not in STAFF
        else:
            role, is_waiting = member.role, member.status == "waiting"
            if member.status in ("removed", "banned", "denied"):
                return None
        return "lobby" if is_waiting else ("staff" if role in STAFF else "student")


class Wire:
    """One person's socket, which takes ``high`` bytes before it asks to wait."""

    def __init__(self, hall, who, high):
        self.hall, self.who, self.high = hall, who, high
        self.data, self.untaken, self.is_over = b"", 0, False
        self.code, self.is_resynced = None, False
        self.view = self.resume = None
        self._waiter = None
        self.peer = Peer(self, is_paused=lambda: self.is_paused, drain=self.drain, close=self.end)
        identity = Identity(
            who.user, PLACE.tenant, PLACE.session, who.role, who.name, frozenset(), 2**40
        )
        self.connection = Connection(
            room=hall, peer=self.peer, who=who, identity=identity, clock=SystemClock(),
            authenticate=_knows(identity), check=_is_there,
        )  # fmt: skip

    # ------------------------------------------------------------ what the server's side calls

    def write(self, data):
        self._judge_at_once(data)
        self.data += data
        self.untaken += len(data)

    def is_closing(self):
        return self.is_over

    def get_write_buffer_size(self):
        return self.untaken

    async def drain(self):
        if self.is_paused and not self.is_over:
            self._waiter = self._waiter or asyncio.get_running_loop().create_future()
            await self._waiter

    def end(self, code):
        if self.code is None:
            self.code = code
            self.peer.finish(goodbye(code))
            self.leaves()

    # ------------------------------------------------------------ what the person does

    def join(self, resume):
        self.resume = resume
        try:
            self.hall.seating.join(self.connection.seat, resume)
        except RejectedError as rejected:
            self.end(rejected.code)

    def leaves(self):
        self.hall.seating.leave(self.connection.seat)
        self.is_over = True
        self.takes()

    @property
    def is_paused(self):
        return self.untaken > self.high

    def takes(self, size=ENDLESS):
        self.untaken = max(0, self.untaken - size)
        if not self.is_paused and self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(None)

    def resyncs(self, back):
        """Ask again for what follows the position, or an earlier one."""
        self.is_resynced = True
        position = 0 if self.resume is None else self.resume.sequence
        for frame in parsed(self.data):
            if frame["type"] == "snapshot":
                position = frame["sequence"]
            elif frame["type"] == "events":
                position = max(position, frame["to"])
        self.hall.seating.resync(self.connection.seat, max(0, position - back))

    # ------------------------------------------------------------ what is judged

    def _judge_at_once(self, data):
        """At the moment of writing, what belongs to a view goes to who has that view now."""
        user, role = self.who.user, self.who.role
        belongs = self.hall.view_of(user, role)
        for frame in parsed(data):
            if frame["type"] == "welcome":
                self.view = frame["view"]
            if frame["type"] in ("welcome", "snapshot", "events"):
                assert self.view == belongs, f"{frame['type']} of {self.view} to {belongs}"
            if belongs is None:
                assert frame["type"] in FELT | {"mine", "ack", "nack", "bye"}

    def check(self):
        """Read everything as a client does that trusts nobody."""
        client = Client("token", new_key=lambda: "key")
        frames = [*parsed(self.data)]
        view, position, upto, moved_by = None, 0, ENDLESS, range(0)
        last = None
        if self.resume is not None:
            client.log, position = PLACE.log_id, self.resume.sequence
            client.receive(self.hall.snapshots[self.resume.view][position])
        for number, frame in enumerate(frames):
            match frame["type"]:
                case "welcome":
                    view, last = frame["view"], frame
                    me = frame["me"]
                    upto = self._end_of_segment(frames[number + 1 :])
                    moved_by = range(0) if number == 0 else self._batch_up_to(frame["head"])
                    if frame["recovery"] == "snapshot":
                        following = frames[number + 1]
                        assert (following["type"], following["sequence"]) == (
                            "snapshot", frame["head"],
                        )  # fmt: skip
                    assert (me["role"] in STAFF) == (view == "staff")
                    assert view != "lobby" or me["grants"] == []
                case "snapshot":
                    position = frame["sequence"]
                    assert position <= upto
                    self._check_snapshot(view, frame)
                case "events":
                    assert frame["from"] <= position + 1
                    position = max(position, frame["to"])
                    assert position <= upto, "the batch that moved them was told them"
                    if frame["events"] and not self.is_resynced:
                        assert frame["to"] not in moved_by, "… or was told later"
                    for event in frame["events"]:
                        self._check_event(view, event)
                case "counters" | "presence" if view == "lobby":
                    told = {each for each in frame.values() if isinstance(each, int)}
                    assert told <= {0, frame.get("sequence", 0)}
                    assert not any(frame.get(each) for each in ("full", "polls", "questions"))
                case "signal" | "health":
                    assert view != "lobby"
                case "mine":
                    assert frame["lobby"] == (view == "lobby")
                    assert (frame["role"] in STAFF) == (view == "staff")
            client.receive(json.dumps(frame))
        return client, last

    def _end_of_segment(self, following):
        """Return the last sequence that may be told before the next welcome, or the goodbye."""
        later = next((each for each in following if each["type"] == "welcome"), None)
        if later is None:
            if self.code not in (CloseCode.REMOVED, CloseCode.BANNED, CloseCode.DENIED):
                return ENDLESS
            kinds = ("participant.removed", "participant.banned", "participant.denied")
            put_out = max(
                each.sequence
                for each in self.hall.log
                if each.type in kinds and json.loads(each.payload)["user"] == self.who.user
            )
            return min(b.first for b in self.hall.batches if b.last >= put_out) - 1
        return self._batch_up_to(later["head"]).start - 1

    def _batch_up_to(self, head):
        """Return the range of the batch that ended at ``head``."""
        return next(range(b.first, b.last + 1) for b in self.hall.batches if b.last == head)

    def _check_event(self, view, event):
        assert view != "lobby"
        logged = self.hall.log[event["sequence"] - 1]
        kind, data = event["type"], event["data"]
        assert logged.type == kind
        if view == "staff":
            return
        assert kind not in STAFF_ONLY
        assert data.get("to") != "staff"
        assert FOR_STAFF not in json.dumps(data)
        assert REASON not in json.dumps(data)
        if kind == "poll.opened":
            assert data["correct"] is None

    def _check_snapshot(self, view, frame):
        text = json.dumps(frame)
        if view == "lobby":
            shown = {"status", "title", "teacher"}
            empty = msgspec.to_builtins(codec.decode_server(_EMPTY).state)
            assert {k: v for k, v in frame["state"].items() if k not in shown} == {
                k: v for k, v in empty.items() if k not in shown
            }
        if view != "staff":
            assert FOR_STAFF not in text
            assert REASON not in text
            for poll in frame["state"]["polls"]:
                assert poll["correct"] is None or poll["status"] == "published"
            assert frame["state"]["people"] == {}


_EMPTY = b'{"type":"snapshot","sequence":0,"state":{}}'


def _knows(identity):
    async def authenticate(_token):
        return identity

    return authenticate


async def _is_there(_tenant, _command):
    return None


def parsed(data):
    """Yield the frames in ``data``, which holds whole ones only."""
    place = 0
    while place < len(data):
        size, start = data[place + 1], place + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        yield json.loads(data[start : start + size])
        place = start + size
    assert place == len(data), "a frame is cut"


def people(*roles):
    """Return somebody for each role."""
    return [
        Who(identifier(10 + number), f"Name {number}", role) for number, role in enumerate(roles)
    ]


async def begun(hall, *everybody):
    """Let everybody come to a live class; return their wires."""
    wires = [hall.comes(who) for who in everybody]
    hall.does(everybody[0], cmd.SessionStart())
    hall.commit()
    await settled()
    return wires


def kinds(wire, since=0):
    """Return the types of the frames that came after the first ``since`` bytes."""
    return [frame["type"] for frame in parsed(wire.data[since:])]


async def settled(turns=30):
    """Let everybody do what they have begun."""
    for _ in range(turns):
        await asyncio.sleep(0)
