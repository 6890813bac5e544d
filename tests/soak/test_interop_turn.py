"""coturn between a browser and us: with our credentials, and with none but relayed candidates."""

import asyncio
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.demo import free_port
from tests.soak.browsers import chromium, pages
from tests.soak.interop import class_, require

__all__ = ["chromium", "class_", "pages"]

SECRET = "shared between liveclass and coturn"


@dataclass
class Coturn:
    """A TURN server that knows our secret and no users."""

    address: str
    port: int
    log: Path

    def users(self) -> set[str]:
        """Return the names under which relays were allocated."""
        return set(
            re.findall(
                r"user <([^>]+)>: incoming packet ALLOCATE processed, success", self.log.read_text()
            )
        )


def own_address() -> str:
    """Return this machine's address that other machines see."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return str(probe.getsockname()[0])


@pytest_asyncio.fixture
async def coturn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Coturn]:
    binary = require("turnserver", "coturn")
    turn = Coturn(own_address(), free_port(), tmp_path / "turn.log")
    process = subprocess.Popen(
        [
            binary, "-n", "--no-cli", "--no-tls", "--no-dtls", "--fingerprint",
            "--listening-ip", turn.address, "--relay-ip", turn.address,
            "--listening-port", str(turn.port), "--realm", "liveclass",
            "--use-auth-secret", "--static-auth-secret", SECRET,
            "--log-file", str(turn.log), "--simple-log", "--verbose",
            "--pidfile", str(tmp_path / "turn.pid"), "--userdb", str(tmp_path / "turn.db"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    monkeypatch.setenv("LIVECLASS_ICE_SERVERS", f"turn:{turn.address}:{turn.port}?transport=udp")
    monkeypatch.setenv("LIVECLASS_TURN_SECRET", SECRET)
    try:
        async with asyncio.timeout(10):
            while not turn.log.exists() or "listener" not in turn.log.read_text():
                assert process.poll() is None
                await asyncio.sleep(0.05)
        yield turn
    finally:
        process.terminate()
        process.wait(10)


async def test_a_teacher_behind_a_strict_firewall_publishes_through_turn(
    coturn, pages, class_, chromium, report
) -> None:
    token = await class_.publish_token()
    await chromium(pages.page(url=class_.whip, token=token, mode="publish", relay=True))
    told = await pages.hears()
    assert told.get("status") == 201, told
    (server,) = told["iceServers"]
    assert server["urls"] == f"turn:{coturn.address}:{coturn.port}?transport=udp"
    assert told["type"] == "relay"
    await class_.is_seen()
    watching = await class_.token("student")
    await chromium(pages.page(url=class_.whep, token=watching, mode="watch", relay=True))
    seen = await pages.hears()
    assert (seen.get("status"), seen.get("type")) == (201, "relay"), seen
    known = coturn.users()
    assert server["username"] in known
    # Our own page asks the relay, too, with credentials that hold.
    await chromium(await class_.link("student"))
    async with asyncio.timeout(20):
        while not coturn.users() - known:
            await asyncio.sleep(0.1)
    report(published=told["type"], watched=seen["type"])
