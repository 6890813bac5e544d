"""Where the server may connect to, and where it may not."""

import asyncio
import socket
from ipaddress import ip_address, ip_network

import pytest

from server.addresses import is_local, is_public, parse_allowed
from server.errors import InvalidInputError
from server.media.codes import Code, DestinationError
from server.media.destinations import address as address_module
from server.media.destinations.address import AddressGuard, parse

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.0.0.1",
    "::", "::1", "fe80::1", "fc00::1", "fd00::2", "ff02::1", "2001:db8::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1",
    "fec0::1", "::ffff:0:8.8.8.8", "100::1", "2001:2::1", "3fff::1", "5f00::1",
    "168.63.129.16", "192.88.99.1", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
    "64:ff9b::168.63.129.16", "::ffff:0.0.0.0", "2002:a9fe:a9fe::1", "2002:0a00:0001::1",
    "2002:7f00:0001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "151.101.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/live", "file:///etc/passwd", "rtmp:///live", "rtmp://", "", "rtmp",
        "rtmp://host", "rtmp://host/", "rtmp://user:secret@host/live", "rtmp://host/live#x",
        "rtmp://host:99999/live", "rtmp://host:x/live", "rtmp://ho st/live", "rtmp://[::1/live",
        "rtmp://host/li\nve", "RTMPT://host/live", "gopher://host/live",
    ],
)  # fmt: skip
def test_a_url_that_is_not_rtmp_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(url)
    assert refused.value.field == "url"
    assert "secret" not in str(refused.value)


def test_a_url_is_taken_apart() -> None:
    target = parse("rtmps://b.rtmps.youtube.com:443/live2?backup=1")
    assert (target.tls, target.host, target.port) == (True, "b.rtmps.youtube.com", 443)
    assert target.app == "live2?backup=1"
    assert target.url == "rtmps://b.rtmps.youtube.com/live2?backup=1"
    assert parse("rtmp://[2001:db8::1]/app/two").url == "rtmp://[2001:db8::1]/app/two"
    assert parse("rtmp://host/app/").port == 1935


def test_exceptions_are_networks_with_ports() -> None:
    guard = AddressGuard(parse_allowed("127.0.0.0/8:*, 10.0.0.5:2000,192.168.0.0/16,[fd00::/8]:9"))
    allowed = {
        ("127.0.0.1", 40_000): True,
        ("10.0.0.5", 2000): True,
        ("10.0.0.5", 1935): False,
        ("10.0.0.6", 2000): False,
        ("192.168.3.4", 1935): True,
        ("192.168.3.4", 5432): False,
        ("fd00::1", 9): True,
        ("fd00::1", 1935): False,
        ("8.8.8.8", 1935): True,
        ("8.8.8.8", 22): False,
    }
    for (address, port), expected in allowed.items():
        assert guard.permits(ip_address(address), port) is expected, (address, port)


def test_our_own_addresses_are_no_destination_unless_allowed_by_name() -> None:
    ours = [ip_network("151.101.1.0/24")]
    address = ip_address("151.101.1.1")
    assert AddressGuard().permits(address, 1935)
    assert not AddressGuard(own_networks=ours).permits(address, 1935)
    assert AddressGuard(own_networks=ours).permits(ip_address("151.101.2.1"), 1935)
    named = parse_allowed("151.101.1.1/32")
    assert AddressGuard(named, own_networks=ours).permits(address, 1935)
    assert not AddressGuard(named, own_networks=ours, own_ports=[1935]).permits(address, 1935)


def test_this_machine_knows_its_own_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_local(ip_address("127.0.0.1"))
    assert is_local(ip_address("::1"))
    assert not is_local(ip_address("8.8.8.8"))
    # As if a public address were one of this machine's.
    monkeypatch.setattr(address_module, "is_local", lambda address: True)
    assert not AddressGuard().permits(ip_address("8.8.8.8"), 1935)


@pytest.mark.parametrize("text", ["nonsense", "10.0.0.0/33", "10.0.0.1/8", "127.0.0.1:x", "[::1:1"])
def test_exceptions_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_allowed(text)


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let the resolver of this loop answer with these addresses."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if not addresses:
            raise socket.gaierror("no such host")
        return [(None, None, None, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    return asked


async def test_a_name_with_one_private_address_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(DestinationError) as refused:
        await AddressGuard().pin("rtmp://rebind.example/live")
    assert refused.value.code is Code.SSRF_BLOCKED


async def test_a_name_is_resolved_once_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, "2606:4700::1111", "8.8.8.8")
    endpoint = await AddressGuard().pin("rtmps://live.example/app")
    assert endpoint.addresses == ("8.8.8.8", "2606:4700::1111")
    assert endpoint.host == "live.example"
    assert endpoint.tls
    assert asked == ["live.example"]


async def test_a_name_that_is_none_says_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    with pytest.raises(DestinationError) as refused:
        await AddressGuard().pin("rtmp://nowhere.example/app")
    assert refused.value.code is Code.DNS


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[::ffff:10.0.0.1]", "[::1]", "127.1", "2130706433", "0x7f000001"]
)
async def test_numbers_in_disguise_are_still_private(host: str) -> None:
    with pytest.raises(DestinationError) as refused:
        await AddressGuard().pin(f"rtmp://{host}/live")
    assert refused.value.code is Code.SSRF_BLOCKED
