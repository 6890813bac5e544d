"""The first and the last word to a connection."""

import random
from typing import Literal

from protocol import codec
from protocol.errors import CloseCode
from protocol.frames import Bye, Heartbeat, Limits, Me, Welcome
from protocol.ids import ViewName
from protocol.limits import (
    COMMAND_BURST,
    COMMANDS_PER_SECOND,
    FRAME_BYTES,
    HEARTBEAT_INTERVAL_MS,
    HEARTBEAT_TIMEOUT_MS,
    IN_FLIGHT,
)

Recovery = Literal["snapshot", "replay", "live"]

HEARTBEAT = Heartbeat(HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS)
LIMITS = Limits(FRAME_BYTES, COMMANDS_PER_SECOND, COMMAND_BURST, IN_FLIGHT)


def recovery_from(position: int | None, head: int) -> Recovery:
    """Return what a client that goes on from ``position`` gets first; None has no position."""
    if position is None:
        return "snapshot"
    return "live" if position == head else "replay"


def welcome(
    *,
    connection: str,
    session: str,
    log: str,
    epoch: int,
    head: int,
    me: Me,
    view: ViewName,
    recovery: Recovery,
    token_expires_at_ms: int,
    now_ms: int,
) -> bytes:
    """Return a ``welcome``: who they are here, and what comes next."""
    return codec.encode(
        Welcome(
            connection=connection,
            session=session,
            log=log,
            epoch=epoch,
            head=head,
            me=me,
            view=view,
            recovery=recovery,
            heartbeat=HEARTBEAT,
            limits=LIMITS,
            token_expires_at=codec.timestamp(token_expires_at_ms),
            now=codec.timestamp(now_ms),
        )
    )


def goodbye(code: CloseCode, spread_seconds: float = 2.0) -> bytes:
    """Return a ``bye``; who may come back is told when, each at another time."""
    most = 200 + round(spread_seconds * 1000)
    # Random to spread load: it keeps no secret.
    retry = random.randint(200, most) if code.may_reconnect else None  # noqa: S311
    return codec.encode(Bye(code, code.reason, retry))
