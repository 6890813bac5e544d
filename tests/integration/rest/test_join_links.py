"""One link for a whole class: whoever opens it says a name, until it is over with the link."""

import asyncio

import pytest

from protocol.codec import timestamp
from server.auth.join_links import JoinLinks
from server.hub.bucket import Rate
from server.ids import new_id
from server.rest.throttle import Throttle, joins_key
from server.secrets.secret import Secret
from tests.integration.rest.conftest import TOKEN_SECRET, TOKENS
from tests.integration.rest.test_live_sessions import command

DAY_MS = 24 * 3_600_000


class Clock:
    seconds = 100.0

    def monotonic(self):
        return self.seconds


async def make(api, school, **body):
    answer = await api.post(school.teacher, f"/v1/sessions/{school.session}/join-links", body)
    assert answer.status == 201, answer.body
    return answer.body["join_link"]


def code_of(link):
    return link["url"].partition("#")[2]


async def look_up(api, code):
    return await api.post(None, "/v1/join-link", {"code": code})


async def join(api, code, name="Bob"):
    return await api.post(None, "/v1/join", {"code": code, "name": name})


async def refusals(api, code):
    """What is said to whoever opens a link, and to whoever comes in by it."""
    answers = [await look_up(api, code), await join(api, code)]
    assert answers[0].raw == answers[1].raw
    return answers[0].status, answers[0].code, answers[0].body["detail"]


async def test_a_link_makes_each_who_opens_it_a_student_of_this_class(api, owner, school) -> None:
    link = await make(api, school)
    assert link["url"].startswith("https://live.example/join#lcjoin_")
    found = await look_up(api, code_of(link))
    assert found.status == 200
    assert found.headers["Cache-Control"] == "no-store"
    assert found.body == {
        "session": school.session,
        "title": "Algebra",
        "status": "scheduled",
        "scheduled_at": None,
        "host": "Teacher",
        "is_full": False,
    }
    ann, bob = [(await join(api, code_of(link), name)).body for name in ("  Ann ", "Bob")]
    room = f"https://live.example/sessions/{school.session}/room"
    assert ann["url"] == f"{room}#token={ann['token']}"
    identity = TOKENS.verify(ann["token"])
    assert (identity.session, identity.role, identity.name) == (school.session, "student", "Ann")
    assert identity.tenant == school.tenant
    assert not identity.scope
    assert ann["user"] == identity.user != bob["user"]
    assert ann["name"] == "Ann"
    assert ann["expires_at"] == timestamp(identity.expires_at_ms)
    # It is one of the class, and of nothing else.
    assert (await api.get(ann["token"], f"/v1/sessions/{school.session}")).status == 200
    for path in ("", "/participants", "/join-links"):
        other = f"/v1/sessions/{school.session}{path}" if path else "/v1/courses"
        assert (await api.get(ann["token"], other)).status == 403
    await command(api, school.teacher, school.session, "session.start")
    said = await command(api, ann["token"], school.session, "chat.post", "k2", text="hi")
    assert said.status == 200
    assert await owner.fetchval("SELECT display_name FROM users WHERE id = $1", ann["user"]) == (
        "Ann"
    )


async def test_a_link_can_be_copied_again_and_the_database_could_not(api, owner, school) -> None:
    made = [await make(api, school), await make(api, school, max_uses=5)]
    path = f"/v1/sessions/{school.session}/join-links"
    for who in (school.teacher, school.assistant):
        assert (await api.get(who, path)).body == {"items": made, "next": None}
    first = (await api.get(school.teacher, f"{path}?limit=1")).body
    assert first["items"] == made[:1]
    assert (await api.get(school.teacher, f"{path}?after={first['next']}")).body["items"] == made[
        1:
    ]
    rows = await owner.fetch("SELECT * FROM join_links")
    for link in made:
        assert code_of(link) not in str([dict(row) for row in rows])
        # What a row says makes no code without the secret of the installation.
        foreign = JoinLinks(Secret("another secret of thirty-two bytes or more")).code(link["id"])
        assert (await refusals(api, foreign))[:2] == (404, "not_found")
    assert JoinLinks(TOKEN_SECRET).code(made[0]["id"]) == code_of(made[0])


