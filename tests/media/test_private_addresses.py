"""MEDIA: nobody gets the server to connect to where it should not, whatever they write.

What would be connected to is listened on, on every address of this machine, and counts.
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from server.addresses import parse_allowed
from server.clock import SystemClock
from server.media import testcard
from server.media.bus import Bus
from server.media.destinations import address
from server.media.destinations.address import AddressGuard
from server.media.destinations.egress import Egress
from server.media.destinations.gate import ConnectGate
from server.media.fabric import DestinationTarget
from server.media.unit import EncodedUnit
from server.secrets.secret import Secret
from server.tasks import Supervisor
from tests.demo import free_port
from tests.media.scripted_server import ScriptedServer, status
from tests.patience import PATIENCE, eventually

PUBLIC = "127.0.0.2"
"""Stands for a public address: it is allowed, what the trap listens on is not."""
AS_IF_PUBLIC = parse_allowed(f"{PUBLIC}/32:*")

HOSTS = [
    # Loopback, as it is written and as inet_aton reads it.
    "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "0177.0.0.1", "2130706433",
    "017700000001", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "0.0.0.0", "0", "0.1.2.3",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "127.255.255.254",
    # Private, link-local (metadata), shared, multicast, broadcast, reserved.
    "10.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.1.1", "169.254.169.254", "0xa9fea9fe",
    "2852039166", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1",
    # The same in IPv6, and IPv4 within it.
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[fe80::1]", "[fe80::1%25lo]",
    "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]",
    "[2001:db8::1]", "[2001:0:7f00:1::]",
    # Names.
    "127.0.0.1.nip.example", "7f000001.nip.example", "metadata.internal.example",
    "two-faced.example", "mapped.example", "nat64.example",
    # What parsers disagree about.
    "8.8.8.8@127.0.0.1", "user:pass@127.0.0.1", "127.0.0.1\\@8.8.8.8", "8.8.8.8#@127.0.0.1",
    "[::1", "",
]  # fmt: skip
NAMES = {
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "7f000001.nip.example": ["127.0.0.1"],
    "metadata.internal.example": ["169.254.169.254"],
    "two-faced.example": ["8.8.8.8", "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
}


@dataclass
class Trap:
    """Listens where nothing may be sent, and counts."""

    port: int
    accepted: int = 0

    @asynccontextmanager
    async def open(self, *addresses: str) -> AsyncIterator["Trap"]:
        async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted += 1
            writer.transport.abort()

        async with AsyncExitStack() as stack:
            for each in addresses:
                server = await asyncio.start_server(accept, each, self.port)
                await stack.enter_async_context(server)
            yield self
        await asyncio.sleep(0)


@pytest.fixture
async def trap(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trap]:
    """On every address of this machine."""
    async with Trap(free_port()).open("0.0.0.0", "::") as trap:
        # What blocks must be the address, never the port.
        monkeypatch.setattr(address, "PORTS", address.PORTS | {trap.port})
        yield trap


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Iterator[list[str]]]:
    """The resolver: what each name answers, question by question; others as the system says."""
    answers = {name: itertools.repeat(found) for name, found in NAMES.items()}
    real = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self: asyncio.BaseEventLoop, host: str, port: int, **more: object):
        if host in answers:
            return [(None, None, None, "", (each, port)) for each in next(answers[host])]
        return await real(self, host, port, **more)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return answers


async def fails(egress: Egress, count: int = 1) -> str:
    """Return why it failed when it has failed so often, and tries no more for the moment."""

    def code() -> str | None:
        sample = egress.sample(0, sends=True)
        return None if sample.failures < count else sample.code

    return str(await eventually(code))


def send(tasks: Supervisor, url: str, guard: AddressGuard, bus: Bus) -> Egress:
    async def key(_: str) -> Secret:
        return Secret("canary-ssrf-key")

    clock = SystemClock()
    egress = Egress(
        DestinationTarget("one", "custom", url),
        bus=bus,
        resolve_secret=key,
        guard=guard,
        gate=ConnectGate(clock),
        emit=lambda kind, data: None,
        clock=clock,
    )
    tasks.start("egress", egress.run())
    return egress


@asynccontextmanager
async def on_air() -> AsyncIterator[tuple[Bus, Supervisor]]:
    """A bus that carries a test card, ten times as fast as it is seen."""
    bus = Bus()
    bus.ready.set()

    async def publish() -> None:
        for unit in testcard.programme():
            bus.publish(EncodedUnit(unit.kind, unit.dts_ms, unit.key, unit.data, unit.parameters))
            await asyncio.sleep(0.002)

    async with Supervisor("test") as tasks:
        tasks.start("publish", publish())
        yield bus, tasks


async def test_no_address_that_is_not_public_is_connected_to(
    trap: Trap, names: dict[str, Iterator[list[str]]]
) -> None:
    bus = Bus()
    bus.ready.set()
    own = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None)}
    hosts = HOSTS + [f"[{each}]" if ":" in each else each for each in own if "%" not in each]
    async with Supervisor("test") as tasks:
        sent = {
            host: send(tasks, f"rtmp://{host}:{trap.port}/live", AddressGuard(), bus)
            for host in hosts
        }
        codes = {host: await fails(each) for host, each in sent.items()}
        assert set(codes.values()) <= {"ssrf_blocked", "dns"}, codes
        for each in sent.values():
            each.retry_now()
        again = {host: await fails(each, 2) for host, each in sent.items()}
        assert again == codes
    unknown = [host for host, code in codes.items() if code == "dns"]
    # Of the corpus, hardly anything fails merely because nobody knows it.
    assert len(unknown) <= 3, unknown
    assert trap.accepted == 0


async def test_the_trap_does_count(trap: Trap) -> None:
    bus = Bus()
    bus.ready.set()
    allowed = AddressGuard(parse_allowed("127.0.0.0/8:*,[::1/128]:*"))
    for host in ("127.1", "[::1]"):
        before = trap.accepted
        async with Supervisor("test") as tasks:
            sent = send(tasks, f"rtmp://{host}:{trap.port}/live", allowed, bus)
            assert await fails(sent) in ("reset", "provider_close")
        assert trap.accepted > before


async def test_a_name_that_becomes_private_is_not_followed(
    names: dict[str, Iterator[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is asked first, private ever after."""
    names["rebind.example"] = answers = iter([[PUBLIC], *[["127.0.0.1"]] * 20])
    async with (
        ScriptedServer(host=PUBLIC, port=free_port()) as server,
        Trap(server.port).open("127.0.0.1") as trap,
    ):
        monkeypatch.setattr(address, "PORTS", address.PORTS | {trap.port})
        async with on_air() as (bus, tasks):
            url = server.url(host="rebind.example")
            sent = send(tasks, url, AddressGuard(AS_IF_PUBLIC), bus)
            async with asyncio.timeout(PATIENCE):
                while len(server.media) < 50:
                    await asyncio.sleep(0.01)
            server.drop()
            assert await fails(sent) in ("reset", "provider_close")
            sent.retry_now()
            assert await fails(sent, 2) == "ssrf_blocked"
        assert len(list(answers)) == 19, "two connections, two questions"
        assert server.connections == 1
        assert trap.accepted == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::ffff:127.0.0.1]", "7f000001.nip.example", "[::1"]
)
@pytest.mark.parametrize("moment", ["connecting", "live"])
async def test_a_server_cannot_send_us_to_a_private_address(
    trap: Trap, names: dict[str, Iterator[list[str]]], host: str, moment: str
) -> None:
    private = f"rtmp://{host}:{trap.port}/live"
    if moment == "live":
        ask = status("NetConnection.Connect.ReconnectRequest", level="status", tcUrl=private)
        server = ScriptedServer(host=PUBLIC, then=[ask])
    else:
        server = ScriptedServer(
            host=PUBLIC,
            connect_status="NetConnection.Connect.Rejected",
            connect_says={"ex": {"code": 302.0, "redirect": private}},
        )
    async with server, on_air() as (bus, tasks):
        sent = send(tasks, server.url(), AddressGuard(AS_IF_PUBLIC), bus)
        assert await fails(sent) == "ssrf_blocked"
        assert server.connections == 1
    assert trap.accepted == 0
