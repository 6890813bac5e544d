"""REST shows who waits no more than their socket does, and refuses who is out."""

import pytest

from server.hub.asks import Arrive, Who
from server.hub.seating import Place
from server.media.fabric import Answer
from server.store import installation

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def room(pools, hub, school):
    log = (await installation.read(pools)).log
    return await hub.room(Place(school.session, school.tenant, log))


async def does(api, who, session, op, key, **data):
    body = {"key": key, "op": op, "data": data}
    answer = await api.post(who, f"/v1/sessions/{session}/commands", body)
    assert answer.status == 200, answer.body
    return answer.body


async def asks_for_everything(api, who, session):
    """Return the statuses of speaking, watching, listing what to watch; and the log as seen."""
    path = f"/v1/sessions/{session}"
    body = {"key": "x", "op": "chat.post", "data": {"text": "hello"}}
    answers = [
        await api.post(who, f"{path}/commands", body),
        await api.post(who, f"{path}/whep", raw=b"v=0", headers=SDP),
        await api.get(who, f"{path}/playback"),
    ]
    return [each.status for each in answers], await api.get(who, f"{path}/events")


async def test_who_waits_or_would_wait_sees_and_does_nothing_over_rest(api, school, room):
    session, student = school.session, school.student
    await does(api, school.teacher, session, "session.start", "1")
    await does(api, school.teacher, session, "chat.post", "2", text="among us")
    await does(api, school.teacher, session, "session.lock", "3")
    for has_come in (False, True):
        if has_come:
            room.submit(Arrive(Who(student.id, "Student", "student")))
            await does(api, school.teacher, session, "chat.post", "4", text="among us again")
            assert room.state.people[student.id].status == "waiting"
        statuses, seen = await asks_for_everything(api, student, session)
        assert statuses == [403, 403, 403]
        # What they would see of a class that they have not come to is nothing.
        assert seen.status == 403 if has_come else seen.body["events"] == []
        shown = await api.get(student, f"/v1/sessions/{session}")
        assert (shown.status, shown.body["title"]) == (200, "Algebra")
    await does(api, school.teacher, session, "participant.admit", "5", user=student.id)
    statuses, seen = await asks_for_everything(api, student, session)
    assert statuses == [200, 503, 200]  # the media worker of these tests is away
    assert "among us" in str(seen.body["events"])


@pytest.mark.parametrize("op", ["remove", "ban"])
async def test_who_is_out_is_refused_at_once_and_staff_who_are_not_staff_any_more(
    api, school, room, op
):
    session, assistant, student = school.session, school.assistant, school.student
    room.submit(Arrive(Who(student.id, "Student", "student")))
    room.submit(Arrive(Who(assistant.id, "Assistant", "assistant")))
    await does(api, school.teacher, session, "session.start", "1")
    publish = f"/v1/sessions/{session}/whip"
    assert (await api.post(assistant, publish, raw=b"v=0", headers=SDP)).status == 503
    await does(
        api, school.teacher, session, "participant.set_role", "2", user=assistant.id, role="student"
    )
    assert (await api.post(assistant, publish, raw=b"v=0", headers=SDP)).status == 403
    assert (await asks_for_everything(api, assistant, session))[0] == [200, 503, 200]
    # Nothing here carries the log into the tables: it is the log that is asked.
    await does(api, school.teacher, session, f"participant.{op}", "3", user=student.id)
    statuses, seen = await asks_for_everything(api, student, session)
    assert (statuses, seen.status) == ([403, 403, 403], 403)


async def test_who_is_removed_while_they_begin_to_watch_does_not_watch(
    api, school, room, fabric, monkeypatch
):
    """The engine is told to expel them before it knows that there is somebody to expel."""
    session, student = school.session, school.student
    room.submit(Arrive(Who(student.id, "Student", "student")))
    await does(api, school.teacher, session, "session.start", "1")
    ended = []

    async def whep(session, user, _offer):
        await does(api, school.teacher, session, "participant.remove", "2", user=user)
        return Answer(201, {"Location": f"/v1/sessions/{session}/whep/abc"}, b"v=0")

    async def delete(session, resource):
        ended.append((session, resource))
        return Answer(200)

    monkeypatch.setattr(fabric, "whep", whep)
    monkeypatch.setattr(fabric, "delete", delete)
    path = f"/v1/sessions/{session}/whep"
    assert (await api.post(student, path, raw=b"v=0", headers=SDP)).status == 403
    assert ended == [(session, "abc")]
