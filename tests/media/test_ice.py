"""The contract with aioice's private names, and where media is taken."""

import asyncio
import re
import socket
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import aioice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server.media import aioice_seam
from server.media.network import Network
from server.media.peer import Peer
from server.media.sdp import MAX_CANDIDATES, UnacceptableOfferError
from tests.demo import free_port
from tests.media.offers import OBS
from tests.patience import PATIENCE

CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp (\d+) (\S+) (\d+) typ (\S+)")


def test_aioice_is_the_version_the_seam_was_written_for() -> None:
    assert version("aioice").startswith(aioice_seam.SUPPORTED)


def test_the_private_names_are_there() -> None:
    ice = Path(aioice.ice.__file__).read_text()
    assert "self.get_component_candidates(component=component, addresses=addresses)" in ice
    assert "self._protocols: list[StunProtocol] = []" in ice
    assert "self.receiver.data_received(data, self.local_candidate.component)" in ice
    transport = Path(aioice.ice.__file__).parents[1] / "aiortc" / "rtcicetransport.py"
    text = transport.read_text()
    assert "self.__monitor_task = asyncio.ensure_future(self._monitor())" in text
    assert "event = await self._connection.get_event()" in text
    assert "self._send = self._connection.send" in text
    dtls = (transport.parent / "rtcdtlstransport.py").read_text()
    assert "self.transport._recv()" in dtls
    assert "self.transport._send(data)" in dtls


async def gathered(network: Network) -> list[tuple[str, int, str]]:
    """Return address, port and type of the candidates in an answer."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        await pc.setRemoteDescription(RTCSessionDescription(OBS, "offer"))
        aioice_seam.use_network(pc, network, lambda _: False)
        await pc.setLocalDescription()
        assert aioice_seam.is_reachable(pc) == ("a=candidate" in pc.localDescription.sdp)
        first = pc.localDescription.sdp.split("m=")[1]
        return [(host, int(port), kind) for _, host, port, kind in CANDIDATE.findall(first)]
    finally:
        await pc.close()


async def test_media_is_taken_where_the_operator_says() -> None:
    for address in ("127.0.0.1", "::1"):
        ((host, _, kind),) = await gathered(Network(addresses=(address,)))
        assert (host, kind) == (address, "host")
    everywhere = await gathered(Network())
    assert everywhere
    assert not {"127.0.0.1", "::1"} & {host for host, _, _ in everywhere}
    versions = [":" in host for host, _, _ in everywhere]
    assert versions == sorted(versions), "IPv4 comes first"


async def test_a_public_address_comes_first_and_stands_for_the_same_port() -> None:
    network = Network(addresses=("127.0.0.1", "::1"), public_address="203.0.113.5")
    public, local, six = await gathered(network)
    # Of type host: ffmpeg takes the first of these, and no other.
    assert (public[0], public[2]) == ("203.0.113.5", "host")
    assert (local[0], local[1]) == ("127.0.0.1", public[1])
    assert six[0] == "::1"


def bind_before_a_free_port(taken: socket.socket) -> int:
    """Bind ``taken`` to a port, so that nobody has the next one either; return the port."""
    while True:
        first = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as following, suppress(OSError):
            following.bind(("127.0.0.1", first + 1))
            taken.bind(("127.0.0.1", first))
            return first


async def test_ports_are_those_of_the_range_until_there_is_none() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        first = bind_before_a_free_port(taken)
        network = Network(addresses=("127.0.0.1",), first_port=first, last_port=first + 1)
        for _ in range(5):
            ((_, port, _),) = await gathered(network)
            assert port == first + 1
        alone = Network(addresses=("127.0.0.1",), first_port=first, last_port=first)
        assert await gathered(alone) == []
        assert await gathered(Network(addresses=("203.0.113.5",))) == [], "not ours"


def test_every_port_of_the_range_is_tried_once() -> None:
    for _ in range(20):
        tried = list(Network(first_port=50_000, last_port=50_009).ports())
        assert sorted(tried) == list(range(50_000, 50_010))
    assert list(Network().ports()) == [0]


async def test_only_so_many_candidates_of_a_peer_are_checked() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        await pc.setRemoteDescription(RTCSessionDescription(OBS, "offer"))
        with pytest.raises(ValueError, match="enough"):
            await aioice_seam.add_candidate(pc, "nonsense")
        for port in range(1, 200):
            await aioice_seam.add_candidate(pc, f"1 1 udp 1 192.0.2.1 {port} typ host")
        (transport,) = pc._RTCPeerConnection__iceTransports
        assert len(transport.getRemoteCandidates()) == MAX_CANDIDATES
    finally:
        await pc.close()


class Watcher(Peer):
    use = "watch"


async def test_without_a_port_an_offer_is_worth_another_try() -> None:
    offer = OBS.replace("a=sendonly", "a=recvonly").encode()
    peer = Watcher("ann", 0.0, lambda: None, Network(addresses=("203.0.113.5",)))
    with pytest.raises(UnacceptableOfferError) as refused:
        await peer.answer(offer)
    answer = refused.value.answer()
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "2"
    assert peer.pc.connectionState == "closed"


async def test_media_is_told_by_its_first_byte_and_read_in_turns() -> None:
    ice = aioice.Connection(ice_controlling=False)
    taken: list[bytes] = []

    def take(datagram: bytes) -> bool:
        taken.append(datagram)
        return len(datagram) > 1

    aioice_seam._gather_in(ice, Network(addresses=("127.0.0.1",)), take)
    await ice.gather_candidates()
    (candidate,) = ice.local_candidates
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((candidate.host, candidate.port))
        try:
            sender.send(b"")
            for first in (0, 20, 63, 127, 128, 191, 192, 255):
                sender.send(bytes((first,)))
                sender.send(bytes((first, 0)))
            for number in range(200):
                sender.send(bytes((128, number)))
            turns = 0
            async with asyncio.timeout(PATIENCE):
                while len(taken) < 204:
                    before = len(taken)
                    await asyncio.sleep(0)
                    assert len(taken) - before <= aioice_seam.AT_ONCE, "others have their turns"
                    turns += len(taken) > before
            assert turns <= 8, "what has come is read in one go"
            assert taken[:4] == [b"\x80", b"\x80\x00", b"\xbf", b"\xbf\x00"]
            assert taken[4:] == [bytes((128, number)) for number in range(200)]
            passed_on = [ice._queue.get_nowait()[0] for _ in range(ice._queue.qsize())]
            others = [bytes((first, *rest)) for first in (0, 20, 63, 127) for rest in ((), (0,))]
            late = [bytes((first, *rest)) for first in (192, 255) for rest in ((), (0,))]
            assert passed_on == [b"", *others, b"\x80", b"\xbf", *late]
        finally:
            await ice.close()
