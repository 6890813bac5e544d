"""What opens a door without being a signed token: it opens one door, and can be taken back."""

import asyncio
import re

import pytest

from server.auth import opaque
from server.ids import new_id
from server.media.fabric import Answer
from server.store import credentials, users
from tests.integration.rest.conftest import Person

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
def engine(fabric, monkeypatch):
    """What the media engine, which these tests have none of, was asked to start and end."""
    asked = []

    async def whip(session, user, _offer):
        resource = f"r{len(asked)}"
        asked.append(("start", session, user, resource))
        return Answer(201, {"Location": f"/v1/sessions/{session}/whip/{resource}"}, b"v=0")

    async def delete(session, resource):
        asked.append(("end", session, resource))
        return Answer(200)

    monkeypatch.setattr(fabric, "whip", whip)
    monkeypatch.setattr(fabric, "delete", delete)
    return asked


async def make(api, school, name="OBS"):
    path = f"/v1/sessions/{school.session}/publish-tokens"
    answer = await api.post(school.teacher, path, {"name": name})
    assert answer.status == 201
    return answer.body


async def publish(api, token, session):
    return await api.post(token, f"/v1/sessions/{session}/whip", raw=b"v=0", headers=SDP)


async def test_an_encoder_publishes_until_its_token_is_revoked(api, owner, school, engine) -> None:
    made = await make(api, school)
    assert made["url"] == f"https://live.example/v1/sessions/{school.session}/whip"
    token, path = made["token"], f"/v1/sessions/{school.session}/publish-tokens"
    listed = await api.get(school.teacher, path)
    (row,) = listed.body["items"]
    assert (row["name"], row["user"], row["used_at"]) == ("OBS", school.teacher.id, None)
    secret = token.split("_", 2)[2]  # which may have a "_" of its own
    assert secret not in listed.raw.decode()
    kept = await owner.fetchrow("SELECT * FROM publish_tokens")
    assert secret not in str(dict(kept))

    assert (await publish(api, token, school.session)).status == 201
    assert engine == [("start", school.session, school.teacher.id, "r0")]
    assert (await api.get(school.teacher, path)).body["items"][0]["used_at"] is not None
    other = await make(api, school, "Encoder")
    revoked = await api.send("DELETE", school.teacher, f"{path}/{made['publish_token']['id']}")
    assert revoked.status == 204
    assert engine[1:] == [("end", school.session, "r0")]
    for method, where in (("POST", "whip"), ("PATCH", "whip/r0"), ("DELETE", "whip/r0")):
        answer = await api.send(
            method, token, f"/v1/sessions/{school.session}/{where}", raw=b"v=0", headers=SDP
        )
        assert answer.status == 401
    assert (
        await api.send("DELETE", school.teacher, f"{path}/{made['publish_token']['id']}")
    ).status == 404
    assert (await publish(api, other["token"], school.session)).status == 201


async def test_a_token_that_is_revoked_while_it_begins_to_publish_publishes_nothing(
    api, school, engine, fabric, monkeypatch
) -> None:
    made = await make(api, school)
    start = fabric.whip

    async def whip(session, user, offer):
        path = f"/v1/sessions/{session}/publish-tokens/{made['publish_token']['id']}"
        assert (await api.send("DELETE", school.teacher, path)).status == 204
        return await start(session, user, offer)

    monkeypatch.setattr(fabric, "whip", whip)
    assert (await publish(api, made["token"], school.session)).status == 401
    assert engine[-1] == ("end", school.session, "r0")


