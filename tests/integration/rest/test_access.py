import jwt
import pytest

from server.auth.access import ANYBODY, OPERATE
from server.auth.origins import Origins
from server.auth.tokens import NIL
from server.errors import NotFoundError
from server.hub.door import Door
from server.ids import new_id
from server.rest.routes import ROUTES
from server.store import participants, users
from tests.integration.rest.conftest import TOKEN_SECRET, TOKENS, Person
from tests.integration.rest.requests import Ids, path_of


async def test_no_route_answers_without_a_token(api) -> None:
    ids = Ids()
    for route in ROUTES:
        if route.access is ANYBODY:
            continue
        answer = await api.send(route.method, None, path_of(route, ids))
        assert (answer.status, answer.code) == (401, "unauthorized"), route
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    open_to_all = {route.path for route in ROUTES if route.access is ANYBODY}
    assert open_to_all == {"/v1/sign-in", "/v1/join-link", "/v1/join"}


async def test_a_token_that_does_not_hold_is_refused(api, school) -> None:
    expired = await api.get(school.teacher.token(ttl=-1), "/v1/courses")
    assert (expired.status, expired.body["detail"]) == (401, "The token has expired.")
    claims = jwt.decode(school.teacher.token(), options={"verify_signature": False})
    for token in (
        jwt.encode(claims, "x" * 32, "HS256"),
        jwt.encode(claims, TOKEN_SECRET.reveal() * 2, "HS512"),
        jwt.encode(claims, None, "none"),
        "nonsense",
    ):
        answer = await api.get(token, "/v1/courses")
        assert (answer.status, answer.code) == (401, "unauthorized")
    answer = await api.get(None, "/v1/courses", headers={"Authorization": "Basic YTpi"})
    assert answer.status == 401


async def test_a_token_of_another_tenant_for_our_session_opens_nothing(api, school, stranger):
    token = stranger.token(session=school.session)
    ours = await api.get(token, f"/v1/sessions/{school.session}")
    random = await api.get(token, f"/v1/sessions/{new_id()}")
    assert ours.status == random.status == 404
    assert ours.raw == random.raw


async def test_an_id_that_is_none_is_not_found(api, school) -> None:
    unknown = await api.get(school.teacher, f"/v1/sessions/{new_id()}")
    for text in ("1", "x" * 36, school.session.upper(), f"{school.session}%00"):
        answer = await api.get(school.teacher, f"/v1/sessions/{text}")
        assert (answer.status, answer.raw) == (404, unknown.raw)


async def test_a_student_manages_nothing(api, school) -> None:
    for method, path in (
        ("POST", "/v1/courses"),
        ("GET", "/v1/courses"),
        ("GET", "/v1/destinations"),
        ("GET", f"/v1/sessions/{school.session}/participants"),
        ("POST", f"/v1/sessions/{school.session}/join-tokens"),
        ("POST", f"/v1/sessions/{school.session}/whip"),
    ):
        body = {"title": "x"} if path == "/v1/courses" and method == "POST" else None
        if path.endswith("join-tokens"):
            body = {"role": "teacher", "name": "Me"}
        answer = await api.send(method, school.student, path, body)
        assert (answer.status, answer.code) == (403, "forbidden")
    # Nor does a claim to be more than was given.
    claims_more = school.student.token(role="admin")
    assert (await api.post(claims_more, "/v1/courses", {"title": "x"})).status == 403


async def test_an_assistant_looks_but_does_not_change(api, school) -> None:
    assert (await api.get(school.assistant, "/v1/courses")).status == 200
    assert (await api.post(school.assistant, "/v1/courses", {"title": "x"})).status == 403


async def test_a_token_for_one_session_opens_that_session_only(api, school) -> None:
    token = school.teacher.token(session=school.session)
    assert (await api.get(token, f"/v1/sessions/{school.session}")).status == 200
    assert (await api.get(token, f"/v1/sessions/{new_id()}")).status == 404
    assert (await api.get(token, "/v1/courses")).status == 403
    elsewhere = school.teacher.token(session=new_id())
    assert (await api.get(elsewhere, f"/v1/sessions/{school.session}")).status == 404


async def test_a_publish_token_publishes_and_nothing_else(api, school) -> None:
    token = school.teacher.token(session=school.session, scope=["publish"])
    assert (await api.get(token, f"/v1/sessions/{school.session}")).status == 403
    whip = await api.post(
        token,
        f"/v1/sessions/{school.session}/whip",
        raw=b"{}",
        headers={"Content-Type": "application/json"},
    )
    assert (whip.status, whip.code) == (415, "unsupported_media_type")


async def test_without_a_role_a_person_needs_to_be_on_the_list(api, pools, school) -> None:
    async with pools.tenant(school.tenant) as connection:
        guest = new_id()
        await users.ensure(connection, school.tenant, guest, "Guest")
    person = Person(school.tenant, guest, "student")
    assert (await api.get(person, f"/v1/sessions/{school.session}")).status == 404
    async with pools.tenant(school.tenant) as connection:
        await participants.put_down(connection, school.tenant, school.session, guest, "student")
    assert (await api.get(person, f"/v1/sessions/{school.session}")).status == 200


