"""Somebody with a bad token: must be shown the door, with the right goodbye."""

import asyncio
import random

from load import websocket
from load.report import Report
from protocol import codec
from protocol.errors import CloseCode, MalformedFrameError
from protocol.frames import Bye, ClientInfo, Hello, Welcome
from protocol.limits import SUBPROTOCOL

_GOODBYE_SECONDS = 20.0
_FINAL = frozenset((CloseCode.TOKEN_INVALID, CloseCode.NOT_FOUND))


class Intruder(websocket.Peer):
    """Tries once."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        self._frames = websocket.Frames()
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def attempt(self, url: str, token: str) -> None:
        """Ask to be let in with ``token``, which must not be good enough."""
        try:
            await websocket.connect(self, url, SUBPROTOCOL)
            self.send_text(codec.encode(Hello(token, ClientInfo("liveclass-load", "1"))))
            async with asyncio.timeout(_GOODBYE_SECONDS):
                answer = await self._answer
        except (OSError, TimeoutError):
            answer = "no answer"
        finally:
            self.abort()
        self._report.counts[f"bad tokens: {answer}"] += 1

    def received(self, data: bytes) -> None:
        """Look at the first answer."""
        for opcode, payload in self._frames.cut(data):
            if opcode == 1 and not self._answer.done():
                self._answer.set_result(self._judge(payload))

    def lost(self) -> None:
        """Whoever waits for an answer waits no more."""
        if not self._answer.done():
            self._answer.set_result("cut off")

    def _judge(self, payload: bytes) -> str:
        try:
            frame = codec.decode_server(payload)
        except MalformedFrameError as error:
            self._report.violate("an intruder", f"a frame that is none: {error}")
            return "no frame"
        match frame:
            case Bye() if frame.code in _FINAL:
                return f"refused with {frame.code}"
            case Bye() if frame.code == CloseCode.OVERLOADED:
                return "told to come later"
            case Welcome():
                self._report.violate("an intruder", "was let in by a bad token", "leak")
                return "let in"
            case _:
                self._report.violate("an intruder", f"got {type(frame).__name__} by a bad token")
                return "answered otherwise"


def spoilt(token: str, foreign: str | None, rng: random.Random) -> str:
    """Return a token that must not open the class that ``token`` opens."""
    ways = ["signature", "payload", "noise", *(["foreign"] if foreign else [])]
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    match rng.choice(ways):
        case "signature":
            # In the middle: the last character of base64 holds bits that nobody reads.
            return f"{head}.{body}.{_other(signature, len(signature) // 2)}"
        case "payload":
            return f"{head}.{_other(body, len(body) // 2)}.{signature}"
        case "foreign":
            assert foreign is not None
            return foreign
        case _:
            return "x" * rng.randrange(1, 200)


def _other(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at : at + 1] != "A" else "B") + text[at + 1 :]
