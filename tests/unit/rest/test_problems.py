import json

import pytest
from aiohttp import web

from protocol.errors import Refusal
from server.errors import (
    ConflictError,
    FencedError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
)
from server.rest.problems import UnsupportedMediaTypeError, respond


def shown(response: web.Response) -> dict[str, object]:
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    body = json.loads(response.body)
    assert body["status"] == response.status
    return body


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refusal("bad_request", "No."), 400, "bad_request"),
        (Refusal("muted", "No."), 403, "muted"),
        (Refusal("rate_limited", "No.", retry_ms=1), 429, "rate_limited"),
        (NotFoundError(), 404, "not_found"),
        (UnauthorizedError(), 401, "unauthorized"),
        (ForbiddenError(), 403, "forbidden"),
        (ConflictError(), 409, "conflict"),
        (InvalidInputError("No.", field="url"), 422, "bad_request"),
        (UnavailableError(), 503, "unavailable"),
        (FencedError(), 503, "unavailable"),
        (UnsupportedMediaTypeError("text/plain"), 415, "unsupported_media_type"),
    ],
)
def test_an_error_is_its_status_and_code(error, status, code) -> None:
    response = respond(error)
    assert response.status == status
    assert shown(response)["code"] == code


def test_a_problem_says_where_and_when_to_try_again() -> None:
    problem = shown(respond(InvalidInputError("Too far.", field="url")))
    assert problem == {
        "code": "bad_request",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Too far.",
        "field": "url",
    }
    response = respond(Refusal("overloaded", "Later.", retry_ms=1200))
    assert response.headers["Retry-After"] == "2"
    assert shown(response)["retry_ms"] == 1200


def test_a_missing_token_is_asked_for() -> None:
    assert respond(UnauthorizedError()).headers["WWW-Authenticate"].startswith("Bearer")
