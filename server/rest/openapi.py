"""The REST interface as an OpenAPI 3.1 document: the table, its types, and their docstrings. Pure.

``python -m server.rest`` writes it beside this module, and the reference for people with it.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from protocol import describe, meanings
from protocol.rest import Problem, ProblemCode
from server.rest import reading
from server.rest.conventions import ANYTHING, JSON, Conventions, needs_token, parameters
from server.rest.problems import STATUS
from server.rest.route import Route
from server.rest.samples import an_id, sample
from server.rest.schemas import Json, components, reference, words

PROBLEM: Final = "application/problem+json"
_OF_REST: Final[Mapping[ProblemCode, str]] = {
    "forbidden": "The caller may not do this.",
    "unauthorized": "There is no token, or it does not hold.",
    "not_found": "There is no such thing, or it is not the caller's.",
    "too_large": "The body is longer than the server takes.",
    "conflict": "This does not go with how things are now.",
    "idempotency_conflict": "The key was used for another request.",
    "method_not_allowed": "The path takes other methods: see `Allow`.",
    "not_acceptable": "The answer is of a type that `Accept` leaves out.",
    "precondition_failed": "It has changed since the caller read it.",
    "precondition_required": "Say with `If-Match` what the change is made to.",
    "unsupported_codec": "The offer has no codec that goes on air: H.264 is required.",
    "unsupported_media_type": "The body is of another content type than is taken here.",
}
MEANINGS: Final[Mapping[ProblemCode, str]] = dict((*meanings.ERRORS.items(), *_OF_REST.items()))

_UUID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

_INTRODUCTION: Final = """\
Everything around the live hour, and the live hour itself for programs that keep no socket.

Times are RFC 3339 in UTC with milliseconds, ids are UUIDs in lower case, and what is not known is
refused: an unknown field or parameter is an error, never ignored.

Every refusal is a problem document (RFC 9457) whose `code` says what to do. What belongs to
somebody else reads exactly like what does not exist.
"""

_HEADERS: Final[Json] = {
    "ETag": "Changes whenever the answer does: send it as `If-None-Match` or `If-Match`.",
    "Location": "Where it is.",
    "Link": "ICE servers to use (RFC 9725 §4.6).",
    "Idempotency-Replayed": "`true` if the answer is that of an earlier request with this key.",
    "Retry-After": "When to try again, in seconds.",
    "WWW-Authenticate": "That a bearer token is needed.",
    "X-Request-Id": "What to name to the operator; the request's own, if it had one.",
}
_PARAMETERS: Final[Json] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes it safe to send again: the same key is the same request for 24 hours,"
        " and is answered as it was the first time.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"},
        "example": "b7e2-1",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "Change it only if it still has this `ETag`; else `precondition_failed`.",
        "schema": {"type": "string"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Answer 304 without a body if it still has this `ETag`.",
        "schema": {"type": "string"},
    },
    "AfterSequence": {
        "name": reading.SEQUENCE,
        "in": "query",
        "description": "Show at least what the log said up to this sequence, which a command"
        " answered; `unavailable` if that takes more than a second.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999},
    },
}


def document(routes: Iterable[Route]) -> Json:
    """Return the OpenAPI document of the table ``routes``."""
    routes = tuple(routes)
    conventions = Conventions(routes)
    writer = _Writer(conventions, components(_kinds(routes)))
    ids = _operation_ids(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = writer.operation(route, ids[route])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "liveclass",
            "version": "1",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that this was read from."}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": chapter, "description": words(sys.modules[module].__doc__)}
            for chapter, module in {
                _chapter(each): each.handler.__module__ for each in routes
            }.items()
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token that your application signs, or a join link holds.",
                }
            },
            "parameters": _PARAMETERS,
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in _HEADERS.items()
            },
            "responses": dict(sorted(writer.problems.items())),
            "schemas": _without_queries(writer.schemas, routes),
        },
    }


class _Writer:
    """Describe routes one by one; what several share is gathered."""

    def __init__(self, conventions: Conventions, schemas: dict[str, Json]) -> None:
        self._conventions = conventions
        self.schemas = schemas
        self.problems: dict[str, Json] = {}

    def operation(self, route: Route, name: str) -> Json:
        """Return what there is to say of ``route``."""
        summary, _, description = words(route.handler.__doc__).partition("\n")
        operation: Json = {
            "operationId": name,
            "tags": [_chapter(route)],
            "summary": summary.strip(),
            "description": "\n\n".join(filter(None, (description.strip(), _who(route)))),
            "parameters": list(self._parameters(route)),
            "responses": dict((*self._answers(route), *self._problems(route))),
        }
        if not needs_token(route):
            operation["security"] = []
        else:
            operation["x-roles"] = sorted(route.access.roles)
            operation["x-within"] = route.access.within
        if route.scope is not None:
            operation["x-scope"] = route.scope
        if (body := self._body(route)) is not None:
            operation["requestBody"] = body
        return operation

    def _parameters(self, route: Route) -> Iterator[Json]:
        for name in parameters(route.path):
            yield _in_path(name)
        if route.query is not None:
            yield from self._query(route.query)
        if route.projected:
            yield _ref("parameters", "AfterSequence")
        if route.idempotent:
            yield _ref("parameters", "IdempotencyKey")
        if self._conventions.is_conditional(route):
            yield _ref("parameters", "IfMatch")
        if route.method == "GET" and route.answer is not None:
            yield _ref("parameters", "IfNoneMatch")

    def _query(self, kind: type[msgspec.Struct]) -> Iterator[Json]:
        schema = self.schemas[kind.__name__]
        for name, field in schema["properties"].items():
            # A parameter that is not given is null; there is no other way to say it.
            choices = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
            own = choices[0] if len(choices) == 1 else field
            more = {key: field[key] for key in ("default",) if field.get(key) is not None}
            shape = {
                **{key: own[key] for key in own if key not in ("description", "default")},
                **more,
            }
            yield {
                "name": name,
                "in": "query",
                "required": name in schema["required"],
                "description": field.get("description") or own.get("description", ""),
                "schema": shape,
            }

    def _body(self, route: Route) -> Json | None:
        if route.body is None and route.takes is None:
            return None
        if route.body is None:
            text = {"type": "string"} if str(route.takes).startswith("application/") else {}
            return {"required": True, "content": {route.takes: {"schema": text}}}
        schema = _ref("schemas", route.body.__name__)
        media = {"schema": schema, "example": sample(schema, self.schemas, full=False)}
        kinds = (JSON, "application/merge-patch+json") if route.method == "PATCH" else (JSON,)
        return {"required": True, "content": dict.fromkeys(kinds, media)}

    def _answers(self, route: Route) -> Iterator[tuple[str, Json]]:
        headers = ["X-Request-Id"]
        answer: Json = {"description": HTTPStatus(route.status).phrase + "."}
        if route.answer is not None:
            schema = reference(route.answer)
            example = sample(schema, self.schemas)
            answer["content"] = {route.produces: {"schema": schema, "example": example}}
            answer["description"] = self.schemas[schema["$ref"].rpartition("/")[2]]["description"]
            headers.append("ETag")
        elif route.produces != JSON:
            content = {} if route.produces == ANYTHING else {"schema": {"type": "string"}}
            answer["content"] = {route.produces: content}
            if route.status == 201:
                headers += ("Location", "ETag", "Link")
        if self._conventions.home_of(route) is not None:
            headers.append("Location")
        if route.idempotent and not route.command:
            headers.append("Idempotency-Replayed")
        answer["headers"] = {name: _ref("headers", name) for name in headers}
        yield str(route.status), answer
        if route.method == "GET" and route.answer is not None:
            yield (
                "304",
                {"description": "Not changed.", "headers": {"ETag": _ref("headers", "ETag")}},
            )

    def _problems(self, route: Route) -> Iterator[tuple[str, Json]]:
        by_status: dict[int, list[ProblemCode]] = {}
        for code in self._conventions.refusals(route):
            by_status.setdefault(STATUS[code], []).append(code)
        if "bad_request" in by_status.get(400, ()):
            # Well-formed, and yet not possible.
            by_status.setdefault(422, []).insert(0, "bad_request")
        for status, codes in sorted(by_status.items()):
            name = "-".join((str(status), *codes))
            self.problems.setdefault(name, _problem(status, codes))
            yield str(status), _ref("responses", name)


def _kinds(routes: Iterable[Route]) -> Iterator[Any]:
    """Give every type that a request brings or an answer is made of."""
    yield Problem
    for route in routes:
        if route.answer is not None:
            yield route.answer
        if route.body is not None:
            yield describe.describable(route.body)
        if route.query is not None:
            yield route.query


def _without_queries(schemas: Mapping[str, Json], routes: Iterable[Route]) -> Json:
    queries = {route.query.__name__ for route in routes if route.query is not None}
    return {name: schema for name, schema in schemas.items() if name not in queries}


def _chapter(route: Route) -> str:
    return route.handler.__module__.rpartition(".")[2]


def _operation_ids(routes: Iterable[Route]) -> dict[Route, str]:
    """Return a name for each route: its handler's, and where that serves several, which one."""
    named: dict[str, list[Route]] = {}
    for route in routes:
        function = getattr(route.handler, "__name__", "handle")
        named.setdefault(f"{_chapter(route)}.{function}", []).append(route)
    return {
        route: name if len(several) == 1 else f"{name}.{_literal(route)}"
        for name, several in named.items()
        for route in several
    }


