"""Courses, lessons and sessions as a school plans them, and what a teacher reads afterwards."""

import csv
import io

from server.ids import new_id
from server.store import attendance
from tests.integration.rest.conftest import Person
from tests.integration.rest.test_live_sessions import command


async def test_lessons_are_ordered_as_a_whole_and_leave_when_unused(api, school) -> None:
    teacher = school.teacher
    course = f"/v1/courses/{school.course}"
    two, three = [
        (await api.post(teacher, f"{course}/lessons", {"title": title})).body["id"]
        for title in ("Two", "Three")
    ]
    order = f"{course}/lesson-order"
    wanted = {"lessons": [three, school.lesson, two]}
    done = await api.send("PUT", teacher, order, wanted)
    assert (done.status, done.body) == (200, wanted)
    assert (await api.get(teacher, order)).body == wanted
    listed = (await api.get(teacher, f"{course}/lessons")).body["items"]
    assert [each["id"] for each in listed] == wanted["lessons"]
    for wrong in ([two, three], [two, two, three, school.lesson], [*wanted["lessons"], new_id()]):
        answer = await api.send("PUT", teacher, order, {"lessons": wrong})
        assert (answer.status, answer.code) == (409, "conflict")
    assert (await api.send("PUT", school.assistant, order, wanted)).code == "forbidden"
    assert (await api.get(teacher, order)).body == wanted

    lesson = f"/v1/lessons/{two}"
    changed = await api.patch(teacher, lesson, {"title": "Second"})
    assert (changed.body["title"], changed.body["order_index"]) == ("Second", 2)
    assert (await api.get(teacher, lesson)).body == changed.body
    assert (await api.send("DELETE", school.assistant, lesson)).code == "forbidden"
    assert (await api.send("DELETE", teacher, lesson)).status == 204
    assert (await api.get(teacher, lesson)).code == "not_found"
    used = await api.send("DELETE", teacher, f"/v1/lessons/{school.lesson}")
    assert (used.status, used.code) == (409, "conflict")
    assert (await api.send("DELETE", teacher, course)).code == "conflict"
    await api.send("DELETE", teacher, f"/v1/sessions/{school.session}")
    assert (await api.send("DELETE", teacher, course)).status == 204
    assert (await api.get(teacher, course)).code == "not_found"


async def test_sessions_are_planned_found_and_taken_off_the_plan(api, school) -> None:
    teacher = school.teacher
    alone = await api.post(
        teacher, "/v1/sessions", {"title": "Open day", "scheduled_at": "2030-01-01T10:00:00Z"}
    )
    assert (alone.status, alone.body["lesson"]) == (201, None)
    path = alone.headers["Location"]

    async def found(query):
        answer = await api.get(teacher, f"/v1/sessions?{query}")
        assert answer.status == 200, answer.raw
        return [each["id"] for each in answer.body["items"]]

    both = [school.session, alone.body["id"]]
    assert await found("status=scheduled") == both
    assert await found(f"course={school.course}") == both[:1]
    assert await found(f"lesson={school.lesson}") == both[:1]
    assert await found("from=2030-01-01T10:00:00Z&to=2030-01-01T10:00:01Z") == both[1:]
    assert await found("from=2029-01-01T10:00:00Z&to=2030-01-01T10:00:00Z") == []
    assert await found(f"course={new_id()}") == []
    for query in ("status=over", "from=2030-01-01", "course=x"):
        assert (await api.get(teacher, f"/v1/sessions?{query}")).code == "bad_request"
    assert (await api.post(school.assistant, "/v1/sessions", {"title": "x"})).code == "forbidden"

    expected = f"{path}/participants/{school.student.id}"
    await api.send("PUT", teacher, expected, {"role": "student"})
    assert (await api.send("DELETE", school.student, path)).code == "forbidden"
    assert (await api.send("DELETE", teacher, path)).status == 204
    assert (await api.get(teacher, path)).code == "not_found"

    taught = f"/v1/sessions/{school.session}"
    await command(api, teacher, school.session, "session.start")
    put_off = await api.patch(teacher, taught, {"scheduled_at": "2031-01-01T10:00:00Z"})
    assert (put_off.status, put_off.code) == (409, "conflict")
    assert (await api.patch(teacher, taught, {"title": "Still"})).status == 200
    gone = await api.send("DELETE", teacher, taught)
    assert (gone.status, gone.code) == (409, "conflict")
    done = await command(api, teacher, school.session, "session.end", key="end")
    await command(api, teacher, school.session, "session.archive", key="archive")
    shown = await api.get(teacher, f"{taught}?after_sequence={done.body['sequence'][1] + 1}")
    assert shown.body["status"] == "archived"


