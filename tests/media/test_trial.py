"""``liveclass destination test``: what it says of destinations that work and that do not."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import cli
from server.media import testcard
from server.media.destinations import trial
from tests.demo import free_port
from tests.media.conftest import RtmpServer
from tests.media.scripted_server import ScriptedServer

KEY = "canary-try-key"


async def attempt(
    url: str, *more: str, seconds: float = 1, key: tuple[str, ...] = ("--key-stdin",), **env: str
) -> Result:
    words = ("destination", "test", url, "--seconds", str(seconds), *key, *more)
    given = f"{KEY}\n" if key == ("--key-stdin",) else None
    environ = {"LIVECLASS_EGRESS_ALLOW": "127.0.0.0/8:*", "STREAM_KEY": "", **env}
    done = await asyncio.to_thread(CliRunner().invoke, cli.liveclass, words, given, environ)
    assert KEY not in done.output
    return done


async def test_a_destination_that_works_is_told_step_by_step(rtmp: RtmpServer) -> None:
    done = await attempt(rtmp.url("one"))
    assert done.exit_code == 0, done.output
    said = done.output.splitlines()
    assert said[0] == "The stream and its key are sent unencrypted (rtmp://)."
    assert said[1] == f"Resolved 127.0.0.1 to 127.0.0.1; connecting to port {rtmp.port}."
    assert said[2:6] == [
        "Connected.",
        "It speaks RTMP.",
        "It knows the application.",
        "It accepted the stream key.",
    ]
    assert said[6].startswith("It took ")
    assert "round trip" in said[6]
    assert int(said[6].split()[2].replace(",", "")) > 100_000
    assert said[7].endswith("takes the stream.")
    assert KEY in (rtmp.directory / "error.log").read_text()


async def test_the_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    for key, env in ((("--key-file", str(path)), {}), ((), {"STREAM_KEY": KEY})):
        async with ScriptedServer() as server:
            assert (await attempt(server.url(), key=key, **env)).exit_code == 0
            await server.left()
            assert server.arguments["publish"][1] == KEY
            assert server.commands[-1] == "deleteStream"
    none = await attempt("rtmp://live.example/app", key=())
    assert (none.exit_code, "--key-stdin" in none.output) == (2, True)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"publish_status": "NetStream.Publish.BadName"}, "name_in_use"),
        ({"connect_status": "NetConnection.Connect.InvalidApp"}, "auth_rejected"),
        ({"hello": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, "handshake"),
        ({"stops_reading_after": 0}, "stall"),
    ],
)
async def test_what_fails_has_its_code_and_a_remedy(
    how: dict[str, object], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "STALL_SECONDS", 0.3)
    # What the kernels on the way take is full at once.
    monkeypatch.setattr(testcard, "BIT_RATE", 40_000_000)
    async with ScriptedServer(**how) as server:
        done = await attempt(server.url(), seconds=20)
    assert done.exit_code == 1
    last = done.output.splitlines()[-1]
    assert last.startswith(f"FAILED ({code}): ")
    assert last.count(".") >= 2, "what happened, and what to do"


async def test_a_way_that_is_too_slow_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LATE_SECONDS", 0.3)
    monkeypatch.setattr(testcard, "BIT_RATE", 40_000_000)
    async with ScriptedServer(pause_seconds=0.004) as server:
        done = await attempt(server.url(), seconds=20)
    assert done.exit_code == 1
    assert "FAILED (overflow): " in done.output


async def test_nobody_there_and_nowhere_to_go() -> None:
    refused = await attempt(f"rtmp://127.0.0.1:{free_port()}/live")
    assert (refused.exit_code, "tcp_refused" in refused.output) == (1, True)
    private = await attempt("rtmp://169.254.169.254/latest")
    assert (private.exit_code, "ssrf_blocked" in private.output) == (1, True)
    wrong = await attempt("https://live.example/app")
    assert (wrong.exit_code, "rtmp" in wrong.output) == (2, True)


async def test_a_redirect_is_followed_through_the_guard() -> None:
    async with ScriptedServer(host="127.0.0.2") as other:
        says = {"ex": {"code": 302.0, "redirect": other.url()}}
        async with ScriptedServer(
            connect_status="NetConnection.Connect.Rejected", connect_says=says
        ) as server:
            followed = await attempt(server.url())
            blocked = await attempt(server.url(), "--allow", "127.0.0.1/32:*")
        assert followed.exit_code == 0
        assert (blocked.exit_code, "ssrf_blocked" in blocked.output) == (1, True)
        assert other.connections == 1
