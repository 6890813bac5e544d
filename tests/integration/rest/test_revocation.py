"""A token of somebody who was deactivated, or of a suspended tenant, holds for nothing."""

import pytest

from server.auth.access import ANYBODY, OPERATE
from server.rest.routes import ROUTES
from tests.integration.rest.requests import Ids, ask


@pytest.mark.parametrize("reason", ["person", "tenant"])
async def test_every_route_refuses_a_revoked_token_as_one_that_does_not_hold(
    api, owner, school, stranger, reason
) -> None:
    ids = Ids(session=school.session, course=school.course)
    statement = {
        "person": "UPDATE users SET status = $2 WHERE id = $1",
        "tenant": "UPDATE tenants SET status = $2 WHERE id = $1",
    }[reason]
    who = school.teacher.id if reason == "person" else school.teacher.tenant
    await owner.execute(statement, who, "inactive" if reason == "person" else "suspended")
    for route in ROUTES:
        if route.access in (ANYBODY, OPERATE):
            continue
        token = school.teacher.token(scope=(route.scope,) if route.scope else ())
        answer = await ask(api, route, token, ids)
        assert (answer.status, answer.code) == (401, "unauthorized"), route.path
    assert (await api.get(stranger.token(), "/v1/courses")).status == 200
    await owner.execute(statement, who, "active")
    assert (await api.get(school.teacher.token(), "/v1/courses")).status == 200