async def test_people_are_expected_before_they_come(api, school, hub) -> None:
    teacher, ben = school.teacher, school.student.id
    people = f"/v1/sessions/{school.session}/participants"
    path = f"{people}/{ben}"
    put = await api.send("PUT", school.assistant, path, {"role": "student"})
    assert (put.status, put.body["role"], put.body["join_time"]) == (200, "student", None)
    assert put.body["permissions"] == {}
    raised = await api.send("PUT", teacher, path, {"role": "teacher"})
    assert raised.body["role"] == "teacher"
    for method, body in (("PUT", {"role": "student"}), ("DELETE", None)):
        assert (await api.send(method, school.assistant, path, body)).code == "forbidden"
    assert (await api.send("PUT", school.assistant, path, {"role": "teacher"})).status == 403
    assert (await api.get(teacher, f"{people}?role=teacher")).body["items"] == [raised.body]
    assert (await api.get(teacher, f"{people}?role=student")).body["items"] == []
    assert (await api.get(teacher, f"{people}?status=gone")).code == "bad_request"
    unknown = await api.send("PUT", teacher, f"{people}/{new_id()}", {"role": "student"})
    assert unknown.code == "not_found"
    assert (await api.send("DELETE", teacher, path)).status == 204
    assert (await api.get(teacher, path)).code == "not_found"


async def test_attendance_is_what_the_log_says(api, pools, school, tell) -> None:
    ann, bob = new_id(), new_id()
    minute = 60_000
    await tell(
        school,
        (0, "session.started", {}),
        (1, "participant.joined", {"user": ann, "name": "=cmd()", "role": "student"}),
        (2, "participant.joined", {"user": bob, "name": "Bob", "role": "teacher"}),
        (11, "participant.left", {"user": ann}),
        (21, "participant.joined", {"user": ann, "name": "=cmd()", "role": "student"}),
        (41, "session.ended", {}),
    )
    path = f"/v1/sessions/{school.session}/attendance"
    page = (await api.get(school.assistant, f"{path}?limit=1")).body
    rest = (await api.get(school.assistant, f"{path}?after={page['next']}")).body
    of_ann, of_bob = page["items"][0], rest["items"][0]
    assert (of_ann["user"], of_ann["minutes"], len(of_ann["stays"])) == (ann, 30.0, 2)
    assert of_ann["first_joined_at"] == of_ann["stays"][0]["joined_at"]
    assert (of_bob["role"], of_bob["minutes"], rest["next"]) == ("teacher", 39.0, None)
    assert of_bob["last_left_at"] == of_ann["last_left_at"]

    table = await api.get(school.teacher, f"{path}.csv")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.raw.decode())))
    assert [(row["user"], row["name"], row["minutes"]) for row in rows] == [
        (ann, "'=cmd()", "30.0"), (bob, "Bob", "39.0"),
    ]  # fmt: skip
    assert rows[0]["stays"].count("/") == 2

    whole = f"/v1/courses/{school.course}/attendance"
    items = (await api.get(school.teacher, whole)).body["items"]
    assert [(each["user"], each["sessions"], each["minutes"]) for each in items] == [
        (ann, 1, 30.0), (bob, 1, 39.0),
    ]  # fmt: skip
    table = (await api.get(school.teacher, f"{whole}.csv")).raw.decode()
    assert list(csv.reader(io.StringIO(table)))[1] == [ann, "'=cmd()", "1", "30.0"]
    for each in (path, f"{path}.csv"):
        assert (await api.get(school.student, each)).code == "forbidden"
    assert (await api.get(school.teacher, f"{whole}?limit=0")).code == "bad_request"
    async with pools.tenant(school.tenant) as connection:
        (one, _) = await attendance.of_session(connection, school.session, 0)
    assert one.attendance.present_ms == 30 * minute


