"""Janus (https://janus.conf.meetecho.com): its video room, as Debian packages it.

Spoken to over its WebSocket transport; one room, one publisher, any number of subscribers.
"""

import asyncio
import contextlib
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from load.bench.processes import BenchError, stopping

ROOM = 1234
_CALL_SECONDS = 15.0
_START_SECONDS = 10.0
_KEEPALIVE_SECONDS = 20.0
_FOLDERS = (Path("/usr/lib/x86_64-linux-gnu/janus"), Path("/usr/lib/janus"),
            Path("/usr/lib/aarch64-linux-gnu/janus"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Running:
    """A Janus that runs: its process and where its API is."""

    pid: int
    url: str


def find() -> tuple[str, Path] | None:
    """Return the program and the folder of its modules, or None."""
    program = shutil.which("janus")
    folder = next((each for each in _FOLDERS if each.is_dir()), None)
    return (program, folder) if program and folder else None


@contextlib.asynccontextmanager
async def running(program: str, modules: Path) -> AsyncIterator[Running]:
    """Run Janus with a video room, and nothing else it could do, while the block lasts.

    Raises:
        BenchError: If it does not start.

    """
    with tempfile.TemporaryDirectory(prefix="janus-") as directory:
        config = Path(directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        _configure(config, modules, port)
        with (config / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(program, "--configs-folder", directory, "--disable-colors"),
                *("--config", str(config / "janus.jcfg")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with stopping(process):
            url = f"ws://127.0.0.1:{port}"
            until = time.monotonic() + _START_SECONDS
            while not await _answers(url):
                if time.monotonic() > until:
                    text = (config / "log").read_text(errors="replace")[-2000:]
                    raise BenchError(f"janus did not start:\n{text}")
                await asyncio.sleep(0.1)
            yield Running(process.pid, url)


def _configure(config: Path, modules: Path, port: int) -> None:
    others = sorted(
        path.name
        for path in (modules / "plugins").glob("*.so")
        if path.name != "libjanus_videoroom.so"
    )
    transports = sorted(
        path.name
        for path in (modules / "transports").glob("*.so")
        if path.name != "libjanus_websockets.so"
    )
    (config / "janus.jcfg").write_text(f"""
general: {{
    configs_folder = "{config}"
    plugins_folder = "{modules}/plugins"
    transports_folder = "{modules}/transports"
    debug_level = 3
}}
plugins: {{ disable = "{",".join(others)}" }}
transports: {{ disable = "{",".join(transports)}" }}
loggers: {{ disable = "libjanus_jsonlog.so" }}
""")
    (config / "janus.transport.websockets.jcfg").write_text(f"""
general: {{ ws = true  ws_port = {port}  ws_ip = "127.0.0.1"  wss = false }}
admin: {{ admin_ws = false  admin_wss = false }}
""")
    (config / "janus.plugin.videoroom.jcfg").write_text(f"""
room-{ROOM}: {{
    publishers = 1
    bitrate = 0
    fir_freq = 0
    audiocodec = "opus"
    videocodec = "h264"
    record = false
    notify_joining = false
}}
""")


async def _answers(url: str) -> bool:
    try:
        async with Janus.connect(url):
            return True
    except (aiohttp.ClientError, OSError):
        return False


class Janus:
    """A session of Janus' API; handles come and go in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, url: str) -> "AsyncIterator[Janus]":
        """Have a session for as long as the block lasts; its handles end with it."""
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, protocols=("janus-protocol",)) as opened,
        ):
            janus = cls(opened)
            async with asyncio.TaskGroup() as tasks:
                background = [tasks.create_task(janus._listen())]
                try:
                    created = await janus._call("create")
                    janus._session = created["data"]["id"]
                    background.append(tasks.create_task(janus._keep_alive()))
                    yield janus
                    await janus._call("destroy")
                finally:
                    for task in background:
                        task.cancel()

    async def publish(self, offer: str) -> tuple[int, str]:
        """Publish in the room; return the number of the feed and the answer."""
        handle = await self._attach()
        join = {"request": "joinandconfigure", "room": ROOM, "ptype": "publisher"}
        event = await self._message(handle, join, {"type": "offer", "sdp": offer})
        return event["plugindata"]["data"]["id"], event["jsep"]["sdp"]

    async def subscribe(self, feed: int) -> tuple[int, str]:
        """Ask to watch a feed; return the handle and Janus' offer."""
        handle = await self._attach()
        join = {
            "request": "join",
            "room": ROOM,
            "ptype": "subscriber",
            "streams": [{"feed": feed}],
        }
        event = await self._message(handle, join)
        return handle, event["jsep"]["sdp"]

    async def start(self, handle: int, answer: str) -> None:
        """Answer the offer."""
        await self._message(handle, {"request": "start"}, {"type": "answer", "sdp": answer})

    async def leave(self, handle: int) -> None:
        """Watch no more."""
        await self._call("detach", handle_id=handle)

    async def _attach(self) -> int:
        attached = await self._call("attach", plugin="janus.plugin.videoroom")
        number: int = attached["data"]["id"]
        return number

    async def _message(
        self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None
    ) -> dict[str, Any]:
        more = {} if jsep is None else {"jsep": jsep}
        event = await self._call("message", handle_id=handle, body=body, **more)
        data = event.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise BenchError(f"janus: {data['error']}")
        return event

    async def _call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        transaction = uuid.uuid4().hex
        future = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        session = {"session_id": self._session} if self._session else {}
        try:
            await self._socket.send_json(
                {"janus": verb, "transaction": transaction, **session, **arguments}
            )
            async with asyncio.timeout(_CALL_SECONDS):
                answer: dict[str, Any] = await future
        finally:
            del self._waiting[transaction]
        if answer["janus"] == "error":
            raise BenchError(f"janus: {answer['error']['reason']}")
        return answer

    async def _listen(self) -> None:
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            said = frame.json()
            future = self._waiting.get(said.get("transaction", ""))
            # "ack" only says that the answer comes later.
            if future is not None and not future.done() and said["janus"] != "ack":
                future.set_result(said)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(_KEEPALIVE_SECONDS)
            # Answered by an "ack" alone: nothing comes later.
            await self._socket.send_json(
                {
                    "janus": "keepalive",
                    "transaction": uuid.uuid4().hex,
                    "session_id": self._session,
                }
            )
