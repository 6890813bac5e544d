import asyncio

from server.ids import new_id
from server.store import integrations
from tests.integration.rest.conftest import TOKENS

INSTANT = "2026-11-22T10:00:00+01:00"


async def test_a_course_its_lesson_and_a_session_are_made_and_changed(api, school) -> None:
    teacher = school.teacher
    course = await api.post(teacher, "/v1/courses", {"title": "Physics"})
    assert course.status == 201
    assert course.body["status"] == "draft"
    path = f"/v1/courses/{course.body['id']}"
    changed = await api.patch(teacher, path, {"status": "published"})
    assert (changed.status, changed.body["title"], changed.body["status"]) == (
        200, "Physics", "published",
    )  # fmt: skip
    assert (await api.get(teacher, path)).body == changed.body

    lesson = await api.post(teacher, f"{path}/lessons", {"title": "Light", "order_index": 2})
    assert lesson.status == 201
    assert lesson.body["course"] == course.body["id"]

    sessions = f"/v1/lessons/{lesson.body['id']}/sessions"
    session = await api.post(teacher, sessions, {"title": "Waves", "scheduled_at": INSTANT})
    assert session.status == 201
    assert session.body | {"id": 0, "created_at": 0} == {
        "id": 0, "lesson": lesson.body["id"], "title": "Waves", "language": "en",
        "status": "scheduled", "scheduled_at": "2026-11-22T09:00:00.000Z", "started_at": None,
        "ended_at": None, "created_at": 0,
    }  # fmt: skip
    path = f"/v1/sessions/{session.body['id']}"
    assert (await api.get(teacher, path)).body == session.body
    moved = await api.patch(teacher, path, {"title": "Particles"})
    assert (moved.body["title"], moved.body["scheduled_at"]) == (
        "Particles", session.body["scheduled_at"],
    )  # fmt: skip
    off = await api.patch(teacher, path, {"scheduled_at": None})
    assert off.body["scheduled_at"] is None
    assert (await api.get(teacher, sessions)).body == {"items": [off.body], "next": None}


