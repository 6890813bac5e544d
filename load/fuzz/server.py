"""The server under test: how it does, seen from outside."""

import asyncio
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from load.bench.processes import Demo
from load.fuzz.rooms import Mint
from load.place import post
from protocol.rest import Course, Lesson, NewCourse, NewLesson, NewSession, Session

_REQUEST_SECONDS = 10.0
_VERIFY_SECONDS = 120.0
_SAMPLE = re.compile(r"^(liveclass_\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_RECORD = re.compile(r"^\d{4}-\d\d-\d\dT\S+ ", re.MULTILINE)
_BAD_LOG = re.compile(
    r"Traceback|command_failed|command_poisoned|\[(?:error|critical)\s*\]|Task exc"
)


class _Keys(msgspec.Struct):
    token_secret: str


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at the server's processes."""

    hub_mib: float
    worker_mib: float
    descriptors: int


class Server:
    """A running demo, and its log."""

    def __init__(self, demo: Demo, log: Path, http: aiohttp.ClientSession) -> None:
        self.demo = demo
        self.log = log
        keys = msgspec.json.decode((demo.data / "keys.json").read_bytes(), type=_Keys)
        self.mint = Mint(keys.token_secret, demo.ready.tenant)
        self._http = http
        self._lesson = ""

    async def open_session(self, title: str) -> str:
        """Schedule a session; return its id.

        Raises:
            RefusedError: If the server does not let the admin.

        """
        url, admin = f"{self.demo.ready.url}/v1", self.demo.ready.tokens.admin
        if not self._lesson:
            course = await post(self._http, f"{url}/courses", admin, NewCourse("Fuzz"), Course)
            lessons = f"{url}/courses/{course.id}/lessons"
            lesson = await post(self._http, lessons, admin, NewLesson("Fuzz"), Lesson)
            self._lesson = lesson.id
        sessions = f"{url}/lessons/{self._lesson}/sessions"
        return (await post(self._http, sessions, admin, NewSession(title), Session)).id

    def vitals(self) -> Vitals | None:
        """Return memory and open files of our processes; None where the system does not tell."""
        if not Path("/proc/self/smaps_rollup").exists():
            return None
        hub = worker = 0.0
        descriptors = 0
        for pid in _descendants(self.demo.pid):
            process = Path(f"/proc/{pid}")
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                kib = int((process / "status").read_text().split("VmRSS:")[1].split()[0])
                files = len(os.listdir(process / "fd"))
            except (OSError, IndexError):
                continue  # it has ended meanwhile
            if b"server.media" in command:
                worker += kib / 1024
            elif b"server.app" in command:
                hub += kib / 1024
            else:
                continue
            descriptors += files
        return Vitals(round(hub, 1), round(worker, 1), descriptors)

    async def metrics(self) -> dict[str, float]:
        """Return every metric, summed over its labels."""
        url = f"{self.demo.ready.ops_url}/metrics"
        async with asyncio.timeout(_REQUEST_SECONDS), self._http.get(url) as response:
            text = await response.text()
        sums: dict[str, float] = {}
        for name, value in _SAMPLE.findall(text):
            sums[name] = sums.get(name, 0.0) + float(value)
        return sums

    async def is_ready(self) -> str:
        """Return ``ok``, or what the server says is wrong."""
        url = f"{self.demo.ready.ops_url}/healthz/ready"
        try:
            async with asyncio.timeout(_REQUEST_SECONDS), self._http.get(url) as response:
                return "ok" if response.status == 200 else await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"no answer: {error!r}"

    async def verify(self, session: str) -> str:
        """Return what ``liveclass verify`` says of a session: it begins with ``ok``."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "verify", session),
            *("--database-url", self.demo.ready.database_url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_VERIFY_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return "no verdict in time"
        return output.decode(errors="replace").strip()

    def complaints(self) -> Counter[str]:
        """Return what the server's log tells of defects: the end of each record, how often."""
        records = _RECORD.split(self.log.read_text(errors="replace"))
        found: Counter[str] = Counter()
        for record in records:
            if _BAD_LOG.search(record):
                lines = record.strip().splitlines()
                found["\n".join([lines[0][:200], *lines[-8:]] if len(lines) > 1 else lines)] += 1
        return found


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found
