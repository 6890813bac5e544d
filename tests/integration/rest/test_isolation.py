"""Two schools with the same things: neither learns from any route or operation that the other is.

All is generated from the tables of routes and operations: a new one is tried as soon as it is
there, and one whose path names something that :func:`things` does not have fails.
"""

import json

import aiohttp
import pytest

from protocol.commands import COMMANDS
from protocol.limits import SUBPROTOCOL
from server.auth import opaque
from server.auth.origins import Origins
from server.clock import SystemClock
from server.hub.door import Door
from server.hub.socket import LiveSocket
from server.ids import new_id
from server.rest.routes import ROUTES
from server.store import credentials, integrations, join_links, tenants
from tests.integration.rest.conftest import TOKENS, Person, found
from tests.integration.rest.requests import (
    UUID,
    Ids,
    ask,
    blurred,
    body_of,
    command_of,
    names_in,
    path_of,
)

# What a path names, and the table that has it.
TABLES = {
    "tenant": "tenants",
    "domain": "tenant_domains",
    "user": "users",
    "assignment": "user_roles",
    "course": "courses",
    "lesson": "lessons",
    "session": "sessions",
    "integration": "integrations",
    "destination": "multistream_destinations",
    "publish_token": "publish_tokens",
    "join_link": "join_links",
    "recording": "recordings",
    "asset": "studio_assets",
    "artifact": "artifacts",
    "replay": "replays",
    "endpoint": "webhook_endpoints",
    "upload": "uploads",
}
# What else bodies and operations name: of the class that these ids are of, if of any.
WITHIN = {
    "message": "chat_messages",
    "question": "questions",
    "poll": "polls",
    "scene": "studio_scenes",
}


async def things(pools, owner):
    """A school with one of everything, and its admin."""
    school = await found(pools)
    tenant, session = school.tenant, school.session
    async with pools.tenant(tenant) as connection:
        account = await integrations.create(connection, tenant, provider="youtube")
        place = await integrations.create_destination(
            connection, tenant, account.id, name="A", url="rtmp://a.example/live",
            stream_key_ref="env:STREAM_KEY_A",
        )  # fmt: skip
        await tenants.add_domain(connection, tenant, f"{new_id()}.example")
        made = opaque.publish_token(new_id())
        await credentials.add_publish_token(
            connection, tenant, session, school.teacher.id, id=new_id(), role="teacher",
            name="OBS", digest=made.digest,
        )  # fmt: skip
        await join_links.add(
            connection, tenant, session, school.teacher.id, id=new_id(), expires_at=None,
            max_uses=30,
        )  # fmt: skip
    ids = {each: new_id() for each in TABLES | WITHIN}
    owned = "(id, tenant_id, session_id, created_at"
    for statement in (
        f"INSERT INTO studio_assets {owned}, asset_type, uri) VALUES (%s, 'slide', 'u')",
        f"INSERT INTO recordings {owned}, status) VALUES (%s, 'finalized')",
        f"INSERT INTO artifacts {owned}, artifact_type, payload, source_sequence) "
        "VALUES (%s, 'note', '{}', 1)",
        f"INSERT INTO studio_scenes {owned}, name, layout) VALUES (%s, 'x', '{{}}')",
        f"INSERT INTO polls {owned}, prompt, options) VALUES (%s, 'x', '[]')",
        f"INSERT INTO chat_messages {owned}, message, user_id) VALUES (%s, 'x', '{{user}}')",
        f"INSERT INTO questions {owned}, prompt, user_id) VALUES (%s, 'x', '{{user}}')",
        "INSERT INTO replays (id, tenant_id, session_id) VALUES ($1, $2, $3)",
        f"INSERT INTO uploads {owned}, user_id, role, name, content_type, bytes, "
        "expires_at) "
        "VALUES (%s, '{user}', 'teacher', 'x', 'image/png', 1, now())",
        "INSERT INTO webhook_endpoints (id, tenant_id, url, secret_ref) "
        "VALUES ($1, $2, 'https://hooks.example/' || $3::uuid, 'env:X')",
    ):
        whole = statement.replace("%s", "$1, $2, $3, now()").replace("{{", "{").replace("}}", "}")
        await owner.execute(whole.replace("{user}", school.student.id), new_id(), tenant, session)
    for name, table in (TABLES | WITHIN).items():
        by = "id" if name == "tenant" else "tenant_id"
        ids[name] = str(await owner.fetchval(f"SELECT id FROM {table} WHERE {by} = $1", tenant))
    ids |= {
        "course": school.course,
        "lesson": school.lesson,
        "session": session,
        "destination": place.id,
        "integration": account.id,
    }
    admin = await owner.fetchval(
        "SELECT u.user_id FROM user_roles u JOIN roles r ON r.id = u.role_id "
        "WHERE u.tenant_id = $1 AND r.name = 'admin'",
        tenant,
    )
    return ids, Person(tenant, str(admin), "admin")