async def test_a_body_that_does_not_hold_is_refused_with_its_field(api, school) -> None:
    path = f"/v1/lessons/{school.lesson}/sessions"
    for body, field in (
        ({}, "title"),
        ({"title": 7}, "title"),
        ({"title": ""}, "title"),
        ({"title": " \n"}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "x", "scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"title": "x", "scheduled_at": "2026-11-22T10:00:00"}, "scheduled_at"),
        ({"title": "x", "language": "English"}, "language"),
        ({"title": "x", "color": "red"}, "color"),
        ([], "body"),
        ("x", "body"),
    ):
        answer = await api.post(school.teacher, path, body)
        assert (answer.status, answer.code, answer.body["field"]) == (400, "bad_request", field)
    assert len((await api.get(school.teacher, path)).body["items"]) == 1


async def test_a_body_that_is_no_json_is_refused(api, school) -> None:
    as_json = {"Content-Type": "application/json"}
    for raw in (b"{", b"", b'{"title":"\\ud800"}', b'{"title":"\xff"}', b"[" * 50_000):
        answer = await api.post(school.teacher, "/v1/courses", raw=raw, headers=as_json)
        assert (answer.status, answer.code) == (400, "bad_request"), raw[:20]
    large = b'{"title":"' + b"x" * 65_536 + b'"}'
    answer = await api.post(school.teacher, "/v1/courses", raw=large, headers=as_json)
    assert (answer.status, answer.code) == (413, "too_large")
    answer = await api.post(
        school.teacher, "/v1/courses", raw=b"title=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_what_is_no_route_is_a_problem_too(api, school) -> None:
    answer = await api.get(school.teacher, "/v1/nothing")
    assert (answer.status, answer.code) == (404, "not_found")
    answer = await api.send("DELETE", school.teacher, "/v1/courses")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET,HEAD,POST"


async def test_every_answer_has_an_id_and_takes_the_clients(api, school) -> None:
    own = await api.get(school.teacher, "/v1/courses", headers={"X-Request-Id": "trace-1"})
    assert own.headers["X-Request-Id"] == "trace-1"
    bad = await api.get(school.teacher, "/v1/nothing", headers={"X-Request-Id": "a b"})
    assert len(bad.headers["X-Request-Id"]) == 36


async def test_lists_come_in_pages_that_lose_and_repeat_nothing(api, school) -> None:
    made = [
        (await api.post(school.teacher, "/v1/courses", {"title": f"C{n}"})).body["id"]
        for n in range(5)
    ]
    seen, path = [], "/v1/courses?limit=2"
    while path is not None:
        page = (await api.get(school.teacher, path)).body
        assert len(page["items"]) <= 2
        seen += [each["id"] for each in page["items"]]
        path = page["next"] and f"/v1/courses?limit=2&after={page['next']}"
    assert seen == [school.course, *made]
    whole = (await api.get(school.teacher, "/v1/courses?limit=6")).body
    assert len(whole["items"]) == 6
    assert whole["next"] is None


async def test_sessions_come_newest_first_where_that_is_asked(api, school) -> None:
    for title in ("Second", "Third"):
        await api.post(school.teacher, f"/v1/lessons/{school.lesson}/sessions", {"title": title})
    seen, after = [], ""
    while True:
        page = await api.get(school.teacher, f"/v1/sessions?order=newest&limit=1{after}")
        seen += [each["title"] for each in page.body["items"]]
        if page.body["next"] is None:
            break
        after = f"&after={page.body['next']}"
    assert seen == ["Third", "Second", "Algebra"]


async def test_lessons_come_in_their_order_through_all_pages(api, school) -> None:
    path = f"/v1/courses/{school.course}/lessons"
    for title, index in (("C", 3), ("A", 1), ("B", 3)):
        await api.post(school.teacher, path, {"title": title, "order_index": index})
    titles, after = [], ""
    for _ in range(4):
        page = (await api.get(school.teacher, f"{path}?limit=1{after}")).body
        titles += [each["title"] for each in page["items"]]
        after = f"&after={page['next']}"
    assert titles == ["One", "A", "C", "B"]
    assert page["next"] is None


async def test_a_query_that_does_not_hold_is_refused(api, school) -> None:
    for query, field in (
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("after=x", "after"),
        ("page=2", "page"),
        ("limit=1&limit=2", "query"),
    ):
        answer = await api.get(school.teacher, f"/v1/courses?{query}")
        assert (answer.status, answer.code, answer.body["field"]) == (400, "bad_request", field)


# ---------------------------------------------------------------- Idempotency-Key


async def create(api, who, title, key):
    return await api.post(who, "/v1/courses", {"title": title}, headers={"Idempotency-Key": key})


async def test_a_repeated_request_is_answered_as_before_and_done_once(api, school) -> None:
    first = await create(api, school.teacher, "Physics", "k1")
    again = await create(api, school.teacher, "Physics", "k1")
    assert (again.status, again.raw) == (201, first.raw)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await api.get(school.teacher, "/v1/courses")).body["items"]) == 2


async def test_one_key_is_one_request(api, school, stranger) -> None:
    await create(api, school.teacher, "Physics", "k1")
    other = await create(api, school.teacher, "Chemistry", "k1")
    assert (other.status, other.code) == (409, "idempotency_conflict")
    # Keys of different people never meet.
    assert (await create(api, stranger, "Chemistry", "k1")).status == 201
    odd = await create(api, school.teacher, "x", "spaces are not allowed")
    assert (odd.status, odd.body["field"]) == (400, "Idempotency-Key")


async def test_a_refused_request_leaves_its_key_free(api, school) -> None:
    path = f"/v1/courses/{new_id()}/lessons"
    key = {"Idempotency-Key": "k1"}
    assert (await api.post(school.teacher, path, {"title": "x"}, headers=key)).status == 404
    assert (await create(api, school.teacher, "Physics", "k1")).status == 201


async def test_the_same_request_ten_times_at_once_is_done_once(api, school) -> None:
    answers = await asyncio.gather(
        *(create(api, school.teacher, "Physics", "k1") for _ in range(10))
    )
    assert {each.status for each in answers} == {201}
    assert len({each.raw for each in answers}) == 1
    assert len((await api.get(school.teacher, "/v1/courses")).body["items"]) == 2


# ---------------------------------------------------------------- join tokens


async def test_a_link_lets_one_person_into_one_session(api, school) -> None:
    path = f"/v1/sessions/{school.session}/join-tokens"
    answer = await api.post(school.teacher, path, {"role": "student", "name": "Bob"})
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.body
    assert (
        body["url"] == f"https://live.example/sessions/{school.session}/room#token={body['token']}"
    )
    identity = TOKENS.verify(body["token"])
    assert (identity.session, identity.role, identity.name) == (school.session, "student", "Bob")
    assert identity.user == body["user"]
    assert (await api.get(body["token"], f"/v1/sessions/{school.session}")).status == 200
    staff = await api.post(school.teacher, path, {"role": "assistant", "name": "Bea"})
    assert "/studio#token=" in staff.body["url"]


