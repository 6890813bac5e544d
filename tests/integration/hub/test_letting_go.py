"""A connection that is over leaves nothing that only the garbage collector finds.

A full collection looks at every connection there is, and everybody waits meanwhile: it has to be
rare, so that nothing may wait for it.
"""

import gc
from collections import Counter

import pytest
from aiohttp import web

from protocol.errors import CloseCode
from server.hub.connection import Connection
from server.hub.peer import Peer
from tests.integration.hub.raw import Raw
from tests.patience import eventually

KINDS = (Connection, Peer, web.WebSocketResponse)


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held():
    """How many of each kind are in memory, wanted or not."""
    return Counter(type(each) for each in gc.get_objects() if type(each) in KINDS)


async def close(raw):
    await raw.socket.close()


async def cut(raw):
    raw.socket.get_extra_info("socket").shutdown(2)
    await raw.socket.close()


async def breaks_the_protocol(raw):
    await raw.send("nonsense")
    assert (await raw.farewell())[1] == CloseCode.PROTOCOL_ERROR


async def sends_bytes(raw):
    await raw.send(b"nonsense")
    assert (await raw.farewell())[1] == CloseCode.PROTOCOL_ERROR


async def is_refused(raw):
    await raw.send({"type": "token", "token": "nonsense"})
    assert (await raw.farewell())[1] == CloseCode.TOKEN_INVALID


@pytest.mark.parametrize("end", [close, cut, breaks_the_protocol, sends_bytes, is_refused])
async def test_who_has_gone_is_forgotten_at_once(node, lesson, uncollected, end):
    before = held()
    raws = [await Raw.join(node, lesson.session, lesson.token()) for _ in range(3)]
    assert (held() - before).total() == 3 * len(KINDS)
    for raw in raws:
        await end(raw)
    await eventually(lambda: not held() - before)
