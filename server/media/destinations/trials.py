"""Destinations tried for people: each try in a process of its own, a few at a time.

The test card is encoded while it is sent, which is nothing for the loop that live classes need.
``python -m server.media.destinations.trials`` is that process: what to try comes on its standard
input, so that no argument holds a key, and each line of its output is one of the answer.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from ipaddress import ip_network
from typing import Any, TypeVar

import msgspec

from protocol.errors import Refusal
from server.addresses import IPNetwork, parse_allowed
from server.clock import SystemClock
from server.errors import ConflictError
from server.media.destinations.address import AddressGuard
from server.media.destinations.trial import Trial
from server.secrets.secret import Secret

SECONDS = 5.0
MOST = 3
WHOLE_SECONDS = 45.0
"""Longer than connecting and sending may take."""
_LINE_BYTES = 16_384

Done = TypeVar("Done")
Resolve = Callable[[str, str], Awaitable[Secret | None]]


class _Wish(msgspec.Struct, frozen=True):
    url: str
    key: str
    seconds: float
    allowed: Sequence[str]
    own_ports: Sequence[int]
    own_networks: Sequence[str]

    def __repr__(self) -> str:
        return "_Wish(•••)"


class Trials:
    """Tries destinations, by the rule of addresses that live classes have, too."""

    def __init__(
        self,
        resolve: Resolve,
        *,
        allowed: Sequence[str] = (),
        own_ports: Sequence[int] = (),
        own_networks: Sequence[IPNetwork] = (),
        seconds: float = SECONDS,
    ) -> None:
        """Take how the key behind a reference is found, and what :class:`AddressGuard` takes."""
        self._resolve = resolve
        self._allowed = tuple(allowed)
        self._own_ports = tuple(own_ports)
        self._own_networks = tuple(map(str, own_networks))
        self._seconds = seconds
        self._under_way = 0

    async def run(self, tenant: str, url: str, stream_key_ref: str) -> AsyncGenerator[bytes, None]:
        """Yield lines of JSON: ``{"said": …}`` for each step, and in the end ``{"taken": …}``.

        Whoever stops listening closes this; the process is gone then.

        Raises:
            ConflictError: If there is no key.
            Refusal: ``overloaded``, if others are tried just now.
            UnavailableError: If nobody can tell the key now.

        """
        if self._under_way >= MOST:
            raise Refusal("overloaded", "Other destinations are tried just now; try again soon.")
        self._under_way += 1
        try:
            key = await self._resolve(stream_key_ref, tenant)
            if key is None:
                raise ConflictError("The stream key is missing. Enter it again.")
            wish = _Wish(
                url,
                key.reveal(),
                self._seconds,
                self._allowed,
                self._own_ports,
                self._own_networks,
            )
            async with aclosing(_follow(msgspec.json.encode(wish))) as lines:
                async for line in lines:
                    yield line
        finally:
            self._under_way -= 1


async def _follow(wish: bytes) -> AsyncGenerator[bytes, None]:
    # Nothing of our environment: there are secrets in it.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.media.destinations.trials",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8"}, limit=_LINE_BYTES,
    )  # fmt: skip
    assert process.stdin is not None, "it was asked for"
    assert process.stdout is not None, "it was asked for"
    until = asyncio.get_running_loop().time() + WHOLE_SECONDS
    try:
        process.stdin.write(wish)
        process.stdin.close()
        while line := await _before(until, process.stdout.readline()):
            yield line
        if await _before(until, process.wait()) != 0:
            yield _line(said="The test broke off on this server.")
            yield _line(taken=False)
    except TimeoutError:
        yield _line(said="The destination did not come to an end in time.")
        yield _line(taken=False)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # to the end, so that no pipe stays open


async def _before(moment: float, work: Coroutine[Any, Any, Done]) -> Done:
    """Wait for ``work`` alone: how long somebody takes to listen does not count."""
    async with asyncio.timeout_at(moment):
        return await work


def _line(**what: str | bool) -> bytes:
    return msgspec.json.encode(what) + b"\n"


def main() -> None:
    """Try what standard input names, and tell each step on standard output."""
    wish = msgspec.json.decode(sys.stdin.buffer.read(), type=_Wish)

    def tell(**what: str | bool) -> None:
        sys.stdout.buffer.write(_line(**what))
        sys.stdout.buffer.flush()

    guard = AddressGuard(
        parse_allowed(",".join(wish.allowed)),
        own_ports=wish.own_ports,
        own_networks=map(ip_network, wish.own_networks),
    )
    trial = Trial(guard, SystemClock(), lambda sentence: tell(said=sentence))
    tell(taken=asyncio.run(trial.run(wish.url, Secret(wish.key), wish.seconds)))


if __name__ == "__main__":
    main()
