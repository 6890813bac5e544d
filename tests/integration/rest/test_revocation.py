"""A token of somebody who was deactivated, or of a suspended tenant, holds for nothing."""

import pytest

from server.ids import new_id
from server.rest.routes import ROUTES

from .test_access import BODIES, IDS, MORE

VALID = BODIES | {
    "NewIntegration": {"provider": "youtube"},
    "NewDestination": {"integration": new_id(), "name": "x", "url": "rtmp://a.example/live"},
}


@pytest.mark.parametrize("reason", ["person", "tenant"])
async def test_every_route_refuses_a_revoked_token_as_one_that_does_not_hold(
    api, owner, school, stranger, reason
) -> None:
    ids = {name: new_id() for name in IDS} | {"session": school.session, "course": school.course}
    statement = {
        "person": "UPDATE users SET status = $2 WHERE id = $1",
        "tenant": "UPDATE tenants SET status = $2 WHERE id = $1",
    }[reason]
    who = school.teacher.id if reason == "person" else school.teacher.tenant
    await owner.execute(statement, who, "inactive" if reason == "person" else "suspended")
    for route in ROUTES:
        answer = await api.send(
            route.method,
            school.teacher.token(scope=(route.scope,) if route.scope else ()),
            route.path.format_map(ids | MORE),
            None if route.body is None else VALID[route.body.__name__],
            headers={} if route.takes is None else {"Content-Type": route.takes},
            raw=None if route.takes is None else b"v=0",
        )
        assert (answer.status, answer.code) == (401, "unauthorized"), route.path
    assert (await api.get(stranger.token(), "/v1/courses")).status == 200
    await owner.execute(statement, who, "active")
    assert (await api.get(school.teacher.token(), "/v1/courses")).status == 200
