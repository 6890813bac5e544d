from server.ids import new_id
from server.store import integrations


async def command(api, who, session, op, key="k", **data):
    body = {"key": key, "op": op, "data": data}
    return await api.post(who, f"/v1/sessions/{session}/commands", body)


async def test_a_command_over_rest_is_committed_once(api, school) -> None:
    first = await command(api, school.teacher, school.session, "session.start")
    assert first.status == 200
    assert first.body == {"key": "k", "sequence": [1, 1], "duplicate": False}
    again = await command(api, school.teacher, school.session, "session.start")
    assert again.body == {"key": "k", "sequence": [1, 1], "duplicate": True}
    other = await command(api, school.teacher, school.session, "session.end")
    assert (other.status, other.code) == (409, "idempotency_conflict")
    nothing = await command(api, school.teacher, school.session, "session.start", "k2")
    assert nothing.body["sequence"] is None


async def test_a_refusal_of_the_rules_is_a_problem(api, school) -> None:
    early = await command(api, school.student, school.session, "hand.raise")
    assert (early.status, early.code) == (409, "conflict")
    forbidden = await command(api, school.student, school.session, "session.start")
    assert (forbidden.status, forbidden.code) == (403, "forbidden")
    await command(api, school.teacher, school.session, "session.start")
    await command(api, school.teacher, school.session, "session.end", "k2")
    over = await command(api, school.student, school.session, "hand.raise")
    assert (over.status, over.code) == (409, "session_ended")


async def test_each_reads_the_log_in_their_view(api, school) -> None:
    session = school.session
    await command(api, school.teacher, session, "session.start")
    await command(api, school.student, session, "chat.post", "k1", text="psst", to="staff")
    await command(api, school.student, session, "chat.post", "k2", text="hello")
    path = f"/v1/sessions/{session}/events"

    seen = (await api.get(school.teacher, path)).body
    assert (seen["from"], seen["to"], seen["head"]) == (1, 3, 3)
    assert [each["type"] for each in seen["events"]] == [
        "session.started", "chat.posted", "chat.posted",
    ]  # fmt: skip
    assert [each["sequence"] for each in seen["events"]] == [1, 2, 3]

    seen = (await api.get(school.student, path)).body
    assert [each["sequence"] for each in seen["events"]] == [1, 3]
    assert seen["to"] == 3

    seen = (await api.get(school.teacher, f"{path}?after=1&limit=1")).body
    assert (seen["from"], seen["to"], seen["head"]) == (2, 2, 3)
    assert seen["events"][0]["data"]["text"] == "psst"
    seen = (await api.get(school.teacher, f"{path}?after=3")).body
    assert (seen["to"], seen["events"]) == (3, [])


async def test_only_a_destination_of_the_tenant_is_streamed_to(
    api, pools, school, stranger
) -> None:
    ids = []
    for who in (school.teacher, stranger):
        async with pools.tenant(who.tenant) as connection:
            integration = await integrations.create(connection, who.tenant, provider="custom")
            made = await integrations.create_destination(
                connection, who.tenant, integration.id, name="A", url="rtmp://a.example/live",
                stream_key_ref="env:STREAM_KEY_A",
            )  # fmt: skip
        ids.append(made.id)
    ours, theirs = ids
    path = f"/v1/sessions/{school.session}/destinations"
    refused = [
        await api.post(school.teacher, path, {"destination": each}) for each in (theirs, new_id())
    ]
    refused += [
        await command(api, school.teacher, school.session, "destination.enable", destination=each)
        for each in (theirs, new_id())
    ]
    assert {each.status for each in refused} == {404}
    assert len({each.raw for each in refused}) == 1
    assert (await api.post(school.assistant, path, {"destination": ours})).status == 403
    done = await api.post(school.teacher, path, {"destination": ours})
    assert (done.status, done.body["sequence"]) == (200, [1, 1])
    assert [each["code"] for each in done.body["warnings"]] == ["plain"]


async def test_who_acts_is_known_afterwards(api, pools, school) -> None:
    path = f"/v1/sessions/{school.session}/join-tokens"
    link = (await api.post(school.teacher, path, {"role": "student", "name": "Bob"})).body
    await command(api, school.teacher, school.session, "session.start")
    said = await command(api, link["token"], school.session, "chat.post", text="hi")
    assert said.status == 200
    async with pools.tenant(school.tenant) as connection:
        name = await connection.fetchval(
            "SELECT display_name FROM users WHERE id = $1", link["user"]
        )
    assert name == "Bob"


async def test_without_a_media_worker_publishing_is_unavailable(api, school) -> None:
    session = f"/v1/sessions/{school.session}"
    publisher = school.teacher.token(session=school.session, scope=["publish"])
    sdp = {"Content-Type": "application/sdp"}
    fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
    answers = [
        await api.post(publisher, f"{session}/whip", raw=b"v=0", headers=sdp),
        await api.post(school.student, f"{session}/whep", raw=b"v=0", headers=sdp),
        await api.send("PATCH", publisher, f"{session}/whip/r", raw=b"a=x", headers=fragment),
        await api.send("DELETE", school.student, f"{session}/whep/r"),
    ]
    assert {(each.status, each.code) for each in answers} == {(503, "unavailable")}
    assert answers[0].headers["Retry-After"] == "1"
    assert (await api.send("DELETE", publisher, f"{session}/whip/a%2Fb")).status == 404
    assert (await api.post(school.student, f"{session}/whep", {"sdp": "v=0"})).status == 415
