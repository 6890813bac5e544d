"""What holds for all routes alike: conditions, repetition, following the log, and being refused."""

import asyncio
import json

import pytest

from server.ids import new_id
from server.rest import live

from .test_live_sessions import command


async def test_a_change_is_made_only_to_what_the_caller_has_seen(api, school):
    made = await api.post(school.teacher, "/v1/courses", {"title": "One"})
    path = made.headers["Location"]
    assert path == f"/v1/courses/{made.body['id']}"
    first = await api.get(school.teacher, path)
    assert first.headers["ETag"] == made.headers["ETag"]

    async def change(title, tag):
        return await api.patch(school.teacher, path, {"title": title}, headers={"If-Match": tag})

    # Two that were made on the same ground: one of them is told to look again.
    both = await asyncio.gather(
        *(change(f"Two {number}", first.headers["ETag"]) for number in (1, 2))
    )
    assert sorted(answer.status for answer in both) == [200, 412]
    (done,) = (answer for answer in both if answer.status == 200)
    (refused,) = (answer for answer in both if answer.status == 412)
    assert refused.code == "precondition_failed"
    assert (await api.get(school.teacher, path)).headers["ETag"] == done.headers["ETag"]
    assert (await change("Three", f"W/{done.headers['ETag']}")).code == "precondition_failed"
    assert (await change("Three", f'"other", {done.headers["ETag"]}')).status == 200
    assert (await change("Four", "*")).status == 200
    assert (await api.get(school.teacher, path)).body["title"] == "Four"
    absent = f"/v1/courses/{new_id()}"
    gone = await api.patch(school.teacher, absent, {"title": "x"}, headers={"If-Match": "*"})
    assert gone.code == "not_found"


async def test_who_has_it_is_not_sent_it_again(api, school):
    for path in (f"/v1/courses/{school.course}", "/v1/courses"):
        tag = (await api.get(school.teacher, path)).headers["ETag"]
        for given in (tag, f"W/{tag}", "*"):
            again = await api.get(school.teacher, path, headers={"If-None-Match": given})
            assert (again.status, again.raw, again.headers["ETag"]) == (304, b"", tag)
        other = await api.get(school.teacher, path, headers={"If-None-Match": '"x"'})
        assert other.status == 200
        head = await api.send("HEAD", school.teacher, path)
        assert (head.status, head.raw, head.headers["ETag"]) == (200, b"", tag)


async def test_a_repeated_request_is_answered_with_the_same_place(api, school):
    headers = {"Idempotency-Key": "k1"}
    path = f"/v1/lessons/{school.lesson}/sessions"
    first = await api.post(school.teacher, path, {"title": "One"}, headers=headers)
    again = await api.post(school.teacher, path, {"title": "One"}, headers=headers)
    assert first.headers["Location"] == f"/v1/sessions/{first.body['id']}"
    for name in ("Location", "ETag"):
        assert again.headers[name] == first.headers[name]
    assert (again.raw, again.headers["Idempotency-Replayed"]) == (first.raw, "true")


async def test_a_read_follows_a_command(api, school, hub, projector, monkeypatch):
    session, teacher = school.session, school.teacher
    path = f"/v1/sessions/{session}"
    started = await command(api, teacher, session, "session.start", new_id())
    _, last = started.body["sequence"]
    shown = await api.get(teacher, f"{path}?after_sequence={last}")
    assert shown.body["status"] == "live"
    monkeypatch.setattr(projector, "patience", 0.5)
    ahead = await api.get(teacher, f"{path}?after_sequence={last + 1}")
    assert (ahead.code, ahead.headers["Retry-After"]) == ("unavailable", "1")
    for wrong in ("-1", "x", "1" * 16, "1.5"):
        answer = await api.get(teacher, f"{path}?after_sequence={wrong}")
        assert (answer.code, answer.body["field"]) == ("bad_request", "after_sequence")
    elsewhere = await api.get(teacher, f"/v1/courses/{school.course}?after_sequence=1")
    assert elsewhere.code == "bad_request"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/*", 200),
        ("text/html", 406),
        ("application/json;q=0, */*", 406),
        ("application/xml, text/*", 406),
        ("", 200),
    ],
)
async def test_only_what_is_accepted_is_sent(api, school, accept, status):
    path = f"/v1/courses/{school.course}"
    answer = await api.get(school.teacher, path, headers={"Accept": accept})
    assert answer.status == status
    if status == 406:
        assert answer.code == "not_acceptable"


async def test_what_no_route_takes_is_a_problem(api, school):
    assert (await api.get(school.teacher, "/v1/nothing")).code == "not_found"
    wrong = await api.send("DELETE", school.teacher, "/v1/courses")
    assert (wrong.code, wrong.headers["Allow"]) == ("method_not_allowed", "GET,HEAD,POST")
    text = await api.post(
        school.teacher, "/v1/courses", raw=b"title", headers={"Content-Type": "text/plain"}
    )
    assert text.code == "unsupported_media_type"


async def test_the_log_is_sent_line_by_line_in_the_callers_view(api, school, hub, monkeypatch):
    monkeypatch.setattr(live, "LINES", 7)
    session, teacher, student = school.session, school.teacher, school.student
    await command(api, teacher, session, "session.start", new_id())
    for number in range(20):
        person, more = (teacher, {"to": "staff"}) if number % 3 == 0 else (student, {})
        done = await command(
            api, person, session, "chat.post", new_id(), text=f"line {number}", **more
        )
        assert done.status == 200
    page = (await api.get(teacher, f"/v1/sessions/{session}/events?types=chat.posted")).body
    told = page["events"][1]
    await command(api, teacher, session, "chat.remove", new_id(), message=told["data"]["message"])
    for person in (teacher, student):
        whole = (await api.get(person, f"/v1/sessions/{session}/events?limit=1000")).body
        path = f"/v1/sessions/{session}/events.ndjson"
        answer = await api.get(person, path)
        assert answer.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
        assert [json.loads(line) for line in answer.raw.splitlines()] == whole["events"]
        head = whole["head"]
        for first, last in ((3, 9), (7, 7), (head, head + 50), (head + 1, head + 5), (9, 3)):
            part = await api.get(person, f"{path}?from={first}&to={last}")
            expected = [e for e in whole["events"] if first <= e["sequence"] <= last]
            assert [json.loads(line) for line in part.raw.splitlines()] == expected
    assert (await api.get(teacher, f"{path}?from=0")).body["field"] == "from"
    refused = await api.get(teacher, path, headers={"Accept": "application/json"})
    assert refused.code == "not_acceptable"
