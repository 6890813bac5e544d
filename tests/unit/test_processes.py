"""Ports that a supervisor holds for its workers, which come and go."""

import asyncio
import base64
import random
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from server.config import load
from server.errors import InvalidSettingsError
from server.processes import free_port, held_port
from server.serve import running, worker_environment
from tests.patience import PATIENCE

HOST = "127.0.0.1"


def listening(port: int, *options: int) -> socket.socket:
    """Return a socket that listens there, as programs do it."""
    channel = socket.socket()
    for option in (socket.SO_REUSEADDR, *options):
        channel.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        channel.bind((HOST, port))
        channel.listen()
    except OSError:
        channel.close()
        raise
    return channel


def test_a_port_that_is_held_is_the_workers_alone() -> None:
    with held_port(HOST) as port:
        for _ in range(2):  # a worker that comes back finds it as it was
            with pytest.raises(OSError, match="in use"):
                listening(port)
            with pytest.raises(InvalidSettingsError, match=f"port {port}"):
                free_port(HOST, port)
            # Nobody is there: who connects is refused, and does not wait.
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((HOST, port), 1)
            with listening(port, socket.SO_REUSEPORT):
                socket.create_connection((HOST, port), 1).close()
    listening(port).close()


def test_a_port_that_somebody_listens_on_is_not_held() -> None:
    for options in ((), (socket.SO_REUSEPORT,)):
        with listening(0, *options) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(InvalidSettingsError, match=f"port {port}"), held_port(HOST, port):
                pass


def test_there_are_only_so_many_ports() -> None:
    with pytest.raises(InvalidSettingsError, match="65536"), held_port(HOST, 65_536):
        pass


def test_a_port_that_cannot_be_held_for_a_minute_is_used_all_the_same() -> None:
    with listening(0) as server:
        port = server.getsockname()[1]
        with socket.create_connection((HOST, port)) as client:
            server.accept()[0].close()  # who closes first remembers it for a minute
            client.recv(1)
    with held_port(HOST, port) as held:
        assert held == port


def free_row(length: int) -> int:
    """Return the first of so many free ports in a row, none of which a connection is given."""
    while True:
        first = random.randrange(20_000, 30_000)
        with suppress(InvalidSettingsError):
            for number in range(length):
                free_port(HOST, first + number)
            return first


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_server_whose_next_port_is_taken_does_not_start(
    tmp_path: Path, number: int
) -> None:
    base, public = free_row(3), free_port(HOST)
    environ = worker_environment(
        {},
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        objects_url=tmp_path.as_uri(),
        token_secret="x" * 48,
        secret_keys=base64.b64encode(bytes(32)).decode(),
        port=str(base + number if number == 2 else public),
        ops_port=str(base),
        hub_workers="3",
        runtime_dir=str(tmp_path),
    )
    taken = [] if number == 2 else [listening(base + number)]
    try:
        with pytest.raises(InvalidSettingsError, match=f"port {base + number}: .*in use"):
            async with asyncio.timeout(PATIENCE), running(load(environ), environ):
                pass
    finally:
        for each in taken:
            each.close()
    assert not any(tmp_path.iterdir()), "it leaves nothing behind"
