"""What a server rests on is away again and again, each time in another way, while classes go on."""

import asyncio
import os
import signal
import time
from collections import defaultdict

import msgspec
import pytest

from protocol import commands as cmd
from protocol.frames import Ack
from server.store.nodes import find_owner
from tests.directories import reachable_directory
from tests.faults.served import Served
from tests.faults.test_database import (
    full,
    goes_through_it,
    killed,
    lost,
    refused,
    stalled,
    stopped,
)
from tests.faults.test_disk import PICTURES
from tests.faults.test_stall import PEOPLE, TAKEN_SECONDS, hub_number
from tests.patience import eventually
from tests.s3 import aws, bucket, moto_url
from tests.tcp_proxy import TcpProxy

__all__ = ["aws", "bucket", "moto_url"]

FAULTS = (refused, stalled, lost, killed, stopped, full)
ROUND_SECONDS = 20.0
RECOVERED_SECONDS = 12.0


async def test_the_database_is_away_in_every_way(seconds, report):
    recovered = defaultdict(list)
    until = time.monotonic() + seconds * 0.8 - ROUND_SECONDS
    with reachable_directory() as directory:
        async with Served.start(directory) as served:
            rounds = 0
            while not rounds or time.monotonic() < until:
                for fault in FAULTS:
                    async with served.lesson() as lesson:
                        took = await goes_through_it(served, lesson, fault)
                        recovered[fault.__name__].append(took)
                    if rounds and time.monotonic() > until:
                        break
                rounds += 1
            noise = served.warnings(0)
    worst = {f"{name}_recovered_s": round(max(each), 2) for name, each in recovered.items()}
    report(faults=sum(map(len, recovered.values())), log_lines=len(noise), **worst)
    assert max(map(max, recovered.values())) < RECOVERED_SECONDS
    assert len(noise) < 12 * sum(map(len, recovered.values()))


async def test_who_comes_back_from_a_standstill_is_told_what_others_said(seconds, report):
    """Also where nobody asks anything of it: it finds out by itself that its time is over."""
    with reachable_directory() as directory:
        async with Served.start(directory, hub_workers="2") as served, served.lesson() as lesson:
            crowd = [lesson.person(name=f"P{number}") for number in range(PEOPLE)]
            everybody = [*lesson.everybody, *crowd]
            for each in everybody:
                assert await each.until(lambda client: client.state is not None, 10)
            before = await find_owner(served.pools, lesson.session)
            number = int(before.node.rpartition(".")[2])
            (pid,) = [pid for pid in served.workers("server.app") if hub_number(pid) == number]
            began = time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            try:

                async def is_taken():
                    now = await find_owner(served.pools, lesson.session)
                    return now.node != before.node

                await eventually(is_taken, TAKEN_SECONDS)
                taken_seconds = time.monotonic() - began
                # By REST, from outside: whoever sits in the class says nothing at all.
                await _say_by_rest(served, lesson, "elsewhere")
                await asyncio.sleep(min(20.0, seconds / 6))
            finally:
                os.kill(pid, signal.SIGCONT)
            for each in everybody:
                assert await each.until(
                    lambda client: any(each.text == "elsewhere" for each in client.state.messages),
                    20,
                )
            assert (await find_owner(served.pools, lesson.session)).node != before.node
            await lesson.caught_up()
    report(taken_s=round(taken_seconds, 2))


async def _say_by_rest(served, lesson, text):
    """Say it once, over connections that the kernel may give to the process that stands still."""
    body = {"key": "by-rest", "op": "chat.post", "data": {"text": text}}
    path = f"/v1/sessions/{lesson.session}/commands"

    async def is_said():
        try:
            async with asyncio.timeout(1):
                status, _, _ = await served.rest("POST", path, lesson.teacher.client.token, body)
        except TimeoutError:
            return False
        return status == 200

    await eventually(is_said, 30)


@pytest.mark.parametrize("how", ["refused", "stalled"])
async def test_uploads_wait_for_an_s3_that_is_away(how, aws, bucket, monkeypatch, report):
    host, _, port = aws.removeprefix("http://").partition(":")
    async with TcpProxy((host, int(port))) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        with reachable_directory() as directory:
            objects = f"s3://{bucket}/here"
            async with (
                Served.start(directory, objects_url=objects) as served,
                served.lesson() as lesson,
            ):
                token, path = lesson.teacher.client.token, f"/v1/sessions/{lesson.session}/uploads"
                body = {"name": "moving", "content_type": "image/gif", "bytes": len(PICTURES)}
                status, _, answer = await served.rest("POST", path, token, body)
                assert status == 201, answer
                upload = msgspec.json.decode(answer)
                headers = {"Content-Type": "image/gif"}
                async with served.http.put(
                    upload["put_url"], data=PICTURES, headers=headers
                ) as response:
                    assert response.status == 200
                if how == "refused":
                    proxy.refuse()
                    proxy.reset()
                else:
                    proxy.stall()
                began = time.monotonic()
                commit = f"{path}/{upload['id']}/commit"
                status, headers, answer = await served.rest("POST", commit, token)
                took = time.monotonic() - began
                assert (status, msgspec.json.decode(answer)["code"]) == (503, "unavailable")
                assert int(headers["Retry-After"]) >= 1
                assert took < 25
                assert isinstance(await lesson.ann.say(cmd.ChatPost("all well?")), Ack)
                proxy.heal()
                await proxy.listen()

                async def is_committed():
                    return (await served.rest("POST", commit, token))[0] == 200

                await eventually(is_committed, 30)

                async def is_shown():
                    _, _, answer = await served.rest("GET", f"{path}/{upload['id']}", token)
                    return msgspec.json.decode(answer)["status"] == "ready"

                await eventually(is_shown, 30)
                if how == "refused":
                    (away,) = [
                        line for line in served.said("part_away") if line["part"] == "objects"
                    ]
                    assert away["todo"]
    report(refused_after_s=round(took, 2))