async def test_nobody_makes_a_link_to_more_than_they_are(api, school) -> None:
    path = f"/v1/sessions/{school.session}/join-tokens"
    above = await api.post(school.assistant, path, {"role": "teacher", "name": "Me"})
    assert (above.status, above.code) == (403, "forbidden")
    # As a student, but in the name of the teacher: the teacher's own role would win.
    body = {"role": "student", "name": "Me", "user": school.teacher.id}
    assert (await api.post(school.assistant, path, body)).status == 403
    body["user"] = school.student.id
    assert (await api.post(school.assistant, path, body)).status == 201


# ---------------------------------------------------------------- destinations


async def test_an_integration_is_made_and_revoked(api, school) -> None:
    made = await api.post(school.teacher, "/v1/integrations", {"provider": "youtube"})
    assert (made.status, made.body["status"]) == (201, "active")
    path = f"/v1/integrations/{made.body['id']}"
    revoked = await api.patch(school.teacher, path, {"status": "revoked"})
    assert revoked.body["status"] == "revoked"
    listed = await api.get(school.teacher, "/v1/integrations")
    assert listed.body["items"] == [revoked.body]


async def test_a_destination_that_may_not_be_is_refused_with_its_field(api, school) -> None:
    integration = await api.post(school.teacher, "/v1/integrations", {"provider": "custom"})
    body = {
        "integration": integration.body["id"],
        "name": "A",
        "url": "rtmp://127.0.0.1/live",
        "stream_key": "hunter2hunter2",
    }
    for change, field in (
        ({"url": "https://a.example/live"}, "url"),
        ({"url": "rtmp://a.example"}, "url"),
        ({"url": "rtmp://user:pw@a.example/live"}, "url"),
        ({"url": "rtmp://10.0.0.1/live"}, "url"),
        ({"url": "rtmp://[::ffff:10.0.0.1]/live"}, "url"),
        ({"url": "rtmp://169.254.169.254/live"}, "url"),
        ({"url": "rtmp://127.0.0.1:5432/live"}, "url"),
        ({"backup_url": "rtmp://192.168.1.1/live"}, "backup_url"),
        ({"stream_key": None}, "stream_key"),
        ({"stream_key_ref": "env:STREAM_KEY_A"}, "stream_key"),
        ({"stream_key": None, "stream_key_ref": "env:LIVECLASS_TOKEN_SECRET"}, "stream_key_ref"),
        ({"stream_key": None, "stream_key_ref": "file:/etc/passwd"}, "stream_key_ref"),
        ({"stream_key": None, "stream_key_ref": "file:/run/secrets/x/k"}, "stream_key_ref"),
    ):
        answer = await api.post(school.teacher, "/v1/destinations", body | change)
        assert (answer.status, answer.code, answer.body["field"]) == (422, "bad_request", field)
    assert (await api.get(school.teacher, "/v1/destinations")).body["items"] == []


async def test_a_reference_is_taken_where_the_operator_allows_it(api, pools, school) -> None:
    integration = await api.post(school.teacher, "/v1/integrations", {"provider": "custom"})
    body = {"integration": integration.body["id"], "name": "A", "url": "rtmp://127.0.0.1/live"}
    for reference in ("env:STREAM_KEY_A", f"file:/run/secrets/{school.tenant}/key"):
        answer = await api.post(
            school.teacher, "/v1/destinations", body | {"stream_key_ref": reference}
        )
        assert answer.status == 201, answer.raw
        assert reference not in answer.raw.decode()
        async with pools.tenant(school.tenant) as connection:
            kept = await integrations.get_destination(connection, answer.body["id"])
        assert kept.stream_key_ref == reference
    sneaky = f"file:/run/secrets/{school.tenant}/../../../etc/passwd"
    answer = await api.post(school.teacher, "/v1/destinations", body | {"stream_key_ref": sneaky})
    assert answer.status == 422


