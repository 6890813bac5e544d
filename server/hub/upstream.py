"""The node that owns a class, as a room sees it that follows: what is asked goes there, what is
told comes back.

Everything that was told before is in the log. So a link may break at any time: whoever follows
reads on, asks again who the owner is, and begins anew.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from protocol.errors import Refusal
from protocol.frames import SignalSent
from server.clock import Clock
from server.errors import UnavailableError
from server.hub.asks import Ask, Committed, Outcome, Perform, Report, Unchanged, unavailable
from server.hub.link_messages import (
    Asked,
    Done,
    Ended,
    Followed,
    Here,
    Refused,
    Reported,
    Seated,
    Signalled,
    ToFollower,
    ToOwner,
)

BEGIN_SECONDS = 5.0
"""How long the owner may take to open the class."""
ANSWER_SECONDS = 2.0
MOST_ASKS = 4096
MOST_HEARD = 4096


class Upstream:
    """One room's end of the link to its owner. ``say`` sends to that node, soon."""

    def __init__(self, session: str, say: Callable[[ToOwner], None], clock: Clock) -> None:
        self._session = session
        self._say = say
        self._clock = clock
        self._heard: deque[ToFollower] = deque()
        self._news = asyncio.Event()
        self._is_over = False
        self._is_called = False
        self._asks: dict[int, tuple[float, Perform | Report]] = {}
        self._number = 0

    # ------------------------------------------------------------ from the link

    def hear(self, message: ToFollower) -> None:
        """Take what the owner says. Who falls too far behind begins anew from the log."""
        if len(self._heard) >= MOST_HEARD or isinstance(message, Ended):
            self._is_over = True
        else:
            self._heard.append(message)
        self._news.set()

    def lost(self) -> None:
        """Take that the owner is not reached any more."""
        self._is_over = True
        self._news.set()

    # ------------------------------------------------------------ from the room

    def __len__(self) -> int:
        """How many asks wait for their answers."""
        return len(self._asks)

    def put(self, ask: Ask) -> None:
        """Pass an ask on; it is answered exactly once."""
        if not isinstance(ask, Perform | Report):
            return  # who comes and goes is reported as a number
        if len(self._asks) >= MOST_ASKS:
            ask.answer(Refusal("overloaded", "The class is very busy.", retry_ms=500))
            return
        self._number += 1
        self._asks[self._number] = self._clock.monotonic(), ask
        if isinstance(ask, Perform):
            said: ToOwner = Asked(
                self._session,
                self._number,
                *ask.who,
                ask.key,
                ask.command.op,
                msgspec.json.encode(ask.command),
                ask.expect,
                ask.connection,
            )
        else:
            data = msgspec.json.encode(ask.event)
            said = Reported(self._session, self._number, ask.key, ask.event.type, data)
        if not self._is_over:  # or it is given back in a moment
            self._say(said)

    def seat(self, people: list[Seated]) -> None:
        """Tell the owner who sits here."""
        if not self._is_over:
            self._say(Here(self._session, people))

    def signal(self, user: str, sent: SignalSent) -> None:
        """Tell the owner what somebody lets others feel."""
        if not self._is_over:
            self._say(Signalled(self._session, user, sent.kind, bytes(sent.data)))

    def call(self) -> None:
        """Have the room look into the log."""
        self._is_called = True
        self._news.set()

    def tick(self) -> None:
        """Answer what has waited for too long. Called once a second."""
        late = self._clock.monotonic() - ANSWER_SECONDS
        for number in [number for number, (since, _) in self._asks.items() if since < late]:
            self._answer(number, unavailable())

    def answer(self, said: Done | Refused) -> None:
        """Give an answer of the owner to who has asked."""
        self._answer(said.number, _outcome(said))

    async def begin(self) -> Followed:
        """Return from where on the owner tells what happens.

        Raises:
            UnavailableError: If it does not, or not in time.

        """
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                async for message in self.messages():
                    if isinstance(message, Followed):
                        return message
        except TimeoutError:
            self._is_over = True
        raise UnavailableError("The class's owner is not reached.")

    async def messages(self) -> AsyncIterator[ToFollower | None]:
        """Yield what the owner says, and None when the room was called; until it is lost."""
        while True:
            while self._heard:
                yield self._heard.popleft()
            if self._is_over:
                return
            if self._is_called:
                self._is_called = False
                yield None
                continue
            self._news.clear()
            await self._news.wait()

    def give_back(self) -> list[Ask]:
        """Return what was not answered, in order: perhaps done, so with the keys that it has."""
        asks: list[Ask] = [ask for _, ask in self._asks.values()]
        self._asks.clear()
        return asks

    def end(self) -> None:
        """Give everything that waits back to who asked, in order."""
        self._is_over = True
        for number in [*self._asks]:
            self._answer(number, unavailable())

    def _answer(self, number: int, outcome: Outcome) -> None:
        waiting = self._asks.pop(number, None)
        if waiting is not None:
            waiting[1].answer(outcome)


def _outcome(said: Done | Refused) -> Outcome:
    match said:
        case Done(first=int(first), last=int(last)):
            return Committed(first, last, said.is_duplicate)
        case Done():
            return Unchanged()
        case Refused():
            return Refusal(
                said.code, said.text, field=said.field, retry_ms=said.retry_ms,
                touched=said.touched,
            )  # fmt: skip
