"""WHIP, WHEP and HLS at a node without the class: its owner's engine answers (RFC 9725 §4.5)."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest
import pytest_asyncio
from multidict import CIMultiDict

from protocol import commands as cmd
from protocol.frames import Ack
from server.addresses import parse_allowed
from server.errors import UnavailableError
from server.hub.lease import Elsewhere
from server.hub.links import authorization
from server.hub.seating import Place
from server.ids import new_id
from server.media import worker
from server.media.destinations.address import AddressGuard
from server.media.pool import WorkerPool
from server.objects.files import FileObjects
from server.signalling import Signalling
from server.store import installation
from server.tasks import Supervisor
from tests.media.offers import OBS

from .conftest import SECRET, Lesson, started

TRICKLE = (
    b"a=ice-ufrag:n0Jq\r\na=ice-pwd:2Xm5tQy8Rr0uZb3eWc7kLp\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    b"a=mid:0\r\na=candidate:1 1 udp 2113937151 127.0.0.1 50001 typ host\r\na=end-of-candidates\r\n"
)


async def nothing(*_):
    return None


@pytest_asyncio.fixture
async def engines(tmp_path):
    """The engine of a node whose media worker is there, and that of one without a worker."""
    path, ready = tmp_path / "media.sock", asyncio.Event()
    async with Supervisor("test") as tasks, AsyncExitStack() as stack:
        tasks.start(
            "worker",
            worker.run(
                path,
                objects=FileObjects(tmp_path / "objects", None),
                spool=tmp_path / "spool",
                guard=AddressGuard(parse_allowed("")),
                ready=ready.set,
            ),
        )
        await ready.wait()
        pools = [
            await stack.enter_async_context(
                WorkerPool(
                    [each], on_event=nothing, resolve_secret=nothing, on_health=lambda *_: None
                )
            )
            for each in (path, tmp_path / "nobody.sock")
        ]
        await pools[0].ready()
        yield pools


@pytest_asyncio.fixture
async def nodes(database_url, school, engines):
    """The owner of a class and another node: each with its signalling; and the class."""
    async with AsyncExitStack() as stack:
        session, found = await school.session(), []
        tasks = await stack.enter_async_context(Supervisor("people"))

        async def find_place(wanted):
            identity = await installation.read(found[0].pools)
            return Place(wanted, school.tenant, identity.log) if wanted == session else None

        for engine in engines:
            made = []

            def serve(hub, engine=engine, made=made):
                made.append(Signalling(hub, engine, find_place, SECRET))
                return made[0].routes()

            node = await stack.enter_async_context(
                started(database_url, school.tokens, serve=serve)
            )
            node.signalling = await stack.enter_async_context(made[0])
            found.append(node)
            if node is found[0]:
                lesson = Lesson(node, school, session, tasks)
                assert isinstance(await lesson.teacher.say(cmd.SessionStart()), Ack)
        yield *found, session


async def test_any_node_answers_with_the_engine_of_the_owner(nodes, engines):
    owner, other, session = nodes
    user = new_id()
    made = await other.signalling.whip(session, user, OBS.encode())
    assert made.status == 201
    assert b"a=recvonly" in made.body
    headers = CIMultiDict(made.headers)
    assert headers["Content-Type"] == "application/sdp"
    assert "X-User" not in headers
    # The worker of the owner carries it, and both nodes reach the same resource.
    assert list(await engines[0]._members[0].fabric.sessions()) == [session]
    resource = headers["Location"].rpartition("/")[2]
    for node, tag, status in (
        (other, headers["ETag"], 204),
        (owner, headers["ETag"], 204),
        (other, '"another"', 412),
    ):
        told = await node.signalling.patch(session, resource, TRICKLE, {"If-Match": tag})
        assert told.status == status
    offer = OBS.replace("a=sendonly", "a=recvonly").encode()
    assert (await other.signalling.whep(session, user, offer)).status == 201
    assert (await other.signalling.hls(session, "live-1.m4s")).status == 404
    assert (await other.signalling.delete(session, resource)).status == 200
    assert (await owner.signalling.delete(session, resource)).status == 404


async def test_who_does_not_own_the_class_answers_no_other_node(nodes):
    owner, other, session = nodes
    await other.signalling.delete(session, "0-none")  # it follows the class from now on
    there = owner.lease._membership._link
    here = other.lease._membership._link
    path = f"/internal/sessions/{session}/hls"
    async with aiohttp.ClientSession() as http:
        for url, headers, status in (
            (there, {}, 401),
            (there, authorization(SECRET), 404),
            (here, authorization(SECRET), 503),
        ):
            asked = headers | {"X-Resource": "live-1.m4s"}
            async with http.post(url + path, headers=asked) as answer:
                assert answer.status == status


async def test_an_owner_that_is_not_reached_is_unavailable(nodes):
    _, other, session = nodes
    await other.signalling.delete(session, "0-none")
    other.hub.find(session)._following.owner = Elsewhere("http://127.0.0.1:1", "nobody")
    with pytest.raises(UnavailableError):
        await other.signalling.whip(session, new_id(), OBS.encode())