async def test_a_destination_of_another_tenants_integration_is_not_found(
    api, school, stranger
) -> None:
    theirs = await api.post(stranger, "/v1/integrations", {"provider": "custom"})
    body = {"name": "A", "url": "rtmp://127.0.0.1/live", "stream_key_ref": "env:STREAM_KEY_A"}
    answers = [
        await api.post(school.teacher, "/v1/destinations", body | {"integration": each})
        for each in (theirs.body["id"], new_id())
    ]
    assert {each.status for each in answers} == {404}
    assert answers[0].raw == answers[1].raw


async def test_a_session_shows_what_it_can_stream_to(api, school) -> None:
    integration = await api.post(school.teacher, "/v1/integrations", {"provider": "custom"})
    body = {"integration": integration.body["id"], "name": "A", "url": "rtmp://127.0.0.1/live"}
    made = await api.post(
        school.teacher, "/v1/destinations", body | {"stream_key_ref": "env:STREAM_KEY_A"}
    )
    listed = await api.get(school.assistant, f"/v1/sessions/{school.session}/destinations")
    (item,) = listed.body["items"]
    warnings = item.pop("warnings")
    assert item == {
        "id": made.body["id"],
        "name": "A",
        "provider": "custom",
        "status": "disabled",
    }
    assert [each["code"] for each in warnings] == ["plain"]
    assert made.body["warnings"] == warnings


async def test_a_platform_is_known_and_its_addresses_are_its_own(api, school) -> None:
    listed = await api.get(school.teacher, "/v1/providers")
    known = {each["name"]: each for each in listed.body["items"]}
    assert known["youtube"]["video_kbps"] > 0
    assert known["custom"]["ingest"] is None
    integration = await api.post(school.teacher, "/v1/integrations", {"provider": "youtube"})
    body = {
        "integration": integration.body["id"],
        "name": "A",
        "url": "rtmp://127.0.0.1/live",
        "stream_key_ref": "env:STREAM_KEY_A",
    }
    for url in (body["url"], known["twitch"]["ingest"]):
        answer = await api.post(school.teacher, "/v1/destinations", body | {"url": url})
        assert (answer.status, answer.code) == (422, "bad_request")
        assert answer.body["field"] == "url"
        assert answer.body["detail"] == "This is no address of YouTube."


# ---------------------------------------------------------------- commands, recordings


async def test_a_command_that_does_not_hold_is_refused(api, school) -> None:
    path = f"/v1/sessions/{school.session}/commands"
    for body, code, field in (
        ({"key": "k", "op": "class.explode"}, "unknown_op", "op"),
        ({"key": "k", "op": "chat.post", "data": {}}, "bad_request", "text"),
        ({"key": "k", "op": "chat.post", "data": {"text": "a\0"}}, "bad_request", "text"),
        ({"key": "a b", "op": "hand.raise"}, "bad_request", "key"),
        ({"key": "k", "op": "hand.raise", "expect": -1}, "bad_request", "expect"),
    ):
        answer = await api.post(school.teacher, path, body)
        assert (answer.status, answer.code, answer.body["field"]) == (400, code, field)


async def test_a_scheduled_session_is_watched_by_staff_only(api, school) -> None:
    path = f"/v1/sessions/{school.session}/playback"
    whep = {"kind": "whep", "url": f"/v1/sessions/{school.session}/whep", "expires_at": None}
    assert (await api.get(school.teacher, path)).body["items"] == [whep]
    assert (await api.get(school.student, path)).body["items"] == []


async def test_a_recording_needs_a_grant_that_holds(api, school) -> None:
    base = f"/v1/sessions/{school.session}/recordings/{new_id()}"
    for grant in ("x", f"9999999999.{school.tenant}.{new_id()}.{'a' * 43}"):
        answer = await api.get(None, f"{base}/{grant}/index.m3u8")
        assert (answer.status, answer.code) == (401, "unauthorized")
    for name in ("..%2F..%2Findex.m3u8", "index.html", ".m3u8"):
        assert (await api.get(school.teacher, f"{base}/{name}")).status == 404


async def test_our_own_fault_is_named_by_its_id_and_nothing_else(api, app, school, monkeypatch):
    async def fail(*_args, **_more):
        raise RuntimeError("hunter2")

    monkeypatch.setattr("server.store.courses.list_all", fail)
    answer = await api.get(school.teacher, "/v1/courses")
    assert (answer.status, answer.code) == (500, "internal")
    assert answer.body["request"] == answer.headers["X-Request-Id"]
    assert b"hunter2" not in answer.raw
