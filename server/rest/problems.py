"""Every answer that is a "no": RFC 9457 problem documents, made in one place.

The body of a problem depends on the problem alone, so that what belongs to another tenant reads
byte for byte like what does not exist. ``X-Request-Id`` tells requests apart: it is in the log, and
a client may give its own.
"""

import re
from http import HTTPStatus
from typing import TypeAlias, assert_never, get_args

import msgspec
import structlog
from aiohttp import web
from aiohttp.hdrs import METH_ALL
from aiohttp.typedefs import Handler
from structlog.contextvars import bound_contextvars

from protocol.errors import RETRYABLE, Refusal
from protocol.rest import Problem, ProblemCode
from server.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
)
from server.ids import new_id
from server.ops import metrics, tracing

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

STATUS: dict[ProblemCode, int] = {
    "bad_request": 400,
    "unknown_op": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "muted": 403,
    "locked": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "conflict": 409,
    "idempotency_conflict": 409,
    "session_ended": 409,
    "precondition_failed": 412,
    "too_large": 413,
    "unsupported_media_type": 415,
    "unsupported_codec": 422,
    "precondition_required": 428,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "unavailable": 503,
}

_OF_STATUS: dict[int, ProblemCode] = {
    status: code
    for code, status in STATUS.items()
    if code in ("bad_request", "not_found", "method_not_allowed", "too_large")
}
REQUEST_ID = web.RequestKey("request_id", str)
"""Where the id is found by who begins an answer before the middleware sees it."""
_CLIENTS_OWN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class UnsupportedMediaTypeError(Exception):
    """The body is of another content type than this route takes."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"The body must be {expected}.")


class NotAcceptableError(Exception):
    """The client takes another content type than this route gives."""

    def __init__(self, given: str) -> None:
        super().__init__(f"The answer is {given}, which Accept leaves out.")


class PreconditionFailedError(Exception):
    """Since the client looked, somebody else has changed what it wants to change."""

    def __init__(self) -> None:
        super().__init__("This is not what it was when you read it: read it again.")


Expected: TypeAlias = (
    Refusal
    | NotFoundError
    | UnauthorizedError
    | ForbiddenError
    | ConflictError
    | InvalidInputError
    | UnavailableError
    | UnsupportedMediaTypeError
    | NotAcceptableError
    | PreconditionFailedError
)
"""What handlers raise to say no; everything else is our fault."""
_EXPECTED: tuple[type[Expected], ...] = get_args(Expected)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer whatever goes wrong below with a problem, and give every answer its request's id.

    Live sockets pass through: once upgraded they say goodbye in their own way.
    """
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await handler(request)
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _CLIENTS_OWN_ID.fullmatch(given) else new_id()
    request[REQUEST_ID] = request_id
    route = _route(request)
    method = request.method if request.method in METH_ALL else "other"
    origin = tracing.origin(request.headers, request=request_id)
    with (
        metrics.rest_seconds.labels(method, route).time(),
        bound_contextvars(request=request_id, **_trace(request)),
        tracing.span(f"{method} {route}", of=origin),
    ):
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = _of_http(error)
        except _EXPECTED as error:
            response = respond(error)
        except Exception:
            log.exception("request_failed", request=request_id, method=method, route=route)
            response = _response(
                _problem("internal", "Something went wrong on our side.", request=request_id)
            )
        tracing.note(**{"http.response.status_code": response.status})
    metrics.rest_requests.labels(method, route, response.status).inc()
    response.headers["X-Request-Id"] = request_id
    return response


def _trace(request: web.Request) -> dict[str, str]:
    """Return what the log says of the trace that the caller named (W3C Trace Context)."""
    found = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return {} if found is None else {"trace": found[1]}


def respond(error: Expected) -> web.Response:
    """Return the problem that says what ``error`` says."""
    text = str(error)
    match error:
        case Refusal():
            problem = _problem(
                error.code, text, field=error.field, retry_ms=error.retry_ms, touched=error.touched
            )
        case NotFoundError():
            problem = _problem("not_found", text)
        case UnauthorizedError():
            problem = _problem("unauthorized", text)
        case ForbiddenError():
            problem = _problem("forbidden", text)
        case ConflictError():
            problem = _problem("conflict", text)
        case InvalidInputError():
            # Well-formed, and yet not possible: RFC 9110 §15.5.21.
            problem = _problem("bad_request", text, field=error.field, status=422)
        case UnavailableError():
            problem = _problem("unavailable", text, retry_ms=round(error.retry_seconds * 1000))
        case UnsupportedMediaTypeError():
            problem = _problem("unsupported_media_type", text)
        case NotAcceptableError():
            problem = _problem("not_acceptable", text)
        case PreconditionFailedError():
            problem = _problem("precondition_failed", text)
        case _:
            assert_never(error)
    return _response(problem)


def _route(request: web.Request) -> str:
    """Return the pattern of the route that was asked for: a bounded label."""
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


def _of_http(error: web.HTTPException) -> web.Response:
    """Turn what aiohttp itself raises (no such route, body too large) into a problem."""
    code = _OF_STATUS.get(error.status, "bad_request")
    detail = {
        "not_found": "There is no such route.",
        "method_not_allowed": "This route does not take this method.",
        "too_large": "The body is too large.",
    }.get(code, "The request cannot be understood.")
    response = _response(_problem(code, detail, status=error.status))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _problem(
    code: ProblemCode,
    detail: str,
    *,
    status: int | None = None,
    field: str | None = None,
    retry_ms: int | None = None,
    touched: int | None = None,
    request: str | None = None,
) -> Problem:
    status = status or STATUS[code]
    title = HTTPStatus(status).phrase
    return Problem(code, title, status, detail, field, retry_ms, touched, request)


def _response(problem: Problem) -> web.Response:
    response = web.Response(
        body=msgspec.json.encode(problem),
        status=problem.status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )
    if problem.retry_ms is not None or problem.code in RETRYABLE:
        response.headers["Retry-After"] = str(max(1, -(-(problem.retry_ms or 0) // 1000)))
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="liveclass"'
    return response
