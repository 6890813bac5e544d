"""Clients that remember everything: what they asked and were told, when, and by which node."""

import asyncio
import copy
import random
import time
import uuid
from collections.abc import Callable, Iterable
from typing import NamedTuple

import aiohttp
import msgspec
from msgspec import Raw, Struct

from load.connection import Connection
from protocol.commands import AnyCommand
from protocol.errors import CloseCode
from protocol.frames import Ack, Nack, Welcome
from protocol.ids import view_of
from server.tasks import Supervisor
from tests.faults.history import (
    Asked,
    Client,
    Connected,
    Item,
    Moved,
    Own,
    Range,
    Snapshot,
    Welcomed,
)
from tests.faults.recorder import Recorder

SAY_SECONDS = 180.0
_TYPE_AT = len(b'{"type":"')
_LET_IN_AGAIN = frozenset((CloseCode.REMOVED, CloseCode.BANNED, CloseCode.DENIED))
_LAWFUL = _LET_IN_AGAIN | {CloseCode.SESSION_OVER}
"""Final goodbyes that somebody in the class can bring about."""
_RETURN_SECONDS = 2.0


class _Events(Struct, rename={"from_": "from"}):
    from_: int
    to: int
    events: tuple[Raw, ...]


class _Snapshot(Struct):
    sequence: int
    state: Raw


class _Own(Struct):
    sequence: int


_welcome = msgspec.json.Decoder(Welcome)
_events = msgspec.json.Decoder(_Events)
_snapshot = msgspec.json.Decoder(_Snapshot)
_own = msgspec.json.Decoder(_Own)


class Identity(NamedTuple):
    """Who a witness is."""

    user: str
    called: str
    role: str
    token: str


class Checkpoint(NamedTuple):
    """What a client knew at some moment."""

    position: int
    view: str
    state: object


