"""One session's media: its source, the bus, and everything that consumes it."""

import asyncio
import ssl
from pathlib import Path

from server.clock import Clock
from server.media import sdp
from server.media.bus import Bus
from server.media.destinations.address import AddressGuard
from server.media.destinations.approach import ResolveSecret
from server.media.destinations.egress import Egress
from server.media.destinations.gate import ConnectGate
from server.media.destinations.health import DestinationJudge, blame
from server.media.fabric import Answer, Desired, DestinationTarget, Emit
from server.media.ingest.health import UplinkJudge
from server.media.ingest.source import Source
from server.media.ingest.whip import Publisher
from server.media.network import EVERYWHERE, Network
from server.media.peer import CONNECT_SECONDS, Peer
from server.media.recording.recordings import Recordings
from server.media.recording.uploader import ObjectStore
from server.media.relay import Relay
from server.media.viewers.admission import Admission, NotAdmittedError
from server.media.viewers.fanout import Fanout
from server.media.viewers.live_hls import LiveHls
from server.media.viewers.whep import Viewer
from server.tasks import Supervisor

TICK_SECONDS = 0.1


class MediaSession:
    """Hold what one session needs, and keep it as desired.

    Its methods are called on the event loop; :meth:`run` must be running.
    """

    def __init__(
        self,
        session: str,
        *,
        clock: Clock,
        guard: AddressGuard,
        gate: ConnectGate,
        objects: ObjectStore,
        spool: Path,
        emit: Emit,
        resolve_secret: ResolveSecret,
        admission: Admission,
        context: ssl.SSLContext | None = None,
        network: Network = EVERYWHERE,
    ) -> None:
        self.id = session
        self.bus = Bus()
        self.viewers: dict[str, Viewer] = {}
        self.fanout = Fanout(self.bus, clock)
        self.egress: dict[str, Egress] = {}
        self.relay: Relay | None = None
        self._relaying: asyncio.Task[None] | None = None
        self._clock = clock
        self._guard = guard
        self._gate = gate
        self._emit = emit
        self._resolve_secret = resolve_secret
        self._admission = admission
        self._context = context
        self._network = network
        self._tasks = Supervisor(f"session.{session}")
        self.source = Source(
            bus=self.bus, clock=clock, emit=emit, tasks=self._tasks, network=network
        )
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, set[asyncio.Task[None]]] = {}
        self.recordings = Recordings(
            bus=self.bus,
            objects=objects,
            spool=spool / session,
            emit=emit,
            tasks=self._tasks,
            zero_ms=lambda: self.source.zero_ms,
        )
        self.live_hls = LiveHls(self.bus, zero_ms=lambda: self.source.zero_ms, tasks=self._tasks)
        self._retries: dict[str, int] = {}
        self._barred: frozenset[str] = frozenset()
        self._is_over = False
        self._uplink = UplinkJudge()
        self._judges: dict[str, DestinationJudge] = {}
        self._want_keyframe = self.bus.want_keyframe
        self._tasks.keep("fanout", self.fanout.run)

    async def run(self) -> None:
        """Watch who is connected until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock.monotonic()
            for viewer in list(self.viewers.values()):
                if not viewer.connected and now - viewer.created_at > CONNECT_SECONDS:
                    self._forget(viewer)
            self.live_hls.tick(now)
            self.source.consumed = (
                bool(self.egress) or self.recordings.is_running or self.live_hls.is_running
            )
            self.source.tick(now)

    async def apply(self, desired: Desired) -> None:
        """Start what is desired and not there, stop what is there and not desired."""
        await self._apply_relay(desired.relay_from)
        wanted = {target.id: target for target in desired.destinations} if desired.live else {}
        for identity, egress in list(self.egress.items()):
            if wanted.get(identity) != egress.target:
                self._end(identity)
        for identity, target in wanted.items():
            if identity not in self.egress:
                self._start(target)
            count = desired.retries.get(identity, 0)
            if count > self._retries.get(identity, count):
                self.egress[identity].retry_now()
        self._retries = {identity: desired.retries.get(identity, 0) for identity in wanted}
        self.recordings.apply(desired.recording if desired.live else None, desired.over)
        self.source.limit(desired.max_kbps)

    async def _apply_relay(self, home: str | None) -> None:
        """Have the session's media from ``home``; None: from a publisher of our own."""
        if home == (None if self.relay is None else self.relay.home):
            return
        if self._relaying is not None:
            self._relaying.cancel()
            await asyncio.wait({self._relaying})
        self.relay = self._relaying = None
        self.bus.want_keyframe = self._want_keyframe
        if home is not None:
            self.relay = Relay(home, self.id, self.bus)
            self.relay.want(bool(self.viewers))
            self.bus.want_keyframe = self.relay.want_keyframe
            self._relaying = self._tasks.keep("relay", self.relay.run)

    @property
    def is_idle(self) -> bool:
        """Whether nobody would miss it: nobody publishes or watches, nothing is sent anywhere."""
        return not (self.source.is_published or self.egress or self.viewers)

    async def bar(self, users: frozenset[str]) -> None:
        """End every stream of ``users``, and let only others begin one."""
        self._barred = users
        await self.expel(users)

    async def publish(self, user: str, offer: bytes) -> Answer:
        """Answer a publisher; the newest one wins."""
        if refusal := self._refusal(user):
            return refusal
        try:
            publisher, text = await self.source.publish(user, offer)
        except sdp.UnacceptableOfferError as error:
            return error.answer()
        if refusal := self._refusal(user):  # meanwhile
            await self.source.leave(publisher)
            return refusal
        return self._created("whip", publisher, text)

    async def watch(self, user: str, offer: bytes) -> Answer:
        """Answer a viewer when it is its turn."""
        try:
            leave = await self._admission.enter()
        except NotAdmittedError as error:
            return error.answer()
        if refusal := self._refusal(user):
            leave()
            return refusal
        viewer = Viewer(
            user,
            clock=self._clock,
            fanout=self.fanout,
            want_keyframe=lambda: self.bus.want_keyframe(),
            on_connected=leave,
            on_closed=lambda: self._forget(viewer),
            network=self._network,
        )
        self.viewers[viewer.id] = viewer
        self._want_media()
        try:
            text = await viewer.answer(offer)
        except sdp.UnacceptableOfferError as error:
            leave()
            return error.answer()
        if refusal := self._refusal(user):  # meanwhile
            await viewer.close()
            return refusal
        return self._created("whep", viewer, text)

    async def hls(self, file: str) -> Answer:
        """Return a file of the live HLS, which the first to ask for its playlist starts."""
        return await self.live_hls.file(file, self._clock.monotonic())

    def peer(self, resource: str) -> Peer | None:
        """Return the publisher or viewer behind a resource."""
        return self.source.publisher(resource) or self.viewers.get(resource)

    async def leave(self, peer: Peer) -> None:
        """End a peer that asked for it."""
        if isinstance(peer, Publisher):
            await self.source.leave(peer)
        else:
            await peer.close()

    async def expel(self, users: frozenset[str]) -> None:
        """End everything of ``users``."""
        peers: list[Peer] = [each for each in self.viewers.values() if each.user in users]
        for user in users:
            peers += self.source.of_user(user)
        if peers:
            await asyncio.gather(*(self.leave(peer) for peer in peers))

    async def close(self) -> None:
        """End everything politely: streams are unpublished, what is recorded is uploaded."""
        self._is_over = True
        await self.apply(Desired())
        goodbyes = [task for each in self._ending.values() for task in each]
        await asyncio.gather(self.recordings.close(), *goodbyes, return_exceptions=True)
        await asyncio.gather(*(viewer.close() for viewer in list(self.viewers.values())))
        await self.source.close()
        await self._tasks.close()
        self.bus.close()

    def health(self) -> dict[str, object]:
        """Take a sample of everything and return the verdicts; to be called once a second."""
        now = self._clock.monotonic()
        uplink = self.source.sample(now)
        sends = uplink.connected or self.bus.on_slate
        destinations = {}
        for identity, egress in self.egress.items():
            judge = self._judges.setdefault(identity, DestinationJudge())
            destinations[identity] = judge.add(egress.sample(now, sends=sends))
        for gone in self._judges.keys() - self.egress.keys():
            del self._judges[gone]
        return {
            "uplink": self._uplink.add(uplink),
            "destinations": blame(destinations),
            "recording": self.recordings.health(),
            "viewers": len(self.viewers),
        }

    def _start(self, target: DestinationTarget) -> None:
        egress = Egress(
            target,
            bus=self.bus,
            resolve_secret=self._resolve_secret,
            guard=self._guard,
            gate=self._gate,
            emit=self._emit,
            clock=self._clock,
            context=self._context,
        )
        before = tuple(self._ending.get(target.id, ()))

        async def run() -> None:
            if before:
                # No platform takes the same stream twice.
                await asyncio.wait(before)
            await egress.run()

        self.egress[target.id] = egress
        self._running[target.id] = self._tasks.keep(f"egress.{target.id}", run)

    def _end(self, identity: str) -> None:
        """Let a destination say goodbye, for which no other waits."""
        self.egress.pop(identity)
        task = self._running.pop(identity)
        self._ending.setdefault(identity, set()).add(task)
        task.add_done_callback(lambda _: self._ended(identity, task))
        task.cancel()

    def _ended(self, identity: str, task: asyncio.Task[None]) -> None:
        self._ending[identity].discard(task)
        if not self._ending[identity]:
            del self._ending[identity]

    def _refusal(self, user: str) -> Answer | None:
        """Return what who may not begin a stream is answered."""
        if self._is_over:
            # Whoever has the session next may be here again in a moment.
            return sdp.problem(503, "unavailable", "The stream is ending here. Try again.")
        if user in self._barred:
            return sdp.problem(403, "forbidden", "This is for those who are in the class.")
        return None

    def _created(self, kind: str, peer: Peer, text: str) -> Answer:
        return Answer(
            201,
            {
                "Content-Type": "application/sdp",
                "Location": f"/v1/sessions/{self.id}/{kind}/{peer.id}",
                "ETag": peer.etag,
                "Accept-Patch": "application/trickle-ice-sdpfrag",
            },
            text.encode(),
        )

    def _want_media(self) -> None:
        if self.relay is not None:
            self.relay.want(bool(self.viewers))

    def _forget(self, viewer: Viewer) -> None:
        self.viewers.pop(viewer.id, None)
        self._want_media()
        self._tasks.start("close", viewer.close())
