"""What can go wrong between a client and the server, as stable codes.

A client switches on ``code`` only; ``message`` is for people.
"""

from enum import IntEnum
from typing import Literal, TypeAlias

ErrorCode: TypeAlias = Literal[
    "bad_request",
    "unknown_op",
    "too_large",
    "unauthorized",
    "forbidden",
    "muted",
    "locked",
    "not_found",
    "conflict",
    "idempotency_conflict",
    "rate_limited",
    "overloaded",
    "session_ended",
    "unavailable",
    "internal",
]

RETRYABLE: frozenset[str] = frozenset(("rate_limited", "overloaded", "unavailable"))


class Refusal(Exception):
    """A rule says no. Nothing was stored; the one who asked is told, and nobody else."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        retry_ms: int | None = None,
        touched: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.field = field
        self.retry_ms = retry_ms
        self.touched = touched


class MalformedFrameError(Exception):
    """The peer broke the protocol; the connection ends with :attr:`CloseCode.PROTOCOL_ERROR`."""


def may_reconnect(code: int) -> bool:
    """Whether a client should come back after this close code, known to it or not."""
    return code < 4500


class CloseCode(IntEnum):
    """Why a connection ended. 4100–4499: come back; 4500–4999: do not."""

    SERVICE_RESTART = 1012
    DRAINING = 4101
    TOKEN_EXPIRED = 4105
    TOO_SLOW = 4108
    NO_PONG = 4112
    OVERLOADED = 4129
    TOKEN_INVALID = 4500
    PROTOCOL_ERROR = 4501
    NO_HELLO = 4502
    REMOVED = 4503
    BANNED = 4504
    DENIED = 4505
    ORIGIN_NOT_ALLOWED = 4506
    NOT_FOUND = 4507
    SESSION_OVER = 4509
    ABUSE = 4513
    NO_COMMON_VERSION = 4526

    @property
    def may_reconnect(self) -> bool:
        """Whether a client should come back after this code."""
        return may_reconnect(self)

    @property
    def reason(self) -> str:
        """The word that goes with the code on the wire."""
        return self.name.lower()
