from typing import NamedTuple

import pytest
from msgspec.structs import replace

from server.auth.policy import require_scope, role_in_session, role_in_tenant
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError, UnauthorizedError

ANN = Identity("ann", "school", "algebra", "student", "Ann", frozenset(), 0)
STAFF = replace(ANN, session=None, role="teacher")


class Standing(NamedTuple):
    tenant: str | None = "school"
    roles: tuple[str, ...] = ()
    role: str | None = None
    status: str | None = None
    is_revoked: bool = False


@pytest.mark.parametrize(
    ("identity", "session", "standing"),
    [
        pytest.param(ANN, "algebra", Standing(tenant=None), id="no such session"),
        pytest.param(ANN, "algebra", Standing(tenant="other"), id="another tenant's"),
        pytest.param(ANN, "botany", Standing(), id="a token for another session"),
        pytest.param(
            ANN, "botany", Standing(role="teacher", status="admitted"), id="even for one known"
        ),
        pytest.param(STAFF, "algebra", Standing(), id="no role and never there"),
    ],
)
def test_what_is_not_theirs_does_not_exist(identity, session, standing) -> None:
    with pytest.raises(NotFoundError):
        role_in_session(identity, session, standing)


def test_a_token_for_the_session_is_enough() -> None:
    assert role_in_session(ANN, "algebra", Standing()) == "student"


@pytest.mark.parametrize(
    ("given", "claimed", "role"),
    [
        (("teacher",), "teacher", "teacher"),
        (("teacher",), "student", "student"),
        (("student",), "admin", "student"),
        (("student", "admin", "teacher"), "admin", "admin"),
    ],
)
def test_a_role_that_was_given_holds_as_far_as_the_token_says(given, claimed, role) -> None:
    identity = replace(STAFF, role=claimed)
    assert role_in_session(identity, "algebra", Standing(roles=given)) == role
    assert role_in_tenant(identity, Standing(roles=given)) == role


@pytest.mark.parametrize("identity", [ANN, STAFF, replace(STAFF, role="student")])
def test_the_role_in_the_log_wins(identity) -> None:
    standing = Standing(roles=("student",), role="assistant", status="admitted")
    assert role_in_session(identity, "algebra", standing) == "assistant"


def test_an_admin_whom_the_log_keeps_as_a_teacher_is_an_admin() -> None:
    standing = Standing(role="teacher", status="admitted")
    assert role_in_session(replace(STAFF, role="admin"), "algebra", standing) == "admin"
    demoted = Standing(role="student", status="admitted")
    assert role_in_session(replace(STAFF, role="admin"), "algebra", demoted) == "student"


@pytest.mark.parametrize("status", ["denied", "removed", "banned"])
def test_who_was_taken_out_stays_out(status) -> None:
    standing = Standing(roles=("admin",), role="student", status=status)
    for identity in (ANN, STAFF):
        with pytest.raises(ForbiddenError):
            role_in_session(identity, "algebra", standing)


def test_a_token_for_one_session_manages_nothing() -> None:
    with pytest.raises(ForbiddenError):
        role_in_tenant(replace(ANN, role="admin"), Standing(roles=("admin",)))
    with pytest.raises(ForbiddenError):
        role_in_tenant(STAFF, Standing())


@pytest.mark.parametrize("identity", [ANN, STAFF])
def test_who_was_revoked_hears_that_and_nothing_else(identity) -> None:
    for standing in (
        Standing(roles=("admin",), role="teacher", status="admitted", is_revoked=True),
        Standing(tenant=None, is_revoked=True),
        Standing(role="student", status="banned", is_revoked=True),
    ):
        with pytest.raises(UnauthorizedError):
            role_in_session(identity, "algebra", standing)
        with pytest.raises(UnauthorizedError):
            role_in_tenant(identity, standing)


def test_a_token_with_scopes_is_for_these_alone() -> None:
    publisher = replace(ANN, scope=frozenset({"publish"}))
    require_scope(publisher, "publish")
    require_scope(ANN, None)
    require_scope(ANN, "publish")
    with pytest.raises(ForbiddenError):
        require_scope(publisher, None)
