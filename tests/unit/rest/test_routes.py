import re
from typing import get_args, get_type_hints

import pytest
from aiohttp import web

from protocol.rest import ProblemCode
from server.auth.access import Resource
from server.auth.policy import OPERATOR
from server.rest import routes
from server.rest.problems import STATUS
from server.rest.route import Route

ROUTES = [pytest.param(each, id=f"{each.method} {each.path}") for each in routes.ROUTES]


@pytest.mark.parametrize("route", ROUTES)
def test_the_table_says_what_the_handler_takes_and_gives(route: Route) -> None:
    hints = get_type_hints(route.handler)
    body, query = get_args(hints["call"])
    none = type(None)
    assert body == (route.body or none)
    assert query == (route.query or none)
    if hints["return"] not in (web.Response, web.StreamResponse):
        assert hints["return"] == (route.answer or none)


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_described_and_what_it_may_refuse_is_complete(route: Route) -> None:
    assert (route.handler.__doc__ or "").partition("\n")[0].endswith(".")
    if route.idempotent:
        assert route.method == "POST"
    if route.command:
        assert route.idempotent
    if route.projected:
        assert route.method == "GET"
        assert "{session}" in route.path
    if route.status == 201 and "id" in getattr(route.answer, "__struct_fields__", ()):
        assert route.idempotent, "what makes something has to be safe to repeat"


@pytest.mark.parametrize("route", ROUTES)
def test_who_may_use_a_route_can_be_found_out(route: Route) -> None:
    within = route.access.within
    named = re.findall(r"\{(\w+)\}", route.path)
    places = [name for name in named if name in get_args(Resource)]
    assert within in places if places else within not in get_args(Resource)


def test_no_route_is_there_twice_and_only_media_and_tenants_are_open_to_scoped_tokens() -> None:
    known = [(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in routes.ROUTES]
    assert len(set(known)) == len(known)
    scoped = [each for each in routes.ROUTES if each.scope]
    assert {each.path.split("/")[4] for each in scoped if each.scope == "publish"} == {"whip"}
    assert {each.path.split("/")[2] for each in scoped if each.scope == OPERATOR} == {"tenants"}
    assert {each.scope for each in scoped} == {"publish", OPERATOR}
    assert all(each.access.within == "installation" for each in scoped if each.scope == OPERATOR)


def test_every_code_has_a_status() -> None:
    codes = {code for literal in get_args(ProblemCode) for code in get_args(literal)}
    assert set(STATUS) == codes
