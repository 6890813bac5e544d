"""What a class was told, by view: the same to everybody, always, and nothing that is not for them.

A range of events is read and judged once, however many people get the same bytes; what is wrong
with it is kept with it, and held against the server for each of them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from protocol import codec
from protocol.errors import MalformedFrameError
from protocol.events import (
    AnyEvent,
    ArtifactCreated,
    ArtifactEdited,
    ArtifactRemoved,
    ChatPinned,
    ChatPosted,
    ChatRemoved,
    ChatRestored,
    ChatUnpinned,
    ParticipantBanned,
    ParticipantRemoved,
    PollOpened,
)
from protocol.frames import EventsFrame, LogEvent
from protocol.snapshot import State

Kind: TypeAlias = Literal["lost", "duplicated", "reordered", "gap", "leak", "mismatch", "broken"]
"""How a promise is broken; ``broken`` is any other."""

EVENTS = b'{"type":"events"'
"""How a server of ours begins a range; from any other it is read as well, only not once for all."""
_EVENTS = 100_000
_RANGES = 512
_NOTHING = 0
"""The digest of a sequence that a range covers without showing an event."""
FOR_STAFF = frozenset(
    (
        *("participant.joined", "participant.left", "participant.waiting", "participant.admitted"),
        *("participant.denied", "participant.unbanned", "participant.muted"),
        *("participant.unmuted", "participant.role_changed", "participant.grants_changed"),
        *("question.upvoted", "question.unvoted", "question.dismissed", "poll.voted"),
        *("feedback.marked", "note.added"),
        *("destination.enabled", "destination.disabled", "destination.retry_requested"),
        *("destination.connecting", "destination.live", "destination.degraded"),
        *("destination.recovered", "destination.switched", "destination.retry_scheduled"),
        *("destination.failed", "destination.stopped", "publisher.replaced", "publisher.warning"),
        *("recording.finalized", "recording.failed"),
    )
)
"""What docs/protocol.md says that only staff see."""
_MAY_BE_BLANK = frozenset((ChatPosted.type, ChatRestored.type, ChatPinned.type))
"""The text of a message that was removed since is lawfully blank when it comes again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    kind: Kind
    rule: str


@dataclass(frozen=True, slots=True)
class Range:
    """A range of the log as a view sees it, read and judged."""

    from_: int
    to: int
    events: tuple[LogEvent, ...]
    decoded: tuple[AnyEvent | None, ...]
    authors: frozenset[str | None]
    since_ns: tuple[int, ...]
    """When its events were wanted or made, as far as that is known."""
    faults: tuple[Fault, ...]