class Witness:
    """One client. ``choose`` gives the node for the next connection: its name and the URL."""

    def __init__(
        self,
        recorder: Recorder,
        http: aiohttp.ClientSession,
        choose: Callable[[], tuple[str, str]],
        name: str,
        who: Identity,
        *,
        on_frame: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.who = who
        self.view = view_of(who.role)  # type: ignore[arg-type]
        self.welcomes = 0
        self.asked: list[Asked] = []
        self._recorder = recorder
        self._choose = choose
        self._on_frame = on_frame
        self._number = len(recorder.history.clients)
        self.record = Client(name, who.user, who.called, who.role)
        recorder.history.clients.append(self.record)
        self._pending: dict[str, Asked] = {}
        self._is_finished = False
        self._node = "nowhere"
        self.connection = Connection(
            http,
            self._connecting,
            who.token,
            rng=random.Random(name),
            on_frame=self._hear,
            on_answer=self._answered,
        )

    @property
    def is_out(self) -> bool:
        """Whether the server's last word was one after which only staff can let them in again."""
        return self.connection.final_code is not None

    async def attend(self) -> None:
        """Be there until cancelled; who was sent out tries again and again."""
        while True:
            await self.connection.run()
            self.record.final_code = self.connection.final_code
            if self.connection.final_code not in _LET_IN_AGAIN:
                return
            await asyncio.sleep(_RETURN_SECONDS)
            self.connection.final_code = None

    async def say(
        self,
        command: AnyCommand,
        seconds: float = SAY_SECONDS,
        *,
        key: str | None = None,
        expect: int | None = None,
    ) -> Ack | Nack:
        """Return the final answer; the command is remembered even if there is none."""
        key = key or uuid.uuid4().hex
        data = Raw(msgspec.json.encode(command))
        asked = Asked(self._number, key, command.op, data, expect, self._recorder.clock())
        self.asked.append(asked)
        self._recorder.history.asked.append(asked)
        self._pending[key] = asked
        return await self.connection.say(command, key=key, expect=expect, timeout_seconds=seconds)

    def describe(self) -> str:
        """Return how this client is, in words."""
        client = self.connection.client
        waits = [f"{asked.op} since {asked.sent:.1f}" for asked in self._pending.values()]
        return (
            f"{self.name} is {client.phase} in view {client.view} at {client.position} by "
            f"{self._node}, final code {self.connection.final_code}, and waits for {waits}"
        )

    def is_asking(self, key: str) -> bool:
        """Whether the command with this key waits for its answer here."""
        return key in self._pending

    # ------------------------------------------------------------ coming back in other ways

    def checkpoint(self) -> Checkpoint | None:
        """Return what this client knows now, if it is in the class."""
        client = self.connection.client
        if client.state is None or client.view not in ("staff", "student"):
            return None
        return Checkpoint(client.position, client.view, copy.deepcopy(client.state))

    async def come_back_from(self, checkpoint: Checkpoint | None, offline_seconds: float) -> None:
        """Lose the connection, and come back as a device that knows no more than this."""
        connection, client = self.connection, self.connection.client
        connection.drop(offline_seconds)
        for _ in range(50):
            if client.phase == "closed":
                break
            await asyncio.sleep(offline_seconds / 100)
        else:
            return
        if checkpoint is None:
            client.state, client.position = None, 0
            self._note(Moved(None))
        else:
            client.state = copy.deepcopy(checkpoint.state)  # type: ignore[assignment]
            client.position, client.view = checkpoint.position, checkpoint.view
            self._note(Moved(checkpoint.position))

    # ------------------------------------------------------------ at the end

    def finish(self) -> None:
        """Note where this client is now: what it is told later is of no account."""
        client, self._is_finished = self.connection.client, True
        is_here = client.phase == "live" and client.state is not None
        if is_here and client.view in ("staff", "student"):
            self.record.position = client.position
            self.record.state = self._recorder.say(msgspec.json.encode(client.state))

    # ------------------------------------------------------------ what comes in

    def _note(self, item: Item) -> None:
        if not self._is_finished:
            self.record.heard.append(self._recorder.item(item))

    def _connecting(self) -> str:
        node, url = self._choose()
        self._node = node
        self._note(Connected(round(self._recorder.clock(), 3), node))
        return url

    def _hear(self, data: bytes) -> None:
        kind = data[_TYPE_AT : data.index(b'"', _TYPE_AT)]
        match kind:
            case b"events":
                events = _events.decode(data)
                numbers = tuple(self._recorder.say(bytes(each)) for each in events.events)
                self._note(Range(events.from_, events.to, numbers))
                self._recorder.know(events.to)
            case b"snapshot":
                snapshot = _snapshot.decode(data)
                state = self._recorder.say(bytes(snapshot.state))
                self._note(Snapshot(snapshot.sequence, state))
                self._recorder.know(snapshot.sequence)
            case b"mine":
                self._note(Own(_own.decode(data).sequence, self._recorder.say(bytes(data))))
            case b"welcome":
                welcome = _welcome.decode(data)
                self.welcomes += 1
                self.record.final_code = None
                self._note(Welcomed(welcome.view, welcome.me.role, welcome.recovery, welcome.head))
                self._recorder.know(welcome.head)
        self._on_frame(data)

    def _answered(self, _command: AnyCommand, answer: Ack | Nack) -> None:
        asked = self._pending.pop(answer.key)
        asked.answered, asked.answer = self._recorder.clock(), answer


def of_demo(recorder, http, demo, times: int, tasks: Supervisor) -> list[Witness]:
    """Connect everybody for whom ``demo`` has a token, ``times`` over; the teacher first."""
    tokens = demo.ready["tokens"]
    url = f"{demo.ready['url']}/v1/sessions/{demo.ready['session']}/live"
    everybody = [tokens["teacher"], tokens["assistant"], *tokens["students"]] * times
    people = []
    for number, token in enumerate(everybody):
        who = identity_of(token)
        name = f"{who.role} {number}"
        people.append(Witness(recorder, http, lambda: ("server", url), name, who))
        tasks.start(name, people[-1].attend())
    return people


def identity_of(token: str) -> Identity:
    """Return who a token says that somebody is."""
    import jwt

    claims = jwt.decode(token, options={"verify_signature": False})
    return Identity(claims["sub"], claims["name"], claims["role"], token)


async def settled(people: Iterable[Witness], last: int, seconds: float) -> list[str]:
    """Wait until everybody is here, has every answer, and has heard of ``last``.

    Return who is not, or has not, by then; who was sent out need not be here.
    """
    deadline = time.monotonic() + seconds
    missing = []
    for each in people:
        left = max(0.1, deadline - time.monotonic())

        def is_whole(client) -> bool:
            # Who is welcomed with a snapshot is nowhere until it is there.
            is_here = client.phase == "live" and client.state is not None
            return is_here and client.position >= last and not client.unanswered

        is_there = each.is_out or await each.connection.until(is_whole, left) or each.is_out
        if not is_there or each.connection.final_code not in (None, *_LAWFUL):
            missing.append(f"{each.describe()}, and the class is at {last}")
    return missing
