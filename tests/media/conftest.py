"""Real peers: nginx-rtmp in the foreground, a media worker on a real socket, stock aiortc."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from protocol.health import DestinationHealth
from server.addresses import parse_allowed
from server.errors import NotFoundError
from server.media import worker
from server.media.destinations.address import AddressGuard
from server.media.fabric import Desired, DestinationTarget, MediaEvent, RevokedError
from server.media.ingest import output
from server.media.local_fabric import LocalFabric
from server.secrets.secret import Secret
from server.tasks import Supervisor
from tests import peers
from tests.media.certificates import certificate
from tests.media.publisher import TestPublisher
from tests.patience import PATIENCE
from tests.rtmp_server import RtmpServer

SESSION = "0193a000-0000-7000-8000-000000000001"
TEACHER = "0193a000-0000-7000-8000-0000000000aa"
STUDENT = "0193a000-0000-7000-8000-0000000000bb"


@pytest.fixture
def rtmp(tmp_path: Path) -> Iterator[RtmpServer]:
    peers.require("nginx with its RTMP module")
    directory = tmp_path / "nginx"
    directory.mkdir()
    server = RtmpServer(directory)
    server.start()
    yield server
    server.stop()


def is_passing(event: MediaEvent) -> bool:
    """Say whether it describes a moment; on a busy machine there are more of these."""
    if event.type == "publisher.warning":
        return event.data["code"] == "stalled"
    return event.type in ("destination.degraded", "destination.recovered")


class DirectoryObjects:
    """An object store that is a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.order: list[str] = []

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.order.append(key)

    async def get(self, key: str) -> bytes:
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            raise NotFoundError from None


@dataclass
class Media:
    """A worker, the fabric that speaks to it, and what came out of them."""

    fabric: LocalFabric
    objects: DirectoryObjects
    events: list[MediaEvent] = field(default_factory=list)
    health: list[dict[str, object]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    epoch: int = 1
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    publishers: list[TestPublisher] = field(default_factory=list)

    def tell(self, event: MediaEvent) -> None:
        self.events.append(event)
        self._news.set()

    def names(self, **matching: object) -> list[str]:
        """Return what happened, but for what merely was slow for a moment."""
        return [
            e.type
            for e in self.events
            if not is_passing(e)
            and all(e.data.get(key) == value for key, value in matching.items())
        ]

    async def hears(self, kind: str, seconds: float = PATIENCE, **matching: object) -> MediaEvent:
        """Wait for an event of this type whose data has these values."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events:
                    if event.type == kind and all(
                        event.data.get(key) == value for key, value in matching.items()
                    ):
                        return event
                self._news.clear()
                await self._news.wait()

    async def publish(
        self, user: str = TEACHER, kind: type = TestPublisher, **kwargs: object
    ) -> TestPublisher:
        publisher = kind(**kwargs)
        self.publishers.append(publisher)

        async def post(sdp: bytes) -> tuple[int, dict[str, str], bytes]:
            answer = await self.fabric.whip(SESSION, user, sdp)
            return answer.status, answer.headers, answer.body

        assert await publisher.publish(post) == 201
        return publisher

    async def desire(self, **kwargs: object) -> None:
        await self.fabric.apply(SESSION, self.epoch, Desired(**{"live": True, **kwargs}))

    def destination(
        self, identity: str, url: str, key: str | None = "stream", **kwargs: object
    ) -> DestinationTarget:
        if key is not None:
            self.keys[identity] = key
        return DestinationTarget(identity, "custom", url, **kwargs)

    def figures(self, destination: str) -> dict[str, object]:
        """What the last health report said of a destination."""
        data = self.health[-1]["destinations"][destination]
        return msgspec.structs.asdict(msgspec.convert(data, DestinationHealth))

    async def reports(self, count: int = 1) -> None:
        """Wait for that many more health reports."""
        until = len(self.health) + count
        async with asyncio.timeout(PATIENCE):
            while len(self.health) < until:
                self._news.clear()
                await self._news.wait()

    def measure(self, data: dict[str, object]) -> None:
        self.health.append(data)
        self._news.set()

    async def close(self) -> None:
        for publisher in self.publishers:
            await publisher.close()


@dataclass(frozen=True)
class Tls:
    """The two ends of connections to a server whose certificate this class trusts."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    chain, server = certificate(tmp_path_factory.mktemp("tls"))
    return Tls(server, ssl.create_default_context(cafile=str(chain)))


@pytest.fixture
async def media(tmp_path: Path, tls: Tls) -> AsyncIterator[Media]:
    path = tmp_path / "media.sock"
    objects = DirectoryObjects(tmp_path / "objects")
    ready = asyncio.Event()
    guard = AddressGuard(parse_allowed("127.0.0.0/8:*"))
    async with Supervisor("test") as tasks:
        tasks.start(
            "worker",
            worker.run(
                path,
                objects=objects,
                spool=tmp_path / "spool",
                guard=guard,
                ready=ready.set,
                context=tls.client,
            ),
        )
        async with asyncio.timeout(PATIENCE):
            await ready.wait()

        async def on_event(event: MediaEvent) -> None:
            state.tell(event)

        async def resolve_secret(session: str, destination: str) -> Secret | None:
            if destination in state.revoked:
                raise RevokedError
            key = state.keys.get(destination)
            return None if key is None else Secret(key)

        fabric = LocalFabric(
            path,
            on_event=on_event,
            resolve_secret=resolve_secret,
            on_health=lambda session, data: state.measure(data),
        )
        state = Media(fabric, objects)
        async with fabric:
            async with asyncio.timeout(PATIENCE):
                await fabric.connected.wait()
            yield state
            await state.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let platforms be connected to half a second after the first keyframe, not after two.

    For tests of what comes then; that it is two seconds, the others see.
    """
    monkeypatch.setattr(output, "READY_SECONDS", 0.5)


@asynccontextmanager
async def over(socket: Path, objects: Path, key_of: Callable[[str], str]) -> AsyncIterator[Media]:
    """Speak to a worker that runs as a process; ``key_of`` gives a destination's key."""

    async def on_event(event: MediaEvent) -> None:
        state.tell(event)

    async def resolve_secret(session: str, destination: str) -> Secret | None:
        return Secret(key_of(destination))

    fabric = LocalFabric(
        socket,
        on_event=on_event,
        resolve_secret=resolve_secret,
        on_health=lambda session, data: state.measure(data),
    )
    state = Media(fabric, DirectoryObjects(objects))
    async with fabric:
        async with asyncio.timeout(PATIENCE):
            await fabric.connected.wait()
        yield state
        await state.close()
