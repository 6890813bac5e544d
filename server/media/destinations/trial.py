"""Try a destination before a class does: a few seconds of a test card, told in words.

It is what a live class does, with the same guard, client and headers, and a picture of our own.
Nothing that is told holds the key, or what of the URL may be one.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from server.clock import Clock
from server.media import testcard
from server.media.codes import Code, DestinationError
from server.media.destinations import providers
from server.media.destinations.address import AddressGuard
from server.media.destinations.providers import CUSTOM, PROVIDERS, Provider
from server.media.destinations.publication import Publication
from server.media.destinations.words import WORDS
from server.media.rtmp.client import Endpoint, RedirectedError, RtmpPublisher, Step, publish
from server.secrets.secret import Secret

LATE_SECONDS = 2.0
"""So much later than it is due, a picture would be dropped in a class."""
STALL_SECONDS = 5.0
MOST_HOPS = 3

_DONE: dict[Step, str] = {
    "tcp": "Connected.",
    "tls": "TLS: the certificate is valid for this host.",
    "handshake": "It speaks RTMP.",
    "connect": "It knows the application.",
    "publish": "It accepted the stream key.",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What the destination took, and how."""

    seconds: float
    sent_bytes: int
    rtt_ms: float | None
    retransmits: int | None


class Trial:
    """One try of one destination; ``tell`` hears a sentence of each step."""

    def __init__(
        self,
        guard: AddressGuard,
        clock: Clock,
        tell: Callable[[str], None],
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._tell = tell
        self._context = context

    async def run(self, url: str, key: Secret, seconds: float) -> bool:
        """Say whether the destination takes a stream for ``seconds``, and tell why not."""
        provider = _provider_of(url)
        url = providers.secured(provider, url)
        if not url.startswith("rtmps:"):
            self._tell("The stream and its key are sent unencrypted (rtmp://).")
        try:
            connection = await self._connect(url, key)
            try:
                taken = await self._send(connection, seconds)
            finally:
                await connection.close()
        except DestinationError as error:
            words = WORDS[error.code]
            self._tell(f"FAILED ({error.code.value}): {words.tell(provider)}")
            return False
        self._tell(_told(taken))
        self._tell(f"{provider.title} takes the stream.")
        return True

    async def _connect(self, url: str, key: Secret) -> RtmpPublisher:
        for _ in range(MOST_HOPS):
            endpoint = await self._guard.pin(url)
            self._tell(_resolved(endpoint))
            try:
                return await publish(
                    endpoint, key, context=self._context, on_step=lambda s: self._tell(_DONE[s])
                )
            except RedirectedError as error:
                self._tell("It names another server instead.")
                url = error.redirect
        raise DestinationError(Code.PROVIDER_CLOSE)

    async def _send(self, connection: RtmpPublisher, seconds: float) -> Taken:
        """Send the test card as it is due.

        Raises:
            DestinationError: If it is not taken.

        """
        publication = Publication(connection, is_strict=False)
        clock = self._clock
        units = testcard.programme()
        started = clock.monotonic()
        info = None
        while True:
            began = clock.monotonic()
            unit = next(units)
            at, made = unit.dts_ms / 1000, clock.monotonic()
            if at >= seconds:
                break
            # A picture that takes us long to make is not late because of the destination.
            started += max(0.0, min(made - began, made - (started + at)))
            due = started + at
            await asyncio.sleep(max(0.0, due - made))
            publication.send(unit)
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await connection.drain()
            except TimeoutError:
                raise DestinationError(Code.STALL) from None
            if clock.monotonic() - due > LATE_SECONDS:
                raise DestinationError(Code.OVERFLOW)
            info = connection.tcp_info()
        return Taken(
            clock.monotonic() - started,
            connection.bytes_sent,
            info.rtt_ms if info else None,
            info.retransmits if info else None,
        )


def _provider_of(url: str) -> Provider:
    known = (each for each in PROVIDERS.values() if each.hosts)
    return next((each for each in known if providers.owns(each, url)), CUSTOM)


def _resolved(endpoint: Endpoint) -> str:
    first, *more = endpoint.addresses
    others = f" and {len(more)} more" if more else ""
    return f"Resolved {endpoint.host} to {first}{others}; connecting to port {endpoint.port}."


def _told(taken: Taken) -> str:
    kbps = taken.sent_bytes * 8 / 1000 / taken.seconds
    text = (
        f"It took {taken.sent_bytes:,} bytes in {taken.seconds:.0f} s ({kbps:,.0f} kbit/s) "
        f"of {testcard.WIDTH}×{testcard.HEIGHT} pictures and sound"
    )
    if taken.rtt_ms is None:
        return text + "."
    return f"{text}; round trip {taken.rtt_ms:.0f} ms, {taken.retransmits} segments sent again."
