"""Refusals (RFC 9457)."""

from typing import Literal, TypeAlias

from protocol.errors import ErrorCode
from protocol.rest.shapes import Answer

ProblemCode: TypeAlias = (
    ErrorCode
    | Literal[
        "method_not_allowed",
        "not_acceptable",
        "precondition_failed",
        "precondition_required",
        "unsupported_codec",
        "unsupported_media_type",
    ]
)


class Problem(Answer, frozen=True, omit_defaults=True):
    """Why a request was refused (RFC 9457); a client switches on ``code`` only."""

    code: ProblemCode
    title: str
    status: int
    detail: str
    field: str | None = None
    retry_ms: int | None = None
    touched: int | None = None
    request: str | None = None
    """What to name to the operator when it is our fault (``internal``)."""
