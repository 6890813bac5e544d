"""What follows for a route from its line in the table, the same for all of them.

The endpoint does it, and the published description says it, from here: no handler, and no line of
the table, has to repeat it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import get_origin

from protocol.rest import Page, ProblemCode
from server.rest.route import Route

COMMON_ERRORS: tuple[ProblemCode, ...] = ("unauthorized", "forbidden", "unavailable", "internal")
"""What every route with a token may answer."""

OPEN_ERRORS: tuple[ProblemCode, ...] = ("unavailable", "internal")
"""What every route without one may answer."""

JSON = "application/json"
ANYTHING = "application/octet-stream"
"""The content type of what is stored: whatever it was stored as."""

_PARAMETER = re.compile(r"{(\w+)}")


def parameters(path: str) -> tuple[str, ...]:
    """Return the names in a path, in order."""
    return tuple(_PARAMETER.findall(path))


def needs_token(route: Route) -> bool:
    """Whether the caller has to say who they are."""
    return route.access.within != "nothing"


def chooses(route: Route) -> bool:
    """Whether ``Accept`` decides if this is answered: media types of files are known too late."""
    is_file = route.produces == ANYTHING
    return route.answer is not None or (route.method == "GET" and not is_file)


class Conventions:
    """The table as a whole: which route shows what another one makes or changes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._single = [each for each in routes if each.method == "GET" and _is_single(each)]

    def shown_at(self, route: Route) -> Route | None:
        """Return the route that shows what is at the path of ``route``, if there is one."""
        return next((each for each in self._single if each.path == route.path), None)

    def is_conditional(self, route: Route) -> bool:
        """Whether ``If-Match`` guards this change: the ETag is that of what is at its path."""
        return route.method in ("PUT", "PATCH", "DELETE") and self.shown_at(route) is not None

    def home_of(self, route: Route) -> str | None:
        """Return the path of what ``route`` makes, to which it adds the id; None if it has none."""
        if route.method != "POST" or route.status != 201 or route.answer is None:
            return None
        for each in self._single:
            *known, own = parameters(each.path) or ("",)
            if (
                each.answer is route.answer
                and each.path.endswith(f"/{{{own}}}")
                and set(known) <= set(parameters(route.path))
            ):
                return each.path
        return None

    def refusals(self, route: Route) -> tuple[ProblemCode, ...]:
        """Return every code that ``route`` may answer, in the order of its steps."""
        return tuple(dict.fromkeys(self._refusals(route)))

    def _refusals(self, route: Route) -> Iterator[ProblemCode]:
        yield from COMMON_ERRORS if needs_token(route) else OPEN_ERRORS
        if chooses(route):
            yield "not_acceptable"
        if parameters(route.path):
            yield "not_found"
        if route.query is not None or route.body is not None or route.projected:
            yield "bad_request"
        if route.body is not None or route.takes is not None:
            yield from ("bad_request", "too_large", "unsupported_media_type")
        if route.idempotent:
            yield from ("bad_request", "idempotency_conflict")
        if self.is_conditional(route):
            yield "precondition_failed"
        yield from route.errors


def _is_single(route: Route) -> bool:
    return isinstance(route.answer, type) and get_origin(route.answer) is not Page
