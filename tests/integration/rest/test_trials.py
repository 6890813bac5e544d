"""A destination tried over REST: told line by line, by the rule of addresses, the key unseen."""

import json

import pytest

from protocol.errors import Refusal
from server.errors import ConflictError
from server.media.destinations import trials
from server.media.destinations.trials import Trials
from server.secrets.secret import Secret
from server.store import integrations
from tests.media.scripted_server import ScriptedServer

KEY = "canary-trial-key"


async def place(pools, vault, school, url):
    async with pools.tenant(school.tenant) as connection:
        account = await integrations.create(connection, school.tenant, provider="custom")
        made = await integrations.create_destination(
            connection, school.tenant, account.id, name="A", url=url,
            stream_key_ref=await vault.put(connection, school.tenant, Secret(KEY)),
        )  # fmt: skip
    return f"/v1/destinations/{made.id}/test", account.id


async def test_a_destination_that_works_is_told_step_by_step(api, pools, vault, school) -> None:
    async with ScriptedServer() as server:
        path, _ = await place(pools, vault, school, server.url())
        answer = await api.post(school.teacher, path)
        assert server.arguments["publish"][1] == KEY
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert KEY not in answer.raw.decode()
    *said, last = map(json.loads, answer.raw.splitlines())
    assert last == {"taken": True}
    sentences = [each["said"] for each in said]
    assert "It accepted the stream key." in sentences
    assert sentences[-1] == "RTMP server takes the stream."


async def test_one_that_does_not_is_told_why(api, pools, vault, school) -> None:
    path, _ = await place(pools, vault, school, "rtmp://127.0.0.1:9/live")
    *_, why, last = map(json.loads, (await api.post(school.teacher, path)).raw.splitlines())
    assert why["said"].startswith("FAILED (tcp_refused)")
    assert last == {"taken": False}
    # Where nothing may be sent, nothing is tried.
    path, _ = await place(pools, vault, school, "rtmp://10.0.0.1/live")
    *_, why, last = map(json.loads, (await api.post(school.teacher, path)).raw.splitlines())
    assert why["said"].startswith("FAILED (ssrf_blocked)")
    assert (await api.post(school.assistant, path)).code == "forbidden"


async def test_a_revoked_account_and_a_missing_key_are_refused(
    api, owner, pools, vault, school
) -> None:
    path, account = await place(pools, vault, school, "rtmp://127.0.0.1:9/live")
    await owner.execute("DELETE FROM secrets WHERE tenant_id = $1", school.tenant)
    missing = await api.post(school.teacher, path)
    assert (missing.status, missing.code) == (409, "conflict")
    assert "key is missing" in missing.body["detail"]
    await api.patch(school.teacher, f"/v1/integrations/{account}", {"status": "revoked"})
    revoked = await api.post(school.teacher, path)
    assert (revoked.status, "revoked" in revoked.body["detail"]) == (409, True)


async def test_few_are_tried_at_a_time_and_who_leaves_makes_room(monkeypatch) -> None:
    async def resolve(_reference, _tenant):
        return Secret(KEY)

    monkeypatch.setattr(trials, "MOST", 1)
    tried = Trials(resolve, allowed=("127.0.0.0/8:*",))
    async with ScriptedServer() as server:
        first = tried.run("tenant", server.url(), "vault:x")
        assert b"said" in await anext(first)
        with pytest.raises(Refusal) as refused:
            await anext(tried.run("tenant", server.url(), "vault:x"))
        assert refused.value.code == "overloaded"
        await first.aclose()
        second = tried.run("tenant", server.url(), "vault:x")
        assert b"said" in await anext(second)
        await second.aclose()


async def test_a_process_that_breaks_off_is_no_success(monkeypatch) -> None:
    async def resolve(_reference, tenant):
        return Secret(KEY) if tenant == "ours" else None

    broken = Trials(resolve, allowed=("not a network",))
    lines = [json.loads(line) async for line in broken.run("ours", "rtmp://127.0.0.1/x", "r")]
    assert lines == [{"said": "The test broke off on this server."}, {"taken": False}]
    with pytest.raises(ConflictError):
        await anext(broken.run("theirs", "rtmp://127.0.0.1/x", "r"))
    monkeypatch.setattr(trials, "WHOLE_SECONDS", 0)
    late = Trials(resolve)
    lines = [json.loads(line) async for line in late.run("ours", "rtmp://127.0.0.1/x", "r")]
    assert lines[-1] == {"taken": False}
