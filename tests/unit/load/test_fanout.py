import asyncio
import json

import pytest

from load import websocket
from load.bench.fanout import FIRST, Scenario, event
from load.bench.processes import parse_ps_time
from load.bench.swarm.fan import Run, Slowest, Subscriber


class Fan:
    """Two subscribers of one run, and a server in the test's hands."""

    def __init__(self, scenario):
        self.wishes = []
        self.failures = []
        self.run = Run(lambda wish: self.wishes.append(json.loads(wish)), 2, 250, scenario)
        self.peers = [Subscriber(self.failures.append) for _ in range(2)]
        for peer in self.peers:
            peer.follow(self.run)
        self.run.fill()

    def frame(self, number):
        return websocket.text_frame(event(FIRST + number, 250))

    @property
    def published(self):
        return [wish["first"] - FIRST for wish in self.wishes]


@pytest.fixture
async def fan():
    return Fan(Scenario("two", burst=1, outstanding=2))


def test_an_event_is_json_of_exactly_the_wanted_size():
    assert len(event(FIRST, 250)) == 250
    assert json.loads(event(FIRST + 7, 64))["sequence"] == FIRST + 7


async def test_the_loop_is_closed_by_the_slowest_peer(fan):
    ann, ben = fan.peers
    assert fan.published == [0, 1]
    ann.received(fan.frame(0) + fan.frame(1))
    assert fan.published == [0, 1]
    ben.received(fan.frame(0))
    assert fan.published == [0, 1, 2]
    assert len(fan.run.latencies) == 1


async def test_bytes_may_come_in_any_pieces(fan):
    stream = fan.frame(0) + fan.frame(1)
    for peer in fan.peers:
        for at in range(0, len(stream), 7):
            peer.received(stream[at : at + 7])
    assert fan.failures == []
    assert fan.published == [0, 1, 2, 3]


async def test_a_burst_waits_until_all_of_it_fits():
    fan = Fan(Scenario("bursts", burst=20, outstanding=60))
    assert fan.published == [0, 20, 40]
    for peer in fan.peers:
        peer.received(b"".join(fan.frame(number) for number in range(19)))
    assert fan.published == [0, 20, 40]
    for peer in fan.peers:
        peer.received(fan.frame(19))
    assert fan.published == [0, 20, 40, 60]


async def test_a_run_is_finished_when_the_last_peer_has_everything(fan):
    fan.run.close()
    fan.peers[0].received(fan.frame(0) + fan.frame(1))
    assert not fan.run.finished.is_set()
    fan.peers[1].received(fan.frame(0) + fan.frame(1))
    assert fan.run.finished.is_set()
    assert fan.published == [0, 1]


@pytest.mark.parametrize("numbers", [(1,), (0, 0), (0, 1, 2)])
async def test_an_event_lost_repeated_or_invented_is_found(fan, numbers):
    fan.peers[0].received(b"".join(fan.frame(number) for number in numbers))
    assert len(fan.failures) == 1


async def test_a_lost_peer_is_found(fan):
    fan.peers[0].connection_lost(None)
    assert fan.failures == ["a peer was disconnected"]
    assert isinstance(fan.peers[0].opened.exception(), ConnectionError)


def test_the_slowest_of_many_is_known_after_each_step():
    slowest = Slowest(3)
    assert not slowest.step(0, 2)
    assert not slowest.step(0, 5)
    assert slowest.step(0, 1)
    assert slowest.position == 1
    assert slowest.step(1, 9)
    assert slowest.position == 2
    assert slowest.step(2, 3)
    assert slowest.position == 3


@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_535, 65_536])
def test_frames_are_cut_however_they_arrive(size):
    payload = bytes(range(256)) * (size // 256 + 1)
    payload = payload[:size]
    stream = websocket.text_frame(payload) * 3
    step = max(1, len(stream) // 10)
    frames = websocket.Frames()
    cut = [
        frame for at in range(0, len(stream), step) for frame in frames.cut(stream[at : at + step])
    ]
    assert cut == [(1, payload)] * 3


def test_a_client_masks_what_it_sends():
    frame = websocket.masked_text(b"hello")
    assert frame[:2] == b"\x81\x85"
    key, mixed = frame[2:6], frame[6:]
    assert bytes(byte ^ key[at % 4] for at, byte in enumerate(mixed)) == b"hello"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0:01.50\n", 1.5), ("1:02:03", 3723), ("1-00:00:00", 86_400)]
)
def test_the_processor_time_of_ps_is_understood(text, seconds):
    assert parse_ps_time(text) == seconds


async def test_a_refused_handshake_is_told():
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(ConnectionError, match="403"):
            await websocket.connect(Subscriber(lambda _: None), f"ws://127.0.0.1:{port}/fan")
