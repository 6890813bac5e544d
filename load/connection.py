"""The socket around ``protocol.client``: keeps one person connected to one session.

It opens the WebSocket, moves bytes, waits where the protocol says to wait, and comes back with
jitter for as long as the server's last word allows it. What the bytes mean is the client's.
"""

import asyncio
import contextlib
import random
import socket
import uuid
from collections.abc import Callable
from typing import Literal, TypeAlias

import aiohttp

from protocol.client import Answered, Client, RetryAfter
from protocol.commands import AnyCommand
from protocol.errors import MalformedFrameError, may_reconnect
from protocol.frames import Ack, Bye, Nack
from protocol.limits import SUBPROTOCOL, WEBSOCKET_BYTES

_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
_QUIET_SECONDS = 10.0
"""After this long without a word the client asks whether the server is there …"""
_PONG_SECONDS = 5.0
"""… and after this long without an answer it connects anew."""
_SAY_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


_Socket: TypeAlias = aiohttp.ClientWebSocketResponse[Literal[False]]


class Connection:
    """One person in one session, across reconnects.

    :meth:`run` does the work and must be running for anything to happen. ``on_frame`` sees each
    message of the server before the client does, ``on_answer`` each command with its final answer.
    ``url`` may be asked anew for each connection: there are several nodes.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str | Callable[[], str],
        token: str,
        *,
        rng: random.Random,
        on_frame: Callable[[bytes], None] | None = None,
        on_answer: Callable[[AnyCommand, Ack | Nack], None] | None = None,
    ) -> None:
        self.client = Client(token, new_key=lambda: uuid.uuid4().hex)
        self.final_code: int | None = None
        """The close code after which nobody comes back, once it was said."""
        self._http = http
        self._url = url
        self._rng = rng
        self._on_frame = on_frame
        self._on_answer = on_answer
        self._socket: _Socket | None = None
        self._offline_seconds: float | None = None
        self._to_send = asyncio.Event()
        self._asked: dict[str, tuple[AnyCommand, asyncio.Future[Ack | Nack]]] = {}
        self._waiters: list[tuple[Callable[[Client], bool], asyncio.Future[None]]] = []

    async def run(self) -> None:
        """Stay connected until cancelled, or told for good to go."""
        failures = 0
        while True:
            welcomed = await self._connect()
            if self.final_code is not None:
                return
            failures = 0 if welcomed else failures + 1
            await asyncio.sleep(self._pause_seconds(failures))

    async def say(
        self,
        command: AnyCommand,
        *,
        key: str | None = None,
        expect: int | None = None,
        timeout_seconds: float = _SAY_SECONDS,
    ) -> Ack | Nack:
        """Return the final answer to ``command``, across any number of reconnects.

        ``key`` is that of an earlier one that is to be sent again, and has been answered.
        Giving up, or being cancelled, does not take the command back: ``on_answer`` hears of it.

        Raises:
            TimeoutError: If there is no answer in time; the command may still happen.

        """
        key = self.client.command(command, key=key, expect=expect)
        answer: asyncio.Future[Ack | Nack] = asyncio.get_running_loop().create_future()
        self._asked[key] = command, answer
        self._to_send.set()
        async with asyncio.timeout(timeout_seconds):
            return await answer

    async def until(self, holds: Callable[[Client], bool], timeout_seconds: float) -> bool:
        """Wait until ``holds`` of the client; return False if it does not become true in time.

        It is asked now and after each message, in the very moment the client has applied it.
        """
        if holds(self.client):
            return True
        waiter = (holds, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_seconds):
                await waiter[1]
        except TimeoutError:
            return False
        finally:
            self._waiters.remove(waiter)
        return True

    def drop(self, offline_seconds: float) -> None:
        """Lose the connection as a failing network does; come back after ``offline_seconds``."""
        self._offline_seconds = offline_seconds
        line = None if self._socket is None else self._socket.get_extra_info("socket")
        if line is not None:  # else it is lost already
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    # ------------------------------------------------------------ one connection

    async def _connect(self) -> bool:
        """Serve one connection to its end; return whether the server let us in."""
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                opened = await self._http.ws_connect(
                    self._url if isinstance(self._url, str) else self._url(),
                    protocols=(SUBPROTOCOL,),
                    max_msg_size=WEBSOCKET_BYTES,
                    decode_text=False,
                )
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
        self._socket = opened
        self.client.hello()
        self._to_send.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(opened))
                await self._read(opened)
                writer.cancel()
        finally:
            welcomed = self.client.phase == "live"
            self.client.disconnected()
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await opened.close()
            self._socket = None
        return welcomed

    async def _write(self, to: _Socket) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):  # the reader notices as well
            while True:
                await self._to_send.wait()
                self._to_send.clear()
                for frame in self.client.data_to_send():
                    await to.send_frame(frame, aiohttp.WSMsgType.TEXT)

    async def _read(self, source: _Socket) -> None:
        asked = False
        while True:
            try:
                message = await source.receive(_PONG_SECONDS if asked else _QUIET_SECONDS)
            except TimeoutError:
                if asked:
                    return
                asked = True
                self.client.ping()
                self._to_send.set()
                continue
            asked = False
            if message.type is aiohttp.WSMsgType.CLOSE:
                self._closed(message.data)
                return
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            if not self._take(message.data):
                return

    def _take(self, data: bytes) -> bool:
        """Apply one message; return False if it breaks the protocol."""
        if self._on_frame is not None:
            self._on_frame(data)
        try:
            received = self.client.receive(data)
        except MalformedFrameError:
            return False
        for item in received:
            match item:
                case Answered():
                    self._answered(item)
                case RetryAfter():
                    asyncio.get_running_loop().call_later(item.milliseconds / 1000, self._resend)
                case Bye():
                    self._closed(item.code)
                case _:
                    pass
        for holds, waiter in self._waiters:
            if not waiter.done() and holds(self.client):
                waiter.set_result(None)
        self._to_send.set()
        return True

    def _answered(self, item: Answered) -> None:
        command, waiting = self._asked.pop(item.key)
        if self._on_answer is not None:
            self._on_answer(command, item.answer)
        if not waiting.done():
            waiting.set_result(item.answer)

    def _resend(self) -> None:
        self.client.resend()
        self._to_send.set()

    def _closed(self, code: int) -> None:
        if not may_reconnect(code):
            self.final_code = code

    def _pause_seconds(self, failures: int) -> float:
        """Return how long to stay away: as the server said, else longer with each failure."""
        if self._offline_seconds is not None:
            pause, self._offline_seconds = self._offline_seconds, None
            return pause
        return pause_seconds(self.client, failures, self._rng)


def pause_seconds(client: Client, failures: int, rng: random.Random) -> float:
    """Return how long a client stays away: as the server said, else longer with each failure."""
    if client.bye is not None and client.bye.retry_ms is not None:
        return client.bye.retry_ms / 1000 * rng.uniform(0.5, 1.5)
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * float(2 ** min(failures, 10)))
    return longest * rng.uniform(0.5, 1.0)