def _literal(route: Route) -> str:
    return [part for part in route.path.split("/") if not part.startswith("{")][-1]


def _who(route: Route) -> str:
    if not needs_token(route):
        return "No token is needed."
    within = {
        "installation": "the operator of the installation",
        "tenant": "in the tenant",
        "reach": "anywhere in the tenant: it shows what their roles open",
    }.get(route.access.within, f"of the {route.access.within}")
    roles = ", ".join(sorted(route.access.roles))
    limited = f" A token limited to the scope `{route.scope}` will do." if route.scope else ""
    if route.access.within == "installation":
        return f"Who may: {within}.{limited}"
    return f"Who may: {roles} {within}.{limited}"


def _in_path(name: str) -> Json:
    if name in reading.NAMES:
        return {
            "name": name,
            "in": "path",
            "required": True,
            "description": reading.NAMES[name],
            "schema": {"type": "string"},
        }
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": f"The id of the {name}.",
        "schema": {"type": "string", "pattern": _UUID},
        "example": an_id(name),
    }


def _problem(status: int, codes: Iterable[ProblemCode]) -> Json:
    codes = list(codes)
    headers = ["X-Request-Id"]
    if status in (429, 503):
        headers.append("Retry-After")
    if status == 401:
        headers.append("WWW-Authenticate")
    schema = {
        "allOf": [
            _ref("schemas", "Problem"),
            {"properties": {"code": {"enum": codes}, "status": {"const": status}}},
        ]
    }
    return {
        "description": " ".join(f"`{code}`: {MEANINGS[code]}" for code in codes),
        "headers": {name: _ref("headers", name) for name in headers},
        "content": {
            PROBLEM: {
                "schema": schema,
                "example": {
                    "code": codes[0],
                    "title": HTTPStatus(status).phrase,
                    "status": status,
                    "detail": MEANINGS[codes[0]].replace("`", ""),
                },
            }
        },
    }


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
