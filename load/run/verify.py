"""The last comparison: what everybody was told, beside the log that the server hands out.

The workers have held every client to what the other clients of their process saw. Here the
processes are compared with each other and with the log over REST, view by view; the state of
everybody who kept one with the fold of that log; and with what a newcomer is told.
"""

import asyncio
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

import aiohttp
import msgspec

from load.connection import Connection
from load.ledger import agree, digest, leaks, state_bytes
from load.place import Place, RefusedError
from load.report import Report
from load.run.messages import FullState, RoomOutcome
from load.run.venue import Class
from protocol import codec
from protocol.client import Client
from protocol.errors import MalformedFrameError
from protocol.frames import LogEvent
from protocol.rest import EventsPage
from protocol.snapshot import State, fold

_REQUEST_SECONDS = 60.0
_NEWCOMER_SECONDS = 20.0
_PAGE = 1000
_page = msgspec.json.Decoder(EventsPage)
_event = msgspec.json.Decoder(LogEvent)


class Log:
    """The log of one class as one view has it, from its first event."""

    def __init__(self, events: Sequence[LogEvent], head: int) -> None:
        self.events = events
        self.head = head
        self._digests = {event.sequence: digest(event) for event in events}

    def at(self, sequence: int) -> int:
        """Return the digest of what there is at ``sequence``; 0 for nothing."""
        return self._digests.get(sequence, 0)

    def states(self, positions: Iterable[int]) -> dict[int, State]:
        """Return the state at each of these positions: copies, but of what never changes."""
        wanted, states, state = sorted(set(positions)), {}, State()
        events = iter(self.events)
        event = next(events, None)
        for position in wanted:
            while event is not None and event.sequence <= position:
                meaning = codec.decode_event(event.type, event.data)
                if meaning is not None:
                    fold(state, meaning, sequence=event.sequence, at=event.at, by=event.by)
                event = next(events, None)
            states[position] = msgspec.json.decode(state_bytes(state), type=State)
        return states


async def read_log(http: aiohttp.ClientSession, place: Place, token: str) -> Log:
    """Return the whole log, as the bearer of ``token`` sees it.

    Raises:
        RefusedError: If the server does not hand it out.

    """
    url = f"{place.url}/v1/sessions/{place.session}/events"
    headers = {"Authorization": f"Bearer {token}"}
    position, head, events = 0, 1, list[LogEvent]()
    while position < head:
        query = {"after": str(position), "limit": str(_PAGE)}
        try:
            async with (
                asyncio.timeout(_REQUEST_SECONDS),
                http.get(url, params=query, headers=headers) as response,
            ):
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(f"GET {url}: {type(error).__name__}") from error
        if response.status != 200:
            raise RefusedError(f"GET {url}: {response.status} {body[:300]!r}")
        page = _page.decode(body)
        events += [_event.decode(raw) for raw in page.events]
        if page.to <= position:
            break
        position, head = page.to, page.head
    return Log(events, head)


async def verify(
    http: aiohttp.ClientSession, classes: Sequence[Class], outcomes: Sequence[RoomOutcome]
) -> Report:
    """Compare everything; return what is wrong, and how much was compared."""
    report = Report()
    by_class: dict[int, list[RoomOutcome]] = defaultdict(list)
    for outcome in outcomes:
        by_class[outcome.number].append(outcome)
    for number, rooms in sorted(by_class.items()):
        held = classes[number]
        for view, token in (("staff", held.teacher), ("student", held.students[0])):
            if not any(view in room.told for room in rooms):
                continue
            who = f"class {number}, {view}s' view"
            try:
                log = await read_log(http, held.place, token)
            except RefusedError as error:
                report.violate(who, f"the log cannot be read: {error}")
                continue
            _compare_told(report, who, log, [room.told.get(view, []) for room in rooms])
            full = [state for room in rooms for state in room.states if state.view == view]
            _compare_states(report, who, log, full)
            await _compare_newcomer(report, who, http, held.place, token, view)
    return report


def _compare_told(report: Report, who: str, log: Log, told: Sequence[Sequence[int]]) -> None:
    """Demand that at each sequence everybody was told what the log has there."""
    for numbers in told:
        for sequence, known in zip(numbers[::2], numbers[1::2], strict=True):
            if sequence > log.head:
                report.violate(who, f"{sequence} was told, the log ends at {log.head}", "mismatch")
                continue
            report.counts["places in the log compared"] += 1
            now = log.at(sequence)
            if agree(known, now):
                continue
            if known == 0:
                report.violate(who, f"event {sequence} of the log was told to nobody", "lost")
            else:
                report.violate(who, f"event {sequence} is another one in the log", "mismatch")


def _compare_states(report: Report, who: str, log: Log, full: Sequence[FullState]) -> None:
    """Demand that whoever kept a state has the one that the log gives at their position."""
    try:
        states = log.states(each.position for each in full)
    except MalformedFrameError as error:
        report.violate(who, f"the log holds an event that is none: {error}")
        return
    for each in full:
        report.counts["states compared"] += 1
        expected = states[each.position]
        if hashlib.blake2b(state_bytes(expected), digest_size=16).hexdigest() != each.digest:
            text = f"the state at {each.position} is not the fold of the log"
            report.violate(each.who, text, "mismatch")


async def _compare_newcomer(
    report: Report, who: str, http: aiohttp.ClientSession, place: Place, token: str, view: str
) -> None:
    """Join without a past, and demand the state that the log gives."""
    newcomer = Connection(http, place.live_url, token, rng=random.Random(who))
    found: list[tuple[int, bytes]] = []

    def snapshot(client: Client) -> bool:
        if client.state is not None and not found:
            found.append((client.position, state_bytes(client.state)))
        return bool(found)

    running = asyncio.get_running_loop().create_task(newcomer.run())
    try:
        await newcomer.until(snapshot, _NEWCOMER_SECONDS)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    if not found:
        report.violate(who, "a newcomer was not let in at the end")
        return
    position, held = found[0]
    try:
        log = await read_log(http, place, token)
    except RefusedError as error:
        report.violate(who, f"the log cannot be read: {error}")
        return
    state = log.states([position])[position]
    report.counts["states compared"] += 1
    if state_bytes(state) != held:
        report.violate(who, f"a newcomer's state at {position} is not the log's fold", "mismatch")
    for text in leaks(state) if view == "student" else ():
        report.violate(who, f"the log shows students {text}", "leak")
