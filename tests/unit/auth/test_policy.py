import dataclasses
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from server.auth.access import (
    ADMINISTER,
    ASSIST,
    ATTEND,
    BROWSE,
    EVERYONE,
    LOOK,
    MANAGE,
    SEARCH,
    SEE,
    TEACH,
)
from server.auth.policy import (
    authorize,
    reaching,
    require_operator,
    require_scope,
    role_in_session,
)
from server.auth.tokens import Identity
from server.errors import ForbiddenError, NotFoundError, UnauthorizedError

ANN = Identity("ann", "school", "algebra", "student", "Ann", frozenset(), 0)
STAFF = replace(ANN, session=None, role="teacher")


class Standing(NamedTuple):
    tenant: str | None = "school"
    session: str | None = "algebra"
    roles: tuple[str, ...] = ()
    role: str | None = None
    status: str | None = None
    is_revoked: bool = False


class Given(NamedTuple):
    role: str


def anybody(access):
    return dataclasses.replace(access, roles=EVERYONE)


@pytest.mark.parametrize(
    ("identity", "standing"),
    [
        pytest.param(ANN, Standing(tenant=None, session=None), id="no such session"),
        pytest.param(ANN, Standing(tenant="other"), id="another tenant's"),
        pytest.param(ANN, Standing(session="botany"), id="a token for another session"),
        pytest.param(
            ANN,
            Standing(session="botany", role="teacher", status="admitted"),
            id="even for one known",
        ),
        pytest.param(STAFF, Standing(), id="no role and never there"),
    ],
)
def test_what_is_not_theirs_does_not_exist(identity, standing) -> None:
    with pytest.raises(NotFoundError):
        role_in_session(identity, standing)


def test_a_token_for_the_session_is_enough() -> None:
    assert role_in_session(ANN, Standing()) == "student"


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
    assert role_in_session(identity, Standing(roles=given)) == role
    assert authorize(anybody(LOOK), identity, Standing(session=None, roles=given)) == role


@pytest.mark.parametrize("identity", [ANN, STAFF, replace(STAFF, role="student")])
def test_the_role_in_the_log_wins(identity) -> None:
    standing = Standing(roles=("student",), role="assistant", status="admitted")
    assert role_in_session(identity, standing) == "assistant"


def test_an_admin_whom_the_log_keeps_as_a_teacher_is_an_admin() -> None:
    standing = Standing(role="teacher", status="admitted")
    assert role_in_session(replace(STAFF, role="admin"), standing) == "admin"
    demoted = Standing(role="student", status="admitted")
    assert role_in_session(replace(STAFF, role="admin"), demoted) == "student"


@pytest.mark.parametrize("status", ["denied", "removed", "banned"])
def test_who_was_taken_out_stays_out(status) -> None:
    standing = Standing(roles=("admin",), role="student", status=status)
    for identity in (ANN, STAFF):
        with pytest.raises(ForbiddenError):
            role_in_session(identity, standing)


def test_a_token_for_one_session_manages_nothing() -> None:
    admin = replace(ANN, role="admin")
    for access in (MANAGE, MANAGE.of("course"), LOOK.of("lesson")):
        with pytest.raises(ForbiddenError):
            authorize(access, admin, Standing(session=None, roles=("admin",)))
    with pytest.raises(ForbiddenError):
        reaching(BROWSE, admin, [Given("admin")], is_revoked=False)
    with pytest.raises(ForbiddenError):
        authorize(LOOK, STAFF, Standing(session=None))


@pytest.mark.parametrize("identity", [ANN, STAFF])
def test_who_was_revoked_hears_that_and_nothing_else(identity) -> None:
    for standing in (
        Standing(roles=("admin",), role="teacher", status="admitted", is_revoked=True),
        Standing(tenant=None, is_revoked=True),
        Standing(role="student", status="banned", is_revoked=True),
    ):
        with pytest.raises(UnauthorizedError):
            role_in_session(identity, standing)
        for access in (LOOK, MANAGE.of("course"), TEACH.of("replay")):
            with pytest.raises(UnauthorizedError):
                authorize(access, identity, standing)
    with pytest.raises(UnauthorizedError):
        reaching(SEARCH, identity, (), is_revoked=True)


def test_a_token_with_scopes_is_for_these_alone() -> None:
    publisher = replace(ANN, scope=frozenset({"publish"}))
    require_scope(publisher, "publish")
    require_scope(ANN, None)
    require_scope(ANN, "publish")
    with pytest.raises(ForbiddenError):
        require_scope(publisher, None)


# What each role may, by the table: whole tenant, one course, a class and what is left of it.
MAY = {
    "student": {ATTEND, SEE},
    "assistant": {ATTEND, SEE, LOOK, ASSIST},
    "teacher": {ATTEND, SEE, LOOK, ASSIST, MANAGE, TEACH},
    "admin": {ATTEND, SEE, LOOK, ASSIST, MANAGE, TEACH, ADMINISTER},
}


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("access", MAY["admin"])
def test_each_role_may_what_the_table_says_and_nothing_else(role, access) -> None:
    places = ["session", "artifact", "replay"] if access.within == "session" else ["course", None]
    for place in places:
        asked = access if place is None else access.of(place)
        standing = Standing(session="algebra" if asked.within != "tenant" else None, roles=(role,))
        who = replace(STAFF, role=role)
        if access in MAY[role]:
            assert authorize(asked, who, standing) == role
        else:
            with pytest.raises(ForbiddenError):
                authorize(asked, who, standing)


def test_a_course_that_no_role_covers_does_not_exist() -> None:
    for standing in (Standing(session=None), Standing(tenant=None, session=None)):
        with pytest.raises(NotFoundError):
            authorize(LOOK.of("course"), STAFF, standing)


def test_who_waits_sees_what_is_said_of_the_class_and_nothing_in_it() -> None:
    waiting = Standing(role="student", status="waiting")
    assert authorize(SEE, ANN, waiting) == "student"
    for access in (ATTEND, ATTEND.of("artifact"), ATTEND.of("replay")):
        with pytest.raises(ForbiddenError):
            authorize(access, ANN, waiting)
    with pytest.raises(ForbiddenError):
        authorize(SEE, ANN, Standing(role="student", status="denied"))


def test_lists_count_the_roles_that_are_enough_as_far_as_the_token_says() -> None:
    given = [Given("student"), Given("teacher")]
    assert reaching(BROWSE, STAFF, given, is_revoked=False) == ("teacher", [Given("teacher")])
    assert reaching(SEARCH, STAFF, given, is_revoked=False) == ("teacher", given)
    as_student = replace(STAFF, role="student")
    with pytest.raises(ForbiddenError):
        reaching(BROWSE, as_student, given, is_revoked=False)
    assert reaching(SEARCH, as_student, given, is_revoked=False) == ("student", given)
    # They may have come to classes without any role.
    assert reaching(SEARCH, as_student, (), is_revoked=False) == ("student", [])


def test_only_an_operator_operates() -> None:
    assert require_operator(replace(STAFF, scope=frozenset({"operator"}))) == "admin"
    for who in (replace(STAFF, role="admin"), replace(ANN, scope=frozenset({"operator"}))):
        with pytest.raises(ForbiddenError):
            require_operator(who)
