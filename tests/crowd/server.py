"""A server of one class: 500 people are in it, and they talk as fast as they are told to.

What the page hears is what a server says, frame by frame, from events that it would have stored:
no more and no less than the page in the room gets, and nothing beside it takes its processor.
"""

import asyncio
import random
import time
from collections.abc import Iterator

import msgspec
from aiohttp import WSMsgType, web

from protocol import codec
from protocol import events as ev
from protocol.frames import Ack, CommandFrame, Counters, Hello, Person, Presence, ServerPing
from protocol.limits import SUBPROTOCOL
from server.web import pages
from tests.gallery.states import ANN, ASKING, POLL, TEACHER, TITLE, identifier
from tests.gallery.story import NOW_MS, Somebody, Told

PEOPLE = 500
SESSION = identifier(999)
CROWD = tuple(Somebody(identifier(1000 + n), f"Student {n}", "student") for n in range(PEOPLE - 1))
HERE = (ANN, *CROWD)
TALK = (
    "I think that the limit does not exist here because both sides differ but what about zero "
    "could you please show this once more thanks now it is clear to me 👍🏽 yes no maybe لماذا"
)
BEFORE = 250
"""Messages that were said before Ann came: more than a snapshot keeps."""


class Crowd:
    """Everything that is said and done, and who listens."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._doings = self._do()
        self._socket: web.WebSocketResponse | None = None
        self._number = 100_000
        before = [told for told in self._take(2 * BEFORE) if isinstance(told.event, ev.ChatPosted)]
        self._story = ASKING.then(
            ev.PublisherLost(TEACHER.user, "no media for 30 s"),  # nobody looks for a picture
            *(Told(ev.ParticipantJoined(each.user, each.name, each.role)) for each in CROWD),
            *before[:BEFORE],
        )
        self._sequence = len(self._story.events)
        self.last_text = ""
        self.heard = asyncio.Event()

    def application(self) -> web.Application:
        """Return the pages with their files, and this class."""
        app = web.Application()
        app.add_routes(pages.routes())
        app.add_routes(
            [
                web.get(f"/v1/sessions/{SESSION}/live", self._live),
                web.get(f"/v1/sessions/{SESSION}", _session),
            ]
        )
        return app

    async def talk(self, events: int, *, per_second: float, at_once: int = 1) -> None:
        """Let this many things happen, ``at_once`` of them in a frame, at that pace or slower."""
        socket, began = self._socket, time.monotonic()
        assert socket is not None, "nobody listens"
        for number in range(0, events, at_once):
            await asyncio.sleep(max(0, began + number / per_second - time.monotonic()))
            await socket.send_str(self._frame(at_once))
            # What is told once a second, and who comes and goes.
            seconds = int((number + at_once) / per_second) - int(number / per_second)
            if seconds or (number // at_once) % 50 == 49:
                await socket.send_str(self._counters())
                await socket.send_str(self._presence())

    def _frame(self, count: int) -> str:
        first = self._sequence + 1
        encoded = []
        for told in self._take(count):
            self._sequence += 1
            event = told.event
            if isinstance(event, ev.ChatPosted):
                self.last_text = event.text
            encoded.append(
                codec.encode_event(
                    sequence=self._sequence, kind=event.type, version=event.version,
                    at=codec.timestamp(NOW_MS + 20 * self._sequence), by=told.by, key=None,
                    data=msgspec.json.encode(event),
                )
            )  # fmt: skip
        return codec.encode_events(first, self._sequence, encoded).decode()

    def _take(self, count: int) -> list[Told]:
        return [next(self._doings) for _ in range(count)]

    def _do(self) -> Iterator[Told]:
        """Talk, with a hand up or down in twenty and a question in two hundred."""
        hands: list[Somebody] = []
        while True:
            self._number += 1
            who, draw = self._random.choice(CROWD), self._random.random()
            if draw < 0.025 and who not in hands and len(hands) < 30:
                hands.append(who)
                yield Told(ev.HandRaised(who.user, who.name), who.user)
            elif draw < 0.05 and hands:
                lowered = hands.pop(0)
                yield Told(ev.HandLowered(lowered.user), lowered.user)
            elif draw < 0.055:
                asked = ev.QuestionAsked(identifier(self._number), who.name, self._text() + "?")
                yield Told(asked, who.user)
            else:
                said = ev.ChatPosted(
                    identifier(self._number), who.name, self._text(), "everyone"
                )  # fmt: skip
                yield Told(said, who.user)

    def _text(self) -> str:
        words = self._random.choices(TALK.split(), k=self._random.randint(2, 16))
        return f"{' '.join(words)} {self._number}"

    def _counters(self) -> str:
        votes = tuple(self._random.randint(0, PEOPLE // 4) for _ in range(4))
        reactions = {"👍": self._random.randint(0, 9), "❤️": self._random.randint(0, 9)}
        questions = {identifier(10): self._random.randint(0, 90), identifier(11): 12}
        frame = Counters(self._sequence, PEOPLE, 3, reactions, {POLL: votes}, questions)
        return codec.encode(frame).decode()

    def _presence(self) -> str:
        status = self._random.choice(("online", "dropped"))
        changed = tuple(
            Person(each.user, each.name, each.role, status, 1)
            for each in self._random.sample(CROWD, 5)
        )
        return codec.encode(Presence(self._number, PEOPLE, changed=changed)).decode()

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=[SUBPROTOCOL])
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            match codec.decode_client(message.data.encode()):
                case Hello():
                    for frame in self._story.frames(ANN, session=SESSION, here=HERE):
                        await socket.send_str(codec.encode(frame).decode())
                    self._socket = socket
                    self.heard.set()
                case CommandFrame(id=number, key=key):
                    await socket.send_str(codec.encode(Ack(number, key, None)).decode())
                case _:
                    ping = ServerPing(self._sequence, codec.timestamp(NOW_MS))
                    await socket.send_str(codec.encode(ping).decode())
        return socket


async def _session(_: web.Request) -> web.Response:
    return web.json_response({"id": SESSION, "title": TITLE, "scheduled_at": None})
