"""Older items over REST: any part of the log, of certain types, in the caller's view."""

import asyncio
import random
from itertools import product

import pytest

from server.hub import live_sessions as live_sessions_module
from server.hub.asks import Arrive, Who
from server.ids import new_id

from .test_live_sessions import command

WORD = "the-word-that-was-taken-back"
HIDDEN = ("participant.joined", "poll.voted", "question.upvoted")


def who(person):
    return Who(person.id, person.role.title(), person.role)


@pytest.fixture
async def told(api, school, hub):
    """A class with a log of many types; returns what staff and a student see of it."""
    rng = random.Random(3)
    session, teacher, student = school.session, school.teacher, school.student
    await command(api, teacher, session, "session.start", new_id())
    for person in (teacher, student, school.assistant):
        hub.find(session).submit(Arrive(who(person)))
    await command(api, teacher, session, "poll.open", new_id(), prompt="?", options=["a", "b"])
    await command(api, student, session, "question.ask", new_id(), prompt="why?")
    (poll,), (question,) = hub.find(session).state.polls, hub.find(session).state.questions
    for number in range(60):
        op, person, data = rng.choice(
            [
                ("chat.post", student, {"text": f"line {number}"}),
                ("chat.post", school.assistant, {"text": f"quiet {number}", "to": "staff"}),
                ("poll.vote", student, {"poll": poll, "choices": [number % 2]}),
                ("question.upvote", student, {"question": question}),
                ("question.unvote", student, {"question": question}),
                ("hand.raise", student, {}),
                ("hand.lower", student, {}),
            ]
        )
        assert (await command(api, person, session, op, new_id(), **data)).status == 200
    path = f"/v1/sessions/{session}/events"
    seen = {}
    for person in (teacher, student):
        page = (await api.get(person, f"{path}?limit=1000")).body
        assert (page["from"], page["to"]) == (1, page["head"])
        seen[person.role] = page["events"]
    assert len(seen["student"]) < len(seen["teacher"]) == hub.find(session).head.sequence
    return seen


async def closed(hub, session):
    task = hub._running[session]
    task.cancel()
    await asyncio.wait((task,))
    assert hub.find(session) is None


def path(school, **query):
    given = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/v1/sessions/{school.session}/events?{given}"


async def forwards(api, person, school, **query):
    """Return every event and page, first to last."""
    events, pages, after = [], [], 0
    while True:
        page = (await api.get(person, path(school, after=after, **query))).body
        assert page["from"] == after + 1
        assert all(page["from"] <= event["sequence"] <= page["to"] for event in page["events"])
        if page["to"] < page["from"]:
            return events, pages
        pages.append(page)
        events += page["events"]
        after = page["to"]


async def backwards(api, person, school, **query):
    """Return every event and page, the newest page first."""
    events, pages, before = [], [], 2**40
    while True:
        page = (await api.get(person, path(school, before=before, **query))).body
        if page["to"] < page["from"]:
            return events, pages
        assert page["to"] == min(before - 1, page["head"])
        assert all(page["from"] <= event["sequence"] <= page["to"] for event in page["events"])
        pages.append(page)
        events = page["events"] + events
        before = page["from"]


async def test_pages_cover_the_log_from_either_end(api, school, told, monkeypatch):
    monkeypatch.setattr(live_sessions_module, "SCAN", 20)
    kinds = (None, "chat.posted", "chat.posted,poll.voted", "session.ended")
    people = (school.teacher, school.student)
    for walk, types, limit, person in product((forwards, backwards), kinds, (3, 1000), people):
        query = {"limit": limit} | ({} if types is None else {"types": types})
        wanted = [
            event
            for event in told[person.role]
            if types is None or event["type"] in types.split(",")
        ]
        events, pages = await walk(api, person, school, **query)
        assert events == wanted
        assert all(len(page["events"]) <= limit for page in pages)
        assert all(page["events"] == sorted(page["events"], key=sequence) for page in pages)


def sequence(event):
    return event["sequence"]