class Ledger:
    """Which event each view of one class has seen at which sequence.

    ``since_ns`` says when an event was wanted, on the clock of whoever asks for latencies; ``mark``
    begins the keys of the commands that were given in this class, and ``marks`` those of others.
    """

    def __init__(
        self,
        since_ns: Callable[[LogEvent], int | None],
        *,
        mark: str | None = None,
        marks: str | None = None,
    ) -> None:
        self._since_ns = since_ns
        self._mark = mark
        self._marks = marks
        self._seen: dict[tuple[str, str], dict[int, int]] = {}
        self._keys: dict[tuple[str, str, str, str | None], int] = {}
        self._ranges: dict[tuple[str, str, bytes], Range] = {}

    def read(self, log: str, view: str, data: bytes) -> Range:
        """Return the range that an ``events`` frame holds.

        Raises:
            MalformedFrameError: If it is no such frame.

        """
        known = self._ranges.get((log, view, data))
        if known is None:
            frame = codec.decode_server(data)
            if not isinstance(frame, EventsFrame):
                raise MalformedFrameError("events were expected")
            known = self.judge(log, view, frame)
            self._ranges[log, view, data] = known
            if len(self._ranges) > _RANGES:
                del self._ranges[next(iter(self._ranges))]
        return known

    def judge(self, log: str, view: str, frame: EventsFrame) -> Range:
        """Read a range, compare it with what others of the view were told, and remember it."""
        faults: list[Fault] = []
        decoded: list[AnyEvent | None] = []
        digests: dict[int, int] = {}
        if frame.from_ > frame.to:
            faults.append(Fault("broken", f"a range of {frame.from_}…{frame.to}"))
        before = frame.from_ - 1
        for logged in frame.events:
            if not before < logged.sequence <= frame.to:
                text = f"{logged.sequence} out of order in {frame.from_}…{frame.to}"
                faults.append(Fault("reordered", text))
            before = logged.sequence
            digests[logged.sequence] = digest(logged)
            try:
                event = codec.decode_event(logged.type, logged.data)
            except MalformedFrameError as error:
                faults.append(Fault("broken", f"an event that is none: {error}"))
                event = None
            decoded.append(event)
            faults += self._of_event(log, view, logged, event)
        faults += self._compared(self._seen.setdefault((log, view), {}), frame, digests)
        since = (self._since_ns(logged) for logged in frame.events)
        return Range(
            frame.from_,
            frame.to,
            frame.events,
            tuple(decoded),
            frozenset(logged.by for logged in frame.events),
            tuple(each for each in since if each is not None),
            tuple(faults),
        )

    def seen(self) -> Mapping[tuple[str, str], Mapping[int, int]]:
        """Return for each log and view the digests of what was told, 0 for nothing."""
        return self._seen

    def _compared(
        self, seen: dict[int, int], frame: EventsFrame, digests: dict[int, int]
    ) -> list[Fault]:
        faults = []
        for sequence in range(frame.from_, frame.to + 1):
            now = digests.get(sequence, _NOTHING)
            known = seen.setdefault(sequence, now)
            if not agree(known, now):
                if now == _NOTHING:
                    text = f"{frame.from_}…{frame.to} lacks event {sequence}, which others have"
                    faults.append(Fault("lost", text))
                else:
                    text = f"another event at {sequence} than others have seen"
                    faults.append(Fault("mismatch", text))
        while len(seen) > _EVENTS:
            del seen[next(iter(seen))]
        return faults

    def _of_event(
        self, log: str, view: str, logged: LogEvent, event: AnyEvent | None
    ) -> list[Fault]:
        faults = []
        name = f"{logged.type} {logged.sequence}"
        if view == "lobby" or (view == "student" and _is_for_staff(logged.type, event)):
            faults.append(Fault("leak", f"{name} was told to the {view} view"))
        if not isinstance(logged.key, str):
            return faults
        is_ours = self._marks is not None and logged.key.startswith(self._marks)
        if is_ours and not logged.key.startswith(self._mark or ""):
            faults.append(Fault("leak", f"{name} belongs to another class"))
        first = self._keys.setdefault((log, logged.type, logged.key, logged.by), logged.sequence)
        if first != logged.sequence:
            faults.append(Fault("duplicated", f"one command made {logged.type} {first} and {name}"))
        while len(self._keys) > _EVENTS:
            del self._keys[next(iter(self._keys))]
        return faults


def digest(event: LogEvent) -> int:
    """Return 8 bytes of a digest of what everybody of a view must agree on; never 0.

    Of what may come again without its text, the second half is of the text alone; 0 without one.
    """
    data = msgspec.json.decode(event.data)
    named = [event.sequence, event.type, event.at, event.by, data]
    if event.type not in _MAY_BE_BLANK or not isinstance(data, dict):
        return _hash(named, 8) or 1
    text = data.pop("text", "")
    return (_hash(named, 4) or 1) << 32 | (_hash(text, 4) if text else 0)


def agree(one: int, other: int) -> bool:
    """Return whether two digests are of the same event, even if one has lost its text since."""
    if one == other:
        return True
    is_blank = not one & 0xFFFFFFFF or not other & 0xFFFFFFFF
    return is_blank and one >> 32 == other >> 32


def _hash(value: object, size: int) -> int:
    encoded = msgspec.json.encode(value, order="sorted")  # keys have no order of their own
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=size).digest())


def leaks(state: State) -> list[str]:
    """Return what a student's state holds that is not for students."""
    found = [
        f"the right answers of poll {poll.poll}"
        for poll in state.polls
        if poll.correct is not None and poll.status != "published"
    ]
    found += [f"a message to staff ({m.message})" for m in state.messages if m.to == "staff"]
    return found


def made_at_ns(event: LogEvent) -> int:
    """Return when the server made the event, by its clock, in nanoseconds since the epoch."""
    return codec.milliseconds(event.at) * 1_000_000


def _is_for_staff(kind: str, event: AnyEvent | None) -> bool:
    if kind in FOR_STAFF:
        return True
    match event:
        case ChatPosted() | ChatRemoved() | ChatRestored() | ChatPinned() | ChatUnpinned():
            return event.to == "staff"
        case ArtifactCreated() | ArtifactEdited() | ArtifactRemoved():
            return event.artifact_type == "note"
        case PollOpened():
            return event.correct is not None
        case ParticipantRemoved() | ParticipantBanned():
            return event.reason is not None
        case _:
            return False


def state_bytes(value: object) -> bytes:
    """Return a state, or a part of one, in a form in which equal ones are equal bytes."""
    return msgspec.json.encode(value)