async def test_a_publish_token_is_for_one_class_and_for_publishing(
    api, owner, school, engine
) -> None:
    made = await make(api, school)
    token, session = made["token"], school.session
    for path in ("", "/events", "/publish-tokens", "/playback"):
        assert (await api.get(token, f"/v1/sessions/{session}{path}")).status == 401
    assert (await publish(api, token, new_id())).status == 404
    for forged in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        re.sub("_[0-9a-f]{32}_", f"_{new_id().replace('-', '')}_", token),
        token + "x",
        token.upper(),
    ):
        assert (await publish(api, forged, session)).status == 401
    # In the name of somebody who may not be here any more, it opens nothing.
    await owner.execute("UPDATE users SET status = 'inactive' WHERE id = $1", school.teacher.id)
    assert (await publish(api, token, session)).status == 401
    await owner.execute("UPDATE users SET status = 'active' WHERE id = $1", school.teacher.id)
    await owner.execute("UPDATE sessions SET status = 'ended' WHERE id = $1", session)
    assert (await publish(api, token, session)).status == 401
    assert engine == []


async def test_only_who_teaches_makes_publish_tokens(api, school) -> None:
    path = f"/v1/sessions/{school.session}/publish-tokens"
    for who in (school.assistant, school.student):
        assert (await api.post(who, path, {"name": "x"})).status == 403
        assert (await api.get(who, path)).status == 403


# ---------------------------------------------------------------- signing in


async def code_for(pools, school, *, ttl_seconds=3600):
    made = opaque.sign_in_code()
    async with pools.tenant(school.tenant) as connection:
        await credentials.add_sign_in_code(
            connection, school.tenant, school.teacher.id, made.digest, ttl_seconds=ttl_seconds
        )
    return made.text


async def sign_in(api, code):
    return await api.post(None, "/v1/sign-in", {"code": code})


async def test_a_code_signs_in_once_however_many_try(api, pools, school) -> None:
    code = await code_for(pools, school)
    answers = await asyncio.gather(*(sign_in(api, code) for _ in range(10)))
    assert sorted(each.status for each in answers) == [200] + [401] * 9
    body = next(each.body for each in answers if each.status == 200)
    assert (body["tenant"], body["user"]) == (school.tenant, school.teacher.id)
    assert (await api.get(body["token"], "/v1/courses")).status == 200
    assert (await sign_in(api, code)).status == 401


async def test_a_code_makes_nobody_more_than_they_are(api, pools, school) -> None:
    async with pools.tenant(school.tenant) as connection:
        guest = new_id()
        await users.ensure(connection, school.tenant, guest, "Guest")
    school.teacher = Person(school.tenant, guest, "student")
    signed = await sign_in(api, await code_for(pools, school))
    assert (await api.get(signed.body["token"], "/v1/courses")).status == 403


async def test_an_admin_makes_a_link_for_whoever_is_theirs(api, school, owner) -> None:
    path = f"/v1/users/{school.student.id}/sign-in-links"
    for who in (school.teacher, school.student):
        assert (await api.post(who, path, {})).code == "forbidden"
    made = await api.post(school.admin, path, {"ttl_seconds": 86_400})
    assert made.status == 201
    url, _, code = made.body["url"].partition("#")
    assert url == "https://live.example/sign-in"
    assert code not in str([dict(row) for row in await owner.fetch("SELECT * FROM sign_in_codes")])
    assert (await sign_in(api, code)).body["user"] == school.student.id
    assert (await sign_in(api, code)).status == 401
    too_long = await api.post(school.admin, path, {"ttl_seconds": 8 * 86_400})
    assert too_long.code == "bad_request"
    nobody = await api.post(school.admin, f"/v1/users/{new_id()}/sign-in-links", {})
    assert nobody.code == "not_found"
    await api.patch(school.admin, path.removesuffix("/sign-in-links"), {"status": "inactive"})
    assert (await api.post(school.admin, path, {})).code == "conflict"


async def test_what_is_no_code_or_no_more_signs_nobody_in(api, pools, school, owner) -> None:
    late = await code_for(pools, school, ttl_seconds=-1)
    good = await code_for(pools, school)
    for code in (late, late, good[:-1], good + "x", "x", opaque.sign_in_code().text):
        answer = await sign_in(api, code)
        assert (answer.status, answer.code) == (401, "unauthorized")
    assert await owner.fetchval("SELECT count(*) FROM sign_in_codes") == 1
    assert (await sign_in(api, good)).status == 200