async def test_staff_read_scenes_polls_and_questions(api, school) -> None:
    teacher, session = school.teacher, school.session
    await command(api, teacher, session, "session.start", key="1")
    await command(
        api, teacher, session, "scene.create", key="2", name="Board",
        layout={"items": [{"source": "camera"}]},
    )  # fmt: skip
    await command(
        api, teacher, session, "poll.open", key="3", prompt="2 + 2?", options=["3", "4"],
        correct=[1],
    )  # fmt: skip
    await command(api, school.student, session, "question.ask", key="4", prompt="Why?")
    base = f"/v1/sessions/{session}"
    (poll,) = (await api.get(teacher, f"{base}/polls?after_sequence=4")).body["items"]
    assert (poll["options"], poll["votes"], poll["voters"]) == (["3", "4"], [0, 0], 0)
    voted = await command(
        api, school.student, session, "poll.vote", key="5", poll=poll["id"], choices=[1]
    )
    after = voted.body["sequence"][1]
    (poll,) = (await api.get(teacher, f"{base}/polls?after_sequence={after}")).body["items"]
    assert (poll["votes"], poll["voters"], poll["correct"]) == ([0, 1], 1, [1])
    (question,) = (await api.get(teacher, f"{base}/questions")).body["items"]
    assert (question["prompt"], question["user"]) == ("Why?", school.student.id)
    (scene,) = (await api.get(teacher, f"{base}/scenes")).body["items"]
    assert (scene["name"], scene["layout"]["items"][0]["source"]) == ("Board", "camera")
    table = (await api.get(teacher, f"{base}/polls.csv")).raw.decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["option"], row["correct"], row["votes"], row["voters"]) for row in rows] == [
        ("3", "no", "0", "1"), ("4", "yes", "1", "1"),
    ]  # fmt: skip
    table = (await api.get(teacher, f"{base}/questions.csv")).raw.decode()
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["prompt"], row["status"], row["answered_at"]) == ("Why?", "open", "")
    for name in ("polls.csv", "questions.csv"):
        assert (await api.get(school.student, f"{base}/{name}")).code == "forbidden"
    for name in ("polls", "questions", "scenes"):
        assert (await api.get(school.student, f"{base}/{name}")).code == "forbidden"
        assert (await api.get(teacher, f"{base}/{name}?limit=0")).code == "bad_request"


async def test_what_is_revoked_streams_nowhere(api, pools, school) -> None:
    teacher = school.teacher
    made = await api.post(teacher, "/v1/integrations", {"provider": "custom"})
    account, places = made.headers["Location"], []
    for name in ("A", "B"):
        body = {
            "integration": made.body["id"], "name": name, "url": "rtmp://127.0.0.1:1935/live",
            "stream_key": "a-key",
        }  # fmt: skip
        places.append((await api.post(teacher, "/v1/destinations", body)).headers["Location"])
    used = {"destination": places[0].rpartition("/")[2]}
    path = f"/v1/sessions/{school.session}/destinations"
    done = await api.post(teacher, path, used)
    status = f"{path}?after_sequence={done.body['sequence'][1]}"
    assert [each["status"] for each in (await api.get(teacher, status)).body["items"]] == [
        "enabled", "disabled",
    ]  # fmt: skip

    assert (await api.patch(school.assistant, account, {"status": "revoked"})).code == "forbidden"
    revoked = await api.patch(teacher, account, {"status": "revoked"})
    assert revoked.body["status"] == "revoked"
    status = f"{path}?after_sequence={done.body['sequence'][1] + 1}"
    assert {each["status"] for each in (await api.get(teacher, status)).body["items"]} == {
        "disabled"
    }
    again = await api.post(teacher, path, used)
    assert (again.status, again.code) == (409, "conflict")
    assert "revoked" in again.body["detail"]
    # Also over the socket's own door, which REST commands share.
    assert (
        await command(api, teacher, school.session, "destination.enable", **used)
    ).code == "conflict"

    for each in (places[0], account):
        refused = await api.send("DELETE", teacher, each)
        assert (refused.status, refused.code) == (409, "conflict")
    assert (await api.send("DELETE", school.assistant, places[1])).code == "forbidden"
    assert (await api.send("DELETE", teacher, places[1])).status == 204
    assert (await api.get(teacher, places[1])).code == "not_found"
    async with pools.hub() as connection:
        assert await connection.fetchval("SELECT count(*) FROM secrets") == 1
    other = await api.post(teacher, "/v1/integrations", {"provider": "custom"})
    assert (await api.send("DELETE", teacher, other.headers["Location"])).status == 204
    assert (await api.get(teacher, other.headers["Location"])).code == "not_found"


async def test_roles_of_one_course_plan_that_course(api, school) -> None:
    ben = (await api.post(school.admin, "/v1/users", {"name": "Ben"})).body["id"]
    role = {"role": "teacher", "scope": "course", "scope_id": school.course}
    assert (await api.post(school.admin, f"/v1/users/{ben}/roles", role)).status == 201
    teacher = Person(school.tenant, ben, "teacher")
    course = f"/v1/courses/{school.course}"
    assert (await api.patch(teacher, course, {"title": "Mine"})).status == 200
    assert (await api.get(teacher, f"{course}/attendance")).status == 200
    lesson = await api.post(teacher, f"{course}/lessons", {"title": "New"})
    assert (await api.patch(teacher, lesson.headers["Location"], {"title": "x"})).status == 200
    other = (await api.post(school.teacher, "/v1/courses", {"title": "Other"})).body["id"]
    assert (await api.patch(teacher, f"/v1/courses/{other}", {"title": "x"})).status == 404
    assert (await api.post(teacher, "/v1/sessions", {"title": "x"})).code == "forbidden"
