"""Where messages may go. That the connection goes to what was checked, test_webhooks.py shows."""

import asyncio
import socket

import pytest

from server.addresses import parse_allowed
from server.errors import InvalidInputError
from server.webhooks.sender import Failure, Result, Sender


def answering(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Let the resolver of this loop answer with each of ``rounds`` in turn, then the last."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        if not found:
            raise socket.gaierror("no such host")
        return [(None, None, None, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    return asked


async def test_public_addresses_by_https_on_any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["8.8.8.8", "2606:4700::1111"])
    await Sender().check("https://school.example:8443/hook?a=b")
    with pytest.raises(InvalidInputError):
        await Sender().check("http://school.example/hook")


async def test_one_private_address_among_others_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(InvalidInputError):
        await Sender().check("https://school.example/")


async def test_a_name_that_is_another_when_it_is_delivered_to_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answering(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    sender = Sender()
    await sender.check("https://rebind.example/")
    assert await sender.deliver("https://rebind.example/", {}, b"") == Result(None, Failure.ADDRESS)
    assert asked == ["rebind.example"] * 2


async def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name is asked for once: aiohttp gets the answer, and looks nothing up by itself."""
    hosts: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        hosts.extend(line for line in request.decode().split("\r\n") if line.startswith("Host"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        asked = answering(monkeypatch, ["127.0.0.1"])
        sender = Sender(parse_allowed("127.0.0.0/8:*"))
        result = await sender.deliver(f"http://school.example:{port}/", {}, b"{}")
        assert result == Result(204, None)
        assert hosts == [f"Host: school.example:{port}"]
        assert asked == ["school.example"]
        # What the server itself listens on is never a receiver.
        own = Sender(parse_allowed("127.0.0.0/8:*"), own_ports=(port,))
        assert await own.deliver(f"http://127.0.0.1:{port}/", {}, b"") == Result(
            None, Failure.ADDRESS
        )


async def test_a_receiver_that_is_not_who_it_says_gets_nothing() -> None:
    """TLS without a certificate to trust, or no TLS at all."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sender = Sender(parse_allowed("127.0.0.0/8:*"))
        result = await sender.deliver(f"https://127.0.0.1:{port}/", {}, b"{}")
        assert result == Result(None, Failure.TLS)
