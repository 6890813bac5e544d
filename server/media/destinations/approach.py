"""How one destination is reached: its key, its address, and where servers send us on to.

Nothing of it is trusted for having been right before: the key is asked for and the address checked
each time, that of a redirect as if a stranger had given it.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from server.media.codes import Code, DestinationError
from server.media.destinations import providers
from server.media.destinations.address import AddressGuard
from server.media.destinations.gate import ConnectGate
from server.media.fabric import DestinationTarget
from server.media.rtmp.client import RtmpPublisher, publish
from server.secrets.secret import Secret

SECRET_SECONDS = 5.0
MOST_HOPS = 3
"""Redirections in a row, without being live between them."""

ResolveSecret = Callable[[str], Awaitable[Secret | None]]
"""Destination → its key, or None.

Raises:
    DestinationError: If there may be none: ``integration_revoked``.

"""


class Approach:
    """The way to one destination."""

    def __init__(
        self,
        target: DestinationTarget,
        *,
        resolve_secret: ResolveSecret,
        guard: AddressGuard,
        gate: ConnectGate,
        context: ssl.SSLContext | None,
    ) -> None:
        self._target = target
        self._provider = providers.provider(target.provider)
        self._resolve_secret = resolve_secret
        self._guard = guard
        self._gate = gate
        self._context = context
        self._redirect: str | None = None
        self._hops = 0

    async def connect(self, *, on_backup: bool, on_resolved: Callable[[], None]) -> RtmpPublisher:
        """Connect and publish; ``on_resolved`` is called when it is this one's turn to connect.

        Raises:
            RedirectedError: If the server names another; see :meth:`follow`.
            DestinationError: With the code of what went wrong; nothing is left open.

        """
        key = await self._key()
        url = self._url(on_backup)
        if not providers.owns(self._provider, url):
            raise DestinationError(Code.SSRF_BLOCKED)
        endpoint = await self._guard.pin(url)
        own = self._provider is not providers.CUSTOM
        async with self._gate.enter(endpoint.host, self._provider.name if own else endpoint.host):
            on_resolved()
            return await publish(endpoint, key, context=self._context)

    def follow(self, url: str) -> bool:
        """Go to ``url`` the next time; False if that has been said too often."""
        self._hops += 1
        if self._hops > MOST_HOPS:
            self.return_home()
            self._hops = 0
            return False
        self._redirect = url
        return True

    def arrive(self) -> None:
        """Note that it was reached: redirections are counted anew."""
        self._hops = 0

    def return_home(self) -> None:
        """Go to its own address the next time."""
        self._redirect = None

    def _url(self, on_backup: bool) -> str:
        url = self._target.url
        if on_backup and self._target.backup_url is not None:
            url = self._target.backup_url
        return providers.secured(self._provider, self._redirect or url)

    async def _key(self) -> Secret:
        try:
            async with asyncio.timeout(SECRET_SECONDS):
                key = await self._resolve_secret(self._target.id)
        except TimeoutError:
            # Nobody to ask is not the same as an answer: it may be there the next time.
            raise DestinationError(Code.INTERNAL) from None
        if key is None:
            raise DestinationError(Code.SECRET_MISSING)
        return key
