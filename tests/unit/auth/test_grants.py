import pytest

from server.auth.grants import GRANT_SECONDS, Grants
from server.errors import UnauthorizedError
from server.ids import new_id
from server.secrets.secret import Secret
from tests.unit.auth.test_tokens import Clock

TENANT, SESSION, USER = new_id(), new_id(), new_id()


def test_a_grant_opens_its_session_until_it_ends() -> None:
    clock = Clock()
    grants = Grants(Secret("s" * 32), clock)
    grant, ends = grants.issue(TENANT, SESSION, USER)
    assert ends // 1000 == clock.ms // 1000 + GRANT_SECONDS
    clock.ms = ends - 1
    assert grants.verify(SESSION, grant) == TENANT
    clock.ms = ends
    with pytest.raises(UnauthorizedError, match="expired"):
        grants.verify(SESSION, grant)


def test_a_grant_cannot_be_made_or_changed_elsewhere() -> None:
    grants = Grants(Secret("s" * 32), Clock())
    grant, _ = grants.issue(TENANT, SESSION, USER)
    expiry, tenant, user, mac = grant.split(".")
    forged = [
        f"{int(expiry) + 1}.{tenant}.{user}.{mac}",
        f"{expiry}.{new_id()}.{user}.{mac}",
        f"{expiry}.{tenant}.{new_id()}.{mac}",
        f"{expiry}.{tenant}.{user}.{mac[::-1]}",
        f"{expiry}.{tenant}.{user}",
        Grants(Secret("x" * 32), Clock()).issue(TENANT, SESSION, USER)[0],
        "",
    ]
    for text in forged:
        with pytest.raises(UnauthorizedError, match="not valid"):
            grants.verify(SESSION, text)
    with pytest.raises(UnauthorizedError, match="not valid"):
        grants.verify(new_id(), grant)


def test_a_grant_for_what_is_on_air_opens_no_recording_and_none_of_these_opens_it() -> None:
    clock = Clock()
    grants = Grants(Secret("s" * 32), clock)
    live, ends = grants.issue(TENANT, SESSION, USER, live_as="student")
    assert grants.holder(SESSION, live) == (TENANT, USER, "student")
    recorded, _ = grants.issue(TENANT, SESSION, USER)
    for use, grant in (
        (grants.verify, live),
        (grants.holder, recorded),
        (grants.holder, live.replace("student", "teacher")),
        (grants.holder, live.replace(".student", "")),
        (grants.verify, live.replace(".student", "")),
    ):
        with pytest.raises(UnauthorizedError, match="not valid"):
            use(SESSION, grant)
    clock.ms = ends
    with pytest.raises(UnauthorizedError, match="expired"):
        grants.holder(SESSION, live)
