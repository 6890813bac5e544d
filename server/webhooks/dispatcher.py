"""The dispatcher: from the log to the endpoints, at least once, in the order of each session.

One per node. Nothing that it must remember is in memory: killed anywhere, any node goes on where
it was, and a message that may or may not have arrived is sent again, with the same ``webhook-id``.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self, get_args

import structlog

from protocol.errors import MalformedFrameError
from protocol.rest.webhooks import WebhookEvent
from server.clock import Clock
from server.errors import UnavailableError
from server.ops import metrics
from server.secrets.secret import Secret
from server.secrets.vault import Vault
from server.store import webhook_queue as queue
from server.store.installation import Installation
from server.store.log import LogReader
from server.store.pool import Pools
from server.store.webhook_queue import Due
from server.tasks import Supervisor

from . import payload, signing
from .backoff import GIVEN_UP_MS, next_try_ms
from .sender import Failure, Result, Sender

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVENTS: frozenset[str] = frozenset(get_args(WebhookEvent))

AT_ONCE = 16
AT_ONCE_FAILING = 8
"""Of these, for endpoints that took nothing the last time: the others always find a place."""
AT_ONCE_EACH = 2
"""Per endpoint."""
POLL_SECONDS = 2.0
SWEEP_SECONDS = 15.0
_PAUSE_SECONDS = 0.5
KEPT_MS = 30 * 24 * 3600 * 1000
"""How long it can be seen what became of a delivery."""
_GONE = 410


class Dispatcher:
    """Tell endpoints what happens until the block is left."""

    def __init__(
        self, pools: Pools, vault: Vault, sender: Sender, identity: Installation, clock: Clock
    ) -> None:
        self._pools = pools
        self._reader = LogReader(pools)
        self._vault = vault
        self._sender = sender
        self._identity = identity
        self._clock = clock
        # A dict is a set in order: who was told first is served first.
        self._unread: dict[str, None] = {}
        self._told = asyncio.Event()
        self._work = asyncio.Event()
        self._on_their_way: dict[str, Due] = {}
        self._supervisor = Supervisor("webhooks")

    async def __aenter__(self) -> Self:
        self._supervisor.keep("collect", self._collect)
        self._supervisor.keep("deliver", self._deliver)
        self._supervisor.keep("sweep", self._sweep)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.close()

    def notify(self, session: str, types: Iterable[str]) -> None:
        """Say that events of ``types`` were committed in ``session``. Cheap; call it each time."""
        if not EVENTS.isdisjoint(types):
            self._unread[session] = None
            self._told.set()

    def wake(self) -> None:
        """Say that there may be something to deliver; without it, it is found a little later."""
        self._work.set()

    async def check(self, url: str) -> None:
        """Return if messages may go to ``url``.

        Raises:
            InvalidInputError: If not.

        """
        await self._sender.check(url)

    # ------------------------------------------------------------ from the log

    async def _collect(self) -> None:
        while True:
            while not self._unread:
                self._told.clear()
                await self._told.wait()
            session = next(iter(self._unread))
            del self._unread[session]
            try:
                if await queue.collect(self._pools, session, self._clock.now_ms()):
                    self.wake()
            except UnavailableError:
                self._unread[session] = None
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _sweep(self) -> None:
        """Take up what another node, or this one before it was killed, has left."""
        while True:
            try:
                for session in await queue.find_unread(self._pools):
                    self._unread[session] = None
                self._told.set()
                now_ms = self._clock.now_ms()
                await queue.forget_before(self._pools, now_ms - KEPT_MS)
                async with self._pools.hub() as connection, connection.transaction():
                    for reference in await queue.take_old_secrets(connection, now_ms):
                        await self._vault.drop(connection, reference)
            except UnavailableError as error:
                log.debug("webhook_sweep_failed", error=repr(error))
            await asyncio.sleep(SWEEP_SECONDS)

    # ------------------------------------------------------------ to the endpoints

    async def _deliver(self) -> None:
        while True:
            self._work.clear()
            try:
                if await self._start_due():
                    continue
            except UnavailableError:
                await asyncio.sleep(_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._work.wait()
            except TimeoutError:
                pass

    async def _start_due(self) -> bool:
        """Start what is due and finds a place; say whether anything was."""
        is_any = False
        for is_failing, most in ((False, AT_ONCE), (True, AT_ONCE_FAILING)):
            now = list(self._on_their_way.values())
            taken = sum(each.is_failing for each in now) if is_failing else 0
            limit = min(AT_ONCE - len(now), most - taken)
            if limit <= 0:
                continue
            due = await queue.take(
                self._pools,
                self._clock.now_ms(),
                busy=Counter(each.endpoint for each in now),
                each_most=AT_ONCE_EACH,
                limit=limit,
                is_failing=is_failing,
            )
            for each in due:
                is_any = True
                self._on_their_way[each.id] = each
                self._supervisor.start("delivery", self._attempt(each))
        return is_any

    async def _attempt(self, due: Due) -> None:
        try:
            await self._note(due, await self._try(due))
        except UnavailableError:
            # Its lease ends, and it is tried again.
            log.warning("webhook_attempt_not_noted", delivery=due.id)
        finally:
            del self._on_their_way[due.id]
            self.wake()

    async def _try(self, due: Due) -> Result:
        try:
            body = await self._body(due)
        except MalformedFrameError:
            body = None
        if body is None:
            return Result(None, Failure.EVENT)
        secrets = await self._secrets(due)
        if not secrets:
            return Result(None, Failure.SECRET)
        headers = signing.headers(due.event, self._clock.now_ms(), body, secrets)
        return await self._sender.deliver(due.url, headers, body)

    async def _body(self, due: Due) -> bytes | None:
        if due.session is None or due.sequence is None:
            return payload.ping(self._clock.now_ms(), tenant=due.tenant)
        found = await self._reader.find(due.session, due.sequence, due.sequence)
        if not found:
            return None
        return payload.of_event(
            found[0], tenant=due.tenant, session=due.session, identity=self._identity
        )

    async def _secrets(self, due: Due) -> list[Secret]:
        """Return the secrets that sign now, the present one first."""
        references = [due.secret_ref]
        if due.previous_secret_ref and (due.previous_until or 0) > self._clock.now_ms():
            references.append(due.previous_secret_ref)
        found = [await self._vault.resolve(each, due.tenant) for each in references]
        return [each for each in found if each is not None]

    async def _note(self, due: Due, result: Result) -> None:
        now_ms = self._clock.now_ms()
        if result.failure is None:
            await queue.delivered(self._pools, due, now_ms, result.status)
            metrics.webhook_deliveries.labels("delivered").inc()
            return
        is_final = result.status == _GONE or result.failure is Failure.EVENT
        next_ms = None if is_final else next_try_ms(due.attempts, now_ms)
        metrics.webhook_deliveries.labels("retried" if next_ms else "failed").inc()
        log.info(
            "webhook_not_delivered", endpoint=due.endpoint, delivery=due.id, tries=due.attempts,
            reason=result.failure.value, status=result.status, is_given_up=next_ms is None,
        )  # fmt: skip
        await queue.failed(
            self._pools, due, status=result.status, error=result.failure.value, next_ms=next_ms
        )
        if result.failure is Failure.EVENT:
            return
        await queue.mark_failing(self._pools, due.endpoint, now_ms)
        if result.status == _GONE:
            await self._disable(due, "gone", now_ms)
        elif next_ms is None:
            await self._disable(due, "failing", now_ms - GIVEN_UP_MS)

    async def _disable(self, due: Due, reason: str, failing_before_ms: int) -> None:
        if await queue.disable(self._pools, due.endpoint, reason, failing_before_ms):
            log.warning(
                "webhook_endpoint_disabled", endpoint=due.endpoint, tenant=due.tenant, reason=reason
            )