@pytest.fixture
async def ours(pools, owner):
    """Ids of a school, by name."""
    await owner.execute("SET ROLE liveclass_owner; ALTER TABLE artifacts DISABLE TRIGGER USER")
    ids, _ = await things(pools, owner)
    return ids


@pytest.fixture
async def theirs(pools, owner, ours):
    """Ids of another, which has the same; and its admin, the stranger."""
    return await things(pools, owner)


async def test_whatever_a_path_names_of_another_school_is_not_there(api, ours, theirs) -> None:
    own, stranger = theirs
    for route in ROUTES:
        for name in names_in(route.path):
            assert name in ours, f"say in TABLES where {{{name}}} of {route.path} is"
        for name in names_in(route.path):
            # One foreign id at a time, what is around it being the stranger's own; and all.
            for mixed in ({}, own):
                of_us = await ask(api, route, stranger, Ids({**ours, **mixed, name: ours[name]}))
                of_none = await ask(api, route, stranger, Ids({**mixed, name: new_id()}))
                assert blurred(of_us) == blurred(of_none), (route.method, route.path, name)
                assert of_us.status in (403, 404), (route.method, route.path, name)


async def test_whatever_a_body_names_of_another_school_is_not_there(api, ours, theirs) -> None:
    own, stranger = theirs
    for route in ROUTES:
        if route.body is None or route.method == "DELETE":
            continue
        named = UUID.findall(json.dumps(body_of(route.body, Ids())))
        if not named:
            continue
        path = path_of(route, Ids(own))
        answers = [
            await api.send(route.method, stranger, path, body_of(route.body, ids))
            for ids in (Ids(ours | {"scope_id": ours["course"]}), Ids())
        ]
        assert _told(answers[0]) == _told(answers[1]), (route.method, route.path)


def _told(answer):
    status, _, text = blurred(answer)
    return status, text


async def test_no_list_shows_what_is_another_schools(api, ours, theirs) -> None:
    own, stranger = theirs
    secret = {text for name, text in ours.items() if name != "tenant"} | {ours["tenant"]}
    for route in ROUTES:
        if route.method == "GET":
            answer = await ask(api, route, stranger, Ids(own))
            assert not secret & set(UUID.findall(answer.raw.decode(errors="replace"))), route.path
            assert answer.status not in (401, 500), (route.path, answer.raw)


@pytest.mark.parametrize("of_session", ["foreign", "own"])
async def test_no_operation_tells_of_another_school(api, ours, theirs, of_session) -> None:
    own, stranger = theirs
    for op in sorted(COMMANDS):
        answers = []
        for ids, session in ((Ids(ours), ours["session"]), (Ids(), new_id())):
            path = f"/v1/sessions/{own['session'] if of_session == 'own' else session}/commands"
            answers.append(await api.post(stranger, path, command_of(op, ids, new_id())))
        if of_session == "foreign":
            assert answers[0].status == 404, (op, answers[0].raw)
        elif answers[0].status == 200:
            continue  # it names nothing outside its class: an id there is what the caller says
        assert _told(answers[0]) == _told(answers[1]), op


# ---------------------------------------------------------------- the live socket


@pytest.fixture
async def live(app, hub, pools):
    """The live socket, beside the routes."""
    door = Door(pools, Origins("https://live.example"), "log")
    socket = LiveSocket(hub, TOKENS, door, SystemClock())
    app.router.add_get("/v1/sessions/{session}/live", socket.handle)


async def greet(api, session, token):
    """What a session says to a hello: its bytes, and the code it closes with."""
    path = f"/v1/sessions/{session}/live"
    heard = []
    async with api.client.ws_connect(path, protocols=(SUBPROTOCOL,)) as socket:
        await socket.send_str(json.dumps({"type": "hello", "token": token}))
        async for message in socket:
            heard.append(message.data)
            if message.type is aiohttp.WSMsgType.TEXT and "welcome" in message.data:
                break
        return [UUID.sub("-", text) for text in heard], socket.close_code


async def test_a_foreign_class_greets_like_none(live, api, ours, theirs, owner) -> None:
    own, stranger = theirs
    await owner.execute("UPDATE sessions SET status = 'live' WHERE id = $1", ours["session"])
    of_none = await greet(api, new_id(), stranger.token())
    assert of_none[1] == 4507
    for token in (
        stranger.token(),
        stranger.token(session=ours["session"]),
        stranger.token(scope=["operator"]),
        Person(own["tenant"], ours["user"], "teacher").token(session=ours["session"]),
    ):
        assert await greet(api, ours["session"], token) == of_none
    heard, _ = await greet(api, own["session"], stranger.token())
    assert "welcome" in heard[0]


async def test_a_token_that_names_our_school_needs_our_secret(api, ours, theirs) -> None:
    _, stranger = theirs
    token = Person(ours["tenant"], stranger.id, "admin").token()
    # Theirs is a person of another school: with no role here, whatever the token says.
    assert (await api.get(token, "/v1/courses")).status == 403
    assert (await api.get(token, f"/v1/sessions/{ours['session']}")).status == 404