async def test_a_revoked_link_lets_nobody_in_and_puts_nobody_out(api, school, stranger) -> None:
    link, other = await make(api, school), await make(api, school)
    ann = (await join(api, code_of(link))).body["token"]
    path = f"/v1/sessions/{school.session}/join-links/{link['id']}"
    assert (await api.send("DELETE", school.student, path)).status == 403
    assert (await api.send("DELETE", stranger, path)).status == 404
    lesson = f"/v1/lessons/{school.lesson}/sessions"
    session = (await api.post(school.teacher, lesson, {"title": "Another"})).body["id"]
    elsewhere = f"/v1/sessions/{session}/join-links/{link['id']}"
    assert (await api.send("DELETE", school.teacher, elsewhere)).status == 404
    assert (await join(api, code_of(link))).status == 200
    assert (await api.send("DELETE", school.teacher, path)).status == 204
    assert (await api.send("DELETE", school.teacher, path)).status == 404
    said = await refusals(api, code_of(link))
    assert said == (404, "not_found", "This link was revoked: ask for another.")
    assert (await api.get(ann, f"/v1/sessions/{school.session}")).status == 200
    assert (await join(api, code_of(other))).status == 200


async def test_what_was_never_a_link_is_none(api, school) -> None:
    code = code_of(await make(api, school))
    for wrong in (
        "x",
        code.upper(),
        code + "A",
        code[:-9] + ("A" if code[-9] != "A" else "B") + code[-8:],
        code[:9] + ("A" if code[9] != "A" else "B") + code[10:],
        "lcjoin_" + "A" * 43,
    ):
        said = await refusals(api, wrong)
        assert said == (404, "not_found", "There is no such link."), wrong
    never_made = JoinLinks(TOKEN_SECRET).code(new_id())
    assert (await refusals(api, never_made))[1] == "not_found"


async def test_a_link_expires(api, owner, school) -> None:
    link = await make(api, school, expires_at="2035-01-08T09:00:00+01:00")
    assert link["expires_at"] == "2035-01-08T08:00:00.000Z"
    assert (await join(api, code_of(link))).status == 200
    await owner.execute("UPDATE join_links SET expires_at = now()")
    said = await refusals(api, code_of(link))
    assert said == (404, "not_found", "This link has expired: ask for another.")
    path = f"/v1/sessions/{school.session}/join-links"
    past = await api.post(school.teacher, path, {"expires_at": "2020-01-01T00:00:00Z"})
    assert (past.status, past.code, past.body["field"]) == (422, "bad_request", "expires_at")


async def test_a_link_ends_with_its_class(api, owner, school) -> None:
    link = await make(api, school)
    for status in ("ended", "archived"):
        await owner.execute("UPDATE sessions SET status = $1", status)
        assert (await look_up(api, code_of(link))).body["status"] == status
        late = await join(api, code_of(link))
        assert (late.status, late.code) == (409, "session_ended")
        path = f"/v1/sessions/{school.session}/join-links"
        another = await api.post(school.teacher, path, {})
        assert (another.status, another.code) == (409, "session_ended")
    assert await owner.fetchval("SELECT uses FROM join_links") == 0


async def test_a_class_that_never_began_goes_with_its_links(api, owner, school) -> None:
    link = await make(api, school)
    session = f"/v1/sessions/{school.session}"
    assert (await api.send("DELETE", school.teacher, session)).status == 204
    assert await owner.fetchval("SELECT count(*) FROM join_links") == 0
    assert (await refusals(api, code_of(link)))[:2] == (404, "not_found")


async def test_no_more_come_in_than_a_link_lets_in_however_many_try(api, owner, school) -> None:
    link = await make(api, school, max_uses=5)
    answers = await asyncio.gather(*(join(api, code_of(link), f"P{n}") for n in range(12)))
    assert sorted(each.status for each in answers) == [200] * 5 + [409] * 7
    assert {each.code for each in answers if each.status == 409} == {"conflict"}
    assert (await look_up(api, code_of(link))).body["is_full"] is True
    path = f"/v1/sessions/{school.session}/join-links"
    assert (await api.get(school.teacher, path)).body["items"][0]["uses"] == 5
    # Who is in is somebody each.
    assert len({each.body["user"] for each in answers if each.status == 200}) == 5