async def test_the_newest_come_first_with_before(api, school, told):
    last = told["teacher"][-10:]
    page = (await api.get(school.teacher, path(school, before=2**53 - 1, limit=10))).body
    assert page["events"] == last
    assert (page["from"], page["to"]) == (last[0]["sequence"], page["head"])
    assert last[-1]["sequence"] == page["head"]
    page = (await api.get(school.teacher, path(school, before=last[0]["sequence"], limit=10))).body
    assert page["events"] == told["teacher"][-20:-10]
    # Between two positions.
    page = (await api.get(school.teacher, path(school, after=3, before=6))).body
    assert [event["sequence"] for event in page["events"]] == [4, 5]
    page = (await api.get(school.teacher, path(school, before=1))).body
    assert (page["from"], page["to"], page["events"]) == (1, 0, [])
    beyond = (await api.get(school.teacher, path(school, after=10_000))).body
    assert (beyond["from"], beyond["to"], beyond["head"]) == (10_001, 10_000, page["head"])


async def test_where_a_page_ends_tells_nothing_of_what_is_hidden(api, school, told, monkeypatch):
    head = told["teacher"][-1]["sequence"]
    for kind in HIDDEN:
        staff = (await api.get(school.teacher, path(school, types=kind, limit=1))).body
        assert len(staff["events"]) == 1
        for query in ({"limit": 1}, {"before": 2**40, "limit": 1}):
            page = (await api.get(school.student, path(school, types=kind, **query))).body
            assert (page["from"], page["to"], page["events"]) == (1, head, [])


async def test_only_known_types_can_be_asked_for(api, school):
    for types in ("chat.typed", "chat.posted,chat.typed", "", "chat.posted,", "%00"):
        refused = await api.get(school.teacher, path(school, types=types))
        assert (refused.status, refused.code, refused.body["field"]) == (
            400, "bad_request", "types",
        )  # fmt: skip
    for field, value in (("before", 0), ("before", "x"), ("limit", 0), ("limit", 1001)):
        refused = await api.get(school.teacher, path(school, **{field: value}))
        assert (refused.status, refused.code) == (400, "bad_request")


async def test_what_was_removed_is_blank_on_every_page(api, school, told, hub):
    said = await command(api, school.student, school.session, "chat.post", new_id(), text=WORD)
    message = list(hub.find(school.session).state.messages)[-1]
    removed = await command(
        api, school.teacher, school.session, "chat.remove", new_id(), message=message
    )
    assert removed.status == 200
    (first, _) = said.body["sequence"]
    for is_open in (True, False):
        if not is_open:  # then nobody owns the class, and it is not opened to be read
            await closed(hub, school.session)
        for person in (school.teacher, school.student):
            for query in ({}, {"before": 2**40}, {"types": "chat.posted"}, {"after": first - 1}):
                answer = await api.get(person, path(school, **query))
                assert WORD.encode() not in answer.raw
                (event,) = [e for e in answer.body["events"] if e["sequence"] == first]
                assert event["data"]["text"] == ""
                assert event["data"]["message"] == message
        assert (hub.find(school.session) is None) == (not is_open)


async def test_a_closed_class_is_read_on_where_it_was_left(api, school, told, hub):
    session = school.session
    for text in ("one", "two"):
        await closed(hub, session)
        page = (await api.get(school.student, path(school, before=2**40, limit=1))).body
        assert hub.find(session) is None
        said = await command(api, school.student, session, "chat.post", new_id(), text=text)
        assert said.body["sequence"][0] > page["head"]
    page = (await api.get(school.student, path(school, before=2**40, limit=1))).body
    assert page["events"][0]["data"]["text"] == "two"


async def test_who_was_shut_out_reads_nothing_more(api, school, told, hub):
    data = {"user": school.student.id}
    assert (await api.get(school.student, path(school))).status == 200
    await command(api, school.teacher, school.session, "participant.remove", new_id(), **data)
    refused = await api.get(school.student, path(school))
    assert (refused.status, refused.code) == (403, "forbidden")
