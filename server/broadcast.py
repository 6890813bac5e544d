"""What the class decides, carried out by the media engine; what the engine sees, kept by the class.

::

    room ── committed ──▶ desired state ──▶ fabric.apply
    room ◀── report, keyed by the event's id ◀── fabric.on_event
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog

from protocol.errors import Refusal
from protocol.events import EVENTS, FROM_MEDIA
from protocol.health import DestinationHealth, RecordingHealth, UplinkHealth
from protocol.ids import STAFF
from server.classroom.state import Classroom
from server.errors import UnavailableError
from server.hub.asks import Outcome, Report
from server.hub.draft import Recorded
from server.hub.hub import Hub
from server.hub.ownership import Ownership
from server.hub.seating import Place
from server.hub.standing import decided
from server.media.destinations import providers
from server.media.fabric import (
    Desired,
    DestinationTarget,
    MediaEvent,
    MediaFabric,
    RecordingTarget,
)
from server.ops.destinations import DestinationMetrics
from server.ops.streams import StreamMetrics
from server.tasks import Supervisor

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

REPORT_SECONDS = 20.0

FindTargets = Callable[[str, Sequence[str]], Awaitable[Sequence[DestinationTarget]]]
"""Tenant and ids of destinations → where they are, without their keys."""
FindPlace = Callable[[str], Awaitable[Place | None]]


class Broadcast:
    """Keeps the engine at what the classes desire that this node owns. Hears every room."""

    def __init__(
        self,
        *,
        tasks: Supervisor,
        find_targets: FindTargets,
        find_place: FindPlace,
        notify: Callable[[str], None],
        announce: Callable[[str, Sequence[str]], None],
        is_near: Callable[[str], bool],
    ) -> None:
        """Take whom to tell of a session with new events: ``announce`` also of their types.

        ``is_near`` says whether a node has the same engine as this one.
        """
        self._tasks = tasks
        self._find_targets = find_targets
        self._find_place = find_place
        self._notify = notify
        self._announce = announce
        self._is_near = is_near
        self._fabric: MediaFabric | None = None
        self._hub: Hub | None = None
        self._metrics = DestinationMetrics()
        self._streams = StreamMetrics()
        self._owned: dict[str, Ownership] = {}
        """What this node owns, by session."""
        self._changed: set[str] = set()
        self._applying: set[str] = set()

    def introduce(self, hub: Hub, fabric: MediaFabric) -> None:
        """Let the hub and the engine know each other: each needs the other to be made first."""
        self._hub, self._fabric = hub, fabric

    # ------------------------------------------------------------ from the rooms

    def opened(self, owned: Ownership) -> None:
        """Say what the session desires; also after a crash, when the engine may have gone on."""
        self._owned[owned.place.session] = owned
        self._notify(owned.place.session)
        self._apply_soon(owned.place.session)

    def committed(self, owned: Ownership, before: Classroom, recorded: Sequence[Recorded]) -> None:
        """Say what the session desires now, if that has changed; wake who follows the log."""
        session = owned.place.session
        self._notify(session)
        self._announce(session, [each.event.type for each in recorded])
        barred = any(
            _is_barred(before, user) != _is_barred(owned.state, user) for user in decided(recorded)
        )
        if barred or _wishes_differ(before, owned.state):
            self._apply_soon(session)

    def closed(self, owned: Ownership) -> None:
        """Stop claiming the session, unless nobody is there to claim it in this node's place.

        Then it is soon back itself, and picture and sound go on until then.
        """
        if self._owned.get(owned.place.session) is owned:
            del self._owned[owned.place.session]
        self._metrics.forget(owned.place.session)
        self._streams.forget(owned.place.session)
        if self._hub is None or self._hub.has_heirs or not self._hub.is_draining:
            self._tasks.start("release", self._release(owned.place.session))

    # ------------------------------------------------------------ from the engine

    async def on_event(self, event: MediaEvent) -> None:
        """Return when ``event`` is committed, was before, or can never be.

        Raises:
            UnavailableError: If it is to be said again.

        """
        assert self._hub is not None
        kind = EVENTS.get(event.type) if event.type in FROM_MEDIA else None
        try:
            if kind is None:
                raise msgspec.ValidationError("unknown type")
            typed: Any = msgspec.convert(event.data, kind)
        except msgspec.ValidationError as error:
            log.error("media_event_invalid", type=event.type, error=str(error))
            return
        place = await self._find_place(event.session)
        if place is None:
            log.error("media_event_of_no_session", session=event.session)
            return
        room = await self._hub.room(place)
        if room.owner is not None and not self._is_near(room.owner.node):
            # The class has another engine by now: what this one still sees there is not so.
            log.info("media_event_of_a_former_engine", session=event.session, type=event.type)
            return
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def take(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        room.submit(Report(event.id, typed, take))
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                outcome = await answer
        except TimeoutError:
            raise UnavailableError("The class did not answer in time.") from None
        if isinstance(outcome, Refusal) and outcome.code != "internal":
            raise UnavailableError(outcome.message)

    def on_health(self, session: str, data: dict[str, Any]) -> None:
        """Show staff how the media does."""
        room = None if self._hub is None else self._hub.find(session)
        if room is None:
            return
        try:
            uplink = msgspec.convert(data["uplink"], UplinkHealth)
            destinations = msgspec.convert(data["destinations"], dict[str, DestinationHealth])
            recording = msgspec.convert(data.get("recording"), RecordingHealth | None)
        except (KeyError, msgspec.ValidationError) as error:
            log.error("media_health_invalid", error=str(error))
            return
        self._metrics.observe(session, destinations)
        self._streams.observe(session, uplink, recording)
        room.seating.ephemeral.health(uplink, destinations, recording)

    # ------------------------------------------------------------ to the engine

    def _apply_soon(self, session: str) -> None:
        self._changed.add(session)
        if session not in self._applying:
            self._applying.add(session)
            self._tasks.start("apply", self._apply(session))

    async def _apply(self, session: str) -> None:
        """Apply until nothing has changed meanwhile: the newest wish is the last applied."""
        try:
            while session in self._changed:
                self._changed.discard(session)
                try:
                    await self._apply_once(session)
                except UnavailableError as error:
                    self._changed.add(session)
                    await asyncio.sleep(error.retry_seconds)
        finally:
            self._applying.discard(session)

    async def _apply_once(self, session: str) -> None:
        assert self._fabric is not None
        owned = self._owned.get(session)
        desired = None if owned is None else await self._desired(owned)
        # A room that was closed meanwhile is somebody else's: its session is not claimed again.
        if owned is not None and desired is not None and self._owned.get(session) is owned:
            await self._fabric.apply(session, owned.epoch, desired)

    async def _desired(self, owned: Ownership) -> Desired:
        state, place = owned.state, owned.place
        running = state.recording if state.status == "live" else None
        over = tuple(_target(place, each) for each in sorted(state.recordings - {running}))
        barred = tuple(sorted(user for user in state.people if _is_barred(state, user)))
        if state.status != "live":
            return Desired(over=over, barred=barred, publisher=state.publisher)
        enabled = [each for each, status in state.destinations.items() if status == "enabled"]
        targets = await self._find_targets(place.tenant, enabled) if enabled else ()
        return Desired(
            live=True,
            destinations=tuple(targets),
            recording=None if state.recording is None else _target(place, state.recording),
            over=over,
            retries=dict(state.retries),
            barred=barred,
            publisher=state.publisher,
            max_kbps=providers.most_kbps([each.provider for each in targets]),
        )

    async def _release(self, session: str) -> None:
        if self._fabric is not None:
            await self._fabric.release(session)


def _target(place: Place, recording: str) -> RecordingTarget:
    return RecordingTarget(recording, f"{place.tenant}/{place.session}/recordings/{recording}")


def _wishes(state: Classroom) -> tuple[object, ...]:
    enabled = frozenset(each for each, status in state.destinations.items() if status == "enabled")
    recordings = (state.recording, state.recordings)
    return state.status, enabled, recordings, state.retries, state.publisher


def _wishes_differ(before: Classroom, after: Classroom) -> bool:
    """Say whether the engine is to do anything else; nearly no event has to do with it."""
    are_the_same = (
        after.status is before.status
        and after.destinations is before.destinations
        and after.retries is before.retries
        and after.recordings is before.recordings
        and after.recording is before.recording
        and after.publisher is before.publisher
    )
    return not are_the_same and _wishes(before) != _wishes(after)


def _is_barred(state: Classroom, user: str) -> bool:
    """Say whether the engine shall end what somebody sends and watches.

    Who published as staff and is staff no more may watch again as soon as that has ended.
    """
    member = state.people.get(user)
    if member is None:
        return False
    return member.is_out or (user == state.publisher and member.role not in STAFF)
