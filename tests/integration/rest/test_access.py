import jwt
import msgspec
import pytest

from server.auth.origins import Origins
from server.errors import NotFoundError
from server.hub.door import Door
from server.ids import new_id
from server.rest.conventions import parameters
from server.rest.reading import NAMES
from server.rest.routes import ROUTES
from server.rest.samples import sample
from server.store import assignments, integrations, participants, tenants, users
from tests.integration.rest.conftest import TOKEN_SECRET, TOKENS, Person, found

IDS = {name for route in ROUTES for name in parameters(route.path)} - NAMES.keys()
MORE = dict.fromkeys(NAMES, "en") | {"file": "index.m3u8"}
BODIES = {"CommandRequest": {"key": "k", "op": "hand.raise"}}


def body_of(route):
    """A body that the route takes."""
    if route.body is None or route.body.__name__ in BODIES:
        return None if route.body is None else BODIES[route.body.__name__]
    (schema,), parts = msgspec.json.schema_components([route.body], ref_template="#/x/{name}")
    return sample(schema, parts, full=False)


async def test_no_route_answers_without_a_token(api) -> None:
    ids = {name: new_id() for name in IDS}
    for route in ROUTES:
        if route.access.within == "nothing":
            continue
        answer = await api.send(route.method, None, route.path.format_map(ids | MORE))
        assert (answer.status, answer.code) == (401, "unauthorized"), route
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


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


async def test_what_is_another_tenants_reads_like_what_does_not_exist(api, pools, school) -> None:
    destination = await _destination(pools, school)
    theirs = {
        "course": school.course,
        "lesson": school.lesson,
        "session": school.session,
        "integration": destination.integration_id,
        "destination": destination.id,
        "user": school.student.id,
    }
    async with pools.tenant(school.tenant) as connection:
        domain = await tenants.add_domain(connection, school.tenant, "class.school.example")
        given = await assignments.list_of(connection, school.student.id)
    theirs |= {"domain": domain.id, "assignment": given[0].id}
    stranger = (await found(pools)).admin
    theirs = {name: new_id() for name in IDS} | theirs
    for route in ROUTES:
        if "{" not in route.path or route.access.within == "installation":
            continue
        answers = []
        for ids in (theirs, {name: new_id() for name in IDS}):
            headers = {} if route.takes is None else {"Content-Type": route.takes}
            answers.append(
                await api.send(
                    route.method,
                    stranger,
                    route.path.format_map(ids | MORE),
                    body_of(route),
                    headers=headers | {"X-Request-Id": "same"},
                    raw=None if route.takes is None else b"v=0",
                )
            )
        assert answers[0].status == 404, (route, answers[0].raw)
        assert answers[0].raw == answers[1].raw
        assert _but_date(answers[0].headers) == _but_date(answers[1].headers)


def _but_date(headers):
    return {name: text for name, text in headers.items() if name != "Date"}


async def _destination(pools, school):
    async with pools.tenant(school.tenant) as connection:
        integration = await integrations.create(connection, school.tenant, provider="youtube")
        return await integrations.create_destination(
            connection, school.tenant, integration.id, name="A", url="rtmp://a.example/live",
            stream_key_ref="env:STREAM_KEY_A",
        )  # fmt: skip


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