async def test_nobody_comes_into_a_suspended_school(api, owner, school) -> None:
    link = await make(api, school)
    await owner.execute("UPDATE tenants SET status = 'suspended' WHERE id = $1", school.tenant)
    assert (await refusals(api, code_of(link)))[:2] == (403, "forbidden")
    await owner.execute("UPDATE tenants SET status = 'active' WHERE id = $1", school.tenant)
    assert (await join(api, code_of(link))).status == 200


async def test_a_link_is_the_class_s_and_outlives_its_maker(api, owner, school) -> None:
    link = await make(api, school)
    await owner.execute("UPDATE users SET status = 'inactive' WHERE id = $1", school.teacher.id)
    assert (await look_up(api, code_of(link))).body["host"] is None
    assert (await join(api, code_of(link))).status == 200


@pytest.mark.parametrize(
    ("starts_in", "lasts"), [(None, DAY_MS), (2 * DAY_MS, 2.5 * DAY_MS), (99 * DAY_MS, 30 * DAY_MS)]
)
async def test_a_token_lasts_until_its_class_is_over(api, owner, school, starts_in, lasts) -> None:
    now = await owner.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint")
    if starts_in is not None:
        at = "UPDATE sessions SET scheduled_at = to_timestamp($1::float8 / 1000)"
        await owner.execute(at, now + starts_in)
    token = (await join(api, code_of(await make(api, school)))).body["token"]
    left = TOKENS.verify(token).expires_at_ms - now
    assert abs(left - lasts) < 3_600_000


async def test_names_are_those_of_the_protocol(api, school) -> None:
    code = code_of(await make(api, school))
    for name in ("", "   ", "a" * 201, "a\x00b", None, 5):
        answer = await join(api, code, name)
        assert (answer.status, answer.code) == (400, "bad_request"), name
    assert (await join(api, code, "سيرين الخطيب")).body["name"] == "سيرين الخطيب"
    assert (await join(api, code, "a" * 200)).status == 200


async def test_who_is_no_staff_makes_and_sees_no_links(api, school, stranger) -> None:
    path = f"/v1/sessions/{school.session}/join-links"
    assert (await api.post(school.assistant, path, {})).status == 201
    for who, status in ((school.student, 403), (stranger, 404)):
        assert (await api.post(who, path, {})).status == status
        assert (await api.get(who, path)).status == status
    for wrong in ({"max_uses": 0}, {"max_uses": 10_001}, {"role": "teacher"}):
        assert (await api.post(school.teacher, path, wrong)).status == 400


async def test_a_school_behind_one_address_gets_in_and_then_the_rate_holds(
    api, app, school, monkeypatch
) -> None:
    # Five hundred in a minute, each of whom asks twice, from one address.
    clock = Clock()
    ordinary = app[joins_key]
    assert isinstance(ordinary, Throttle)
    monkeypatch.setattr(ordinary, "_clock", clock)
    for _ in range(1000):
        ordinary.take("a school")

    strict = Throttle(Rate(per_second=0.1, burst=2), clock)
    monkeypatch.setitem(app._state, joins_key, strict)
    first, second = code_of(await make(api, school)), code_of(await make(api, school))
    assert (await look_up(api, first)).status == 200
    assert (await join(api, first)).status == 200
    said = await join(api, first)
    assert (said.status, said.code) == (429, "rate_limited")
    assert said.body["retry_ms"] == 10_000
    assert said.headers["Retry-After"] == "10"
    # Another link is another class.
    assert (await look_up(api, second)).status == 200
    clock.seconds += 10
    assert (await join(api, first)).status == 200
    assert (await join(api, first)).status == 429


async def test_what_opens_a_class_is_in_no_log(api, school, capfd) -> None:
    code = code_of(await make(api, school))
    token = (await join(api, code)).body["token"]
    await look_up(api, code)
    await join(api, code.upper())
    told = "".join(capfd.readouterr())
    assert "joined_by_link" in told
    assert code.partition("_")[2] not in told
    assert token not in told