async def test_a_publish_token_opens_no_live_socket(pools, school) -> None:
    door = Door(pools, Origins("https://live.example"), "log")
    of_teacher = school.teacher.token(session=school.session)
    _, role = await door.enter(TOKENS.verify(of_teacher), school.session)
    assert role == "teacher"
    token = school.teacher.token(session=school.session, scope=["publish"])
    with pytest.raises(NotFoundError):
        await door.enter(TOKENS.verify(token), school.session)


# ---------------------------------------------------------------- scopes of roles


async def given(pools, school, role, scope, scope_id):
    """Somebody with one role, in one course or session."""
    person = Person(school.tenant, new_id(), role)
    async with pools.tenant(school.tenant) as connection:
        await users.ensure(connection, school.tenant, person.id, "Tess")
        await users.give_role(
            connection, school.tenant, person.id, role, scope=scope, scope_id=scope_id
        )
    return person


async def listed(api, who, path):
    """The ids that a list shows."""
    answer = await api.get(who, path)
    assert answer.status == 200, answer.raw
    return [each["id"] for each in answer.body["items"]]


async def test_a_role_in_a_course_opens_that_course_and_what_is_in_it(api, pools, school) -> None:
    other = (await api.post(school.teacher, "/v1/courses", {"title": "Latin"})).body["id"]
    lessons = f"/v1/courses/{other}/lessons"
    lesson = (await api.post(school.teacher, lessons, {"title": "One"})).body["id"]
    sessions = f"/v1/lessons/{lesson}/sessions"
    session = (await api.post(school.teacher, sessions, {"title": "Ad hoc"})).body["id"]
    tess = await given(pools, school, "teacher", "course", other)

    assert await listed(api, tess, "/v1/courses") == [other]
    assert await listed(api, tess, "/v1/sessions") == [session]
    assert (await api.patch(tess, f"/v1/courses/{other}", {"title": "Greek"})).status == 200
    assert (await api.post(tess, lessons, {"title": "Two"})).status == 201
    assert (await api.post(tess, sessions, {"title": "Again"})).status == 201
    assert (await api.patch(tess, f"/v1/sessions/{session}", {"title": "Now"})).status == 200
    # What is not in it reads like what does not exist.
    for path in (
        f"/v1/courses/{school.course}",
        f"/v1/courses/{school.course}/lessons",
        f"/v1/lessons/{school.lesson}/sessions",
        f"/v1/sessions/{school.session}",
    ):
        answer = await api.get(tess, path)
        unknown = await api.get(tess, path.replace(path.split("/")[3], new_id()))
        assert (answer.status, answer.raw) == (404, unknown.raw)
    # Nor does it manage what is the whole tenant's.
    assert (await api.post(tess, "/v1/courses", {"title": "x"})).status == 403
    assert (await api.get(tess, "/v1/destinations")).status == 403


async def test_a_role_in_a_session_opens_that_session(api, pools, school) -> None:
    path = f"/v1/lessons/{school.lesson}/sessions"
    other = (await api.post(school.teacher, path, {"title": "Other"})).body["id"]
    tess = await given(pools, school, "assistant", "session", other)
    assert await listed(api, tess, "/v1/sessions") == [other]
    assert await listed(api, tess, "/v1/courses") == []
    assert (await api.get(tess, f"/v1/sessions/{other}/participants")).status == 200
    assert (await api.get(tess, f"/v1/sessions/{school.session}")).status == 404
    as_student = tess.token(role="student")
    assert (await api.get(as_student, f"/v1/sessions/{other}/participants")).status == 403
    assert (await api.get(as_student, "/v1/sessions")).status == 403


async def test_the_list_of_sessions_has_those_one_came_to(api, owner, pools, school) -> None:
    tess = await given(pools, school, "assistant", "session", new_id())
    assert await listed(api, tess, "/v1/sessions") == []
    async with pools.tenant(school.tenant) as connection:
        await participants.put_down(connection, school.tenant, school.session, tess.id, "assistant")
    assert await listed(api, tess, "/v1/sessions") == [school.session]
    for change in ("status = 'banned'", "status = 'admitted', role = 'student'"):
        await owner.execute(f"UPDATE session_participants SET {change} WHERE user_id = $1", tess.id)
        assert await listed(api, tess, "/v1/sessions") == []


async def test_an_operator_has_the_tenants_and_nothing_in_them(api, school) -> None:
    operator = Person(NIL, NIL, "admin").token(scope=["operator"])
    assert (await api.get(operator, "/v1/tenants")).status == 200
    for route in ROUTES:
        if route.access not in (OPERATE, ANYBODY) and route.method == "GET":
            assert (await api.get(operator, path_of(route, Ids()))).status == 403, route.path
    for token in (
        school.teacher.token(role="admin"),
        Person(NIL, NIL, "admin").token(scope=["operator"], session=school.session),
    ):
        assert (await api.get(token, "/v1/tenants")).status == 403
