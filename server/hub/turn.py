"""One turn of the room that owns a session: what is in hand is decided, stored, and then told."""

from collections.abc import Callable, Mapping

import structlog

from protocol.errors import Refusal
from server.clock import Clock
from server.errors import UnavailableError
from server.hub.asks import Ask, Perform, Report
from server.hub.draft import Draft, stored_key
from server.hub.keys import Known, Settled
from server.hub.replica import Replica
from server.outages import Outage
from server.store.log import LogWriter, PoisonedError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SKEW_MS = 1_000
"""Nodes' clocks may differ by so much."""
_outage = Outage("clock")


class Turn:
    """Decides on top of what the replica knows, and has the log keep it."""

    def __init__(self, replica: Replica, writer: LogWriter, clock: Clock) -> None:
        self._replica = replica
        self._writer = writer
        self._clock = clock

    async def take(self, asks: list[Ask], epoch: int, commit: Callable[[Draft], None]) -> bool:
        """Decide ``asks`` in order, store what they lead to, and ``commit`` it.

        Return whether it is certain what became of them; if not, they are still in ``asks``.
        """
        try:
            known = await self._replica.keys.find(
                stored_key(ask) for ask in asks if isinstance(ask, Perform | Report)
            )
            while asks:
                draft, failed = self._draft(asks, known)
                # "Nothing to change" and "no" as well hold only while this node is the owner.
                if failed is None and (draft.commands or draft.outcomes):
                    try:
                        await self._writer.append(
                            self._replica.place.session, epoch, draft.commands
                        )
                    except PoisonedError as error:
                        log.exception("command_poisoned", session=self._replica.place.session)
                        failed = draft.asked[error.index]
                if failed is None:
                    commit(draft)
                    break
                # One command that cannot be stored takes nobody else's down: decide without it.
                asks.remove(failed)
                if isinstance(failed, Perform | Report):
                    failed.answer(Refusal("internal", "This command failed; it was logged."))
        except UnavailableError as error:
            log.debug("append_failed", session=self._replica.place.session, error=repr(error))
            return False
        asks.clear()
        return True

    def _draft(
        self, asks: list[Ask], known: Mapping[str, Known | Settled]
    ) -> tuple[Draft, Ask | None]:
        """Return the decisions on ``asks``, or the one that our own code fails on."""
        replica = self._replica
        session, now_ms = replica.place.session, self._clock.now_ms()
        behind_ms = replica.head.at_ms - now_ms
        if behind_ms > SKEW_MS:
            _outage.failed(f"{behind_ms / 1000:.0f} s behind the log")
        else:
            _outage.worked()
        draft = Draft(session, replica.state, replica.head, now_ms, known)
        for ask in asks:
            try:
                draft.take(ask)
            except Exception:
                log.exception("command_failed", session=session)
                return draft, ask
        return draft, None
