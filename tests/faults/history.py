"""What happened to one class, as its people and its log have it: data, and nothing else.

Times are seconds of one monotonic clock, that of the process in which all clients live;
``epoch_ms`` is the wall clock's at its zero. A history is written as NDJSON, one record a line, and
checked again from there::

    python -m tests.faults.history FILE
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct, field

from protocol.frames import Ack, Nack
from server.store.chain import Link
from server.store.events import StoredEvent


class Logged(Struct, frozen=True, tag="event"):
    """One event of the log, as the database has it."""

    sequence: int
    id: str
    kind: str
    version: int
    actor: str | None
    at_ms: int
    key: str | None
    payload: Raw
    salt: bytes | None
    payload_digest: bytes
    digest: bytes

    @classmethod
    def of(cls, link: Link) -> "Logged":
        """Return what a page of the chain holds."""
        return cls(*link[:7], Raw(link.payload), *link[8:])

    @property
    def link(self) -> Link:
        """As the chain sees it."""
        return Link(
            self.sequence, self.id, self.kind, self.version, self.actor, self.at_ms, self.key,
            bytes(self.payload), self.salt, self.payload_digest, self.digest,
        )  # fmt: skip

    @property
    def stored(self) -> StoredEvent:
        """As a room reads it."""
        return StoredEvent(
            self.sequence, self.id, self.kind, self.version, bytes(self.payload), self.key,
            self.actor, self.at_ms, self.digest,
        )  # fmt: skip


class Connected(Struct, frozen=True, tag="connected"):
    """A connection was begun, to this node."""

    at: float
    node: str


class Welcomed(Struct, frozen=True, tag="welcomed"):
    """The server let them in: ``head`` is the end of the log by its word."""

    view: str
    role: str
    recovery: str
    head: int


class Range(Struct, frozen=True, tag="range"):
    """The events of a range, each a number of :class:`Said`."""

    first: int
    last: int
    events: tuple[int, ...]


class Snapshot(Struct, frozen=True, tag="snapshot"):
    """The state of a view; ``state`` is a number of :class:`Said`."""

    sequence: int
    state: int


class Own(Struct, frozen=True, tag="own"):
    """A frame of what is theirs alone; ``frame`` is a number of :class:`Said`."""

    sequence: int
    frame: int


class Moved(Struct, frozen=True, tag="moved"):
    """They went back by themselves: to what they knew at ``position`` (None: to nothing)."""

    position: int | None


Item: TypeAlias = Connected | Welcomed | Range | Snapshot | Own | Moved


class Said(Struct, frozen=True, tag="said"):
    """Bytes that somebody was told; what many were told is here once."""

    data: Raw


class Heard(Struct, frozen=True, tag="heard"):
    """An item that somebody heard; what many heard is here once."""

    item: Item


class Asked(Struct, tag="asked"):
    """A command that a client sent: when first, and how and when it was answered, if it was."""

    client: int
    key: str
    op: str
    data: Raw
    expect: int | None
    sent: float
    answered: float | None = None
    answer: Ack | Nack | None = None


class Client(Struct, tag="client"):
    """One client from beginning to end: ``heard`` are numbers of :class:`Heard`, in order."""

    name: str
    user: str
    called: str
    """The name in their token."""
    role: str
    heard: list[int] = field(default_factory=list)
    final_code: int | None = None
    position: int | None = None
    """Where they were at the end; None if they were not in the class."""
    state: int | None = None
    """The state that they had folded by then, a number of :class:`Said`."""


class Known(Struct, frozen=True, tag="known"):
    """Somebody was told of ``sequence`` at this time, and nobody of a later one before."""

    at: float
    sequence: int


class Fault(Struct, frozen=True, tag="fault"):
    """Something was broken, from then until then."""

    began: float
    ended: float
    name: str
    target: str


class Of(Struct, frozen=True, tag="class"):
    """Which class it is of."""

    session: str
    epoch_ms: float


class Failed(Struct, frozen=True, tag="failed"):
    """What was seen to be wrong while it happened: somebody did not come back, say."""

    text: str


Record: TypeAlias = Of | Logged | Said | Heard | Client | Asked | Known | Fault | Failed


class History(Struct):
    """Everything that is known of one class."""

    session: str
    epoch_ms: float
    """The wall clock, in milliseconds, at the zero of the times."""
    log: list[Logged] = field(default_factory=list)
    said: list[Raw] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def at(self, at_ms: int) -> float:
        """Return a time of the wall clock as one of the clients' clock."""
        return (at_ms - self.epoch_ms) / 1000

    def wall_ms(self, at: float) -> int:
        """Return the wall clock's milliseconds at a time of the clients' clock."""
        return round(self.epoch_ms + at * 1000)

    def records(self) -> Iterator[Record]:
        """Yield it, line by line."""
        yield Of(self.session, self.epoch_ms)
        yield from self.log
        yield from map(Said, self.said)
        yield from map(Heard, self.items)
        yield from self.clients
        yield from self.asked
        yield from self.known
        yield from self.faults
        yield from map(Failed, self.failed)

    @classmethod
    def of(cls, records: Iterable[Record]) -> "History":
        """Return the history whose records these are."""
        history = cls("", 0.0)
        for record in records:
            match record:
                case Of():
                    history.session, history.epoch_ms = record.session, record.epoch_ms
                case Logged():
                    history.log.append(record)
                case Said():
                    history.said.append(record.data)
                case Heard():
                    history.items.append(record.item)
                case Client():
                    history.clients.append(record)
                case Asked():
                    history.asked.append(record)
                case Known():
                    history.known.append(record)
                case Fault():
                    history.faults.append(record)
                case Failed():
                    history.failed.append(record.text)
        return history

    def write(self, path: Path) -> None:
        """Write it as NDJSON."""
        encoder = msgspec.json.Encoder()
        with path.open("wb") as file:
            for record in self.records():
                file.write(encoder.encode(record) + b"\n")

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read what was written."""
        decoder = msgspec.json.Decoder(Record)
        with path.open("rb") as file:
            return cls.of(map(decoder.decode, file))


def main() -> int:
    """Check the histories in the files named; print each violation with its story."""
    from tests.faults.check import violations
    from tests.faults.story import tell

    found = 0
    for name in sys.argv[1:]:
        history = History.read(Path(name))
        for violation in violations(history):
            found += 1
            sys.stdout.write(tell(history, violation) + "\n")
    sys.stdout.write(f"{found} violations\n")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
