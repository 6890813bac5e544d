"""A batch being decided: tentative until the log has it.

The draft starts from the room's committed state, takes one ask after another, and numbers the
events they lead to. It is thrown away whole when the log does not take it.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

import msgspec
import orjson

from protocol import codec
from protocol.errors import RETRYABLE, Refusal
from protocol.events import AnyEvent
from protocol.features.replays import ReplayCommand
from server.classroom import people
from server.classroom.decide import decide, observe
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.hub.asks import Arrive, Ask, Committed, Depart, Outcome, Perform, Report, Unchanged
from server.hub.keys import Known, Settled
from server.ids import new_id
from server.store import chain
from server.store.log import NewEvent


class Recorded(NamedTuple):
    """An event with its place in the log. ``key`` is the one its author chose."""

    sequence: int
    event: AnyEvent
    at: str
    by: str | None
    key: str | None
    payload: bytes


class Head(NamedTuple):
    """The end of the log: its last sequence, the digest there, and the time of that event."""

    sequence: int
    digest: bytes
    at_ms: int


class Draft:
    """The decisions of one turn of a room."""

    def __init__(
        self,
        session: str,
        state: Classroom,
        head: Head,
        now_ms: int,
        known: Mapping[str, Known | Settled],
    ) -> None:
        self.state = state
        self.head = head._replace(at_ms=max(now_ms, head.at_ms))
        self.recorded: list[Recorded] = []
        self.commands: list[list[NewEvent]] = []
        self.asked: list[Ask] = []
        """The ask behind each entry of ``commands``."""
        self.outcomes: list[tuple[Perform | Report, Outcome]] = []
        self.keys: dict[str, Known | Settled] = {}
        """The keys of this batch, and what became of their commands."""
        self._session = session
        self._at = codec.timestamp(self.head.at_ms)
        self._known = known

    def take(self, ask: Ask) -> None:
        """Decide one ask on top of those before it."""
        match ask:
            case Arrive(who):
                actor = people.actor(self.state, *who)
                self._record(ask, people.arrive(self.state, actor), by=None)
            case Depart(user):
                self._record(ask, people.depart(self.state, user), by=None)
            case Perform() | Report():
                self.outcomes.append((ask, self._once(ask)))

    def _once(self, ask: Perform | Report) -> Outcome:
        """Decide an ask unless its key says that it has been decided already."""
        stored, digest = stored_key(ask), command_digest(ask)
        match self.keys.get(stored) or self._known.get(stored):
            case Known() as known:
                if known.digest != digest:
                    text = "This key was used for another command."
                    return Refusal("idempotency_conflict", text, field="key")
                return Committed(known.first, known.last, is_duplicate=True)
            case Settled() as settled:
                if isinstance(ask, Perform) and settled.holds_for(digest, ask.connection):
                    return settled.outcome
            case None:
                pass
        try:
            outcome = self._decide(ask, stored, digest)
        except Refusal as refusal:
            outcome = refusal.with_traceback(None)  # which would keep all of this draft
        if isinstance(ask, Perform) and _is_final(outcome):
            self.keys[stored] = Settled(outcome, digest, ask.connection)
        return outcome

    def _decide(self, ask: Perform | Report, stored: str, digest: bytes) -> Outcome:
        """Decide an ask on top of those before it.

        Raises:
            Refusal: If a rule says no.

        """
        if isinstance(ask, Report):
            events = observe(self.state, ask.event)
            return self._record(ask, events, by=None, stored=stored, digest=digest)
        actor = people.actor(self.state, *ask.who)
        events = decide(
            self.state,
            actor,
            ask.command,
            # There is one replay of a class: it has the id of its class.
            new_id=self._session if isinstance(ask.command, ReplayCommand) else new_id(),
            at=self._at,
            expect=ask.expect,
        )
        return self._record(ask, events, by=actor.user, key=ask.key, stored=stored, digest=digest)

    def _record(
        self,
        ask: Ask,
        events: tuple[AnyEvent, ...],
        *,
        by: str | None,
        key: str | None = None,
        stored: str | None = None,
        digest: bytes | None = None,
    ) -> Committed | Unchanged:
        """Number the events, link them into the chain, and let them change the state."""
        if not events:
            return Unchanged()
        first = self.head.sequence + 1
        rows = []
        for event in events:
            sequence = self.head.sequence + 1
            payload = orjson.dumps(msgspec.to_builtins(event), option=orjson.OPT_SORT_KEYS)
            row_id, row_key, salt = new_id(), stored if sequence == first else None, os.urandom(16)
            payload_digest = chain.payload_digest(salt, payload)
            linked = chain.digest(
                self.head.digest,
                session=self._session,
                sequence=sequence,
                id=row_id,
                type=event.type,
                version=event.version,
                actor=by,
                at_ms=self.head.at_ms,
                key=row_key,
                payload_digest=payload_digest,
            )
            rows.append(
                NewEvent(
                    id=row_id,
                    type=event.type,
                    version=event.version,
                    payload=payload,
                    sequence=sequence,
                    key=row_key,
                    command_sequence=None if sequence == first else first,
                    command_digest=digest if sequence == first else None,
                    actor=by,
                    at_ms=self.head.at_ms,
                    salt=salt,
                    payload_digest=payload_digest,
                    digest=linked,
                )
            )
            self.head = Head(sequence, linked, self.head.at_ms)
            self.state = evolve(self.state, event, sequence=sequence, at=self._at, by=by)
            self.recorded.append(Recorded(sequence, event, self._at, by, key, payload))
        self.commands.append(rows)
        self.asked.append(ask)
        if stored is not None and digest is not None:
            self.keys[stored] = Known(first, self.head.sequence, digest)
        return Committed(first, self.head.sequence)


def _is_final(outcome: Outcome) -> TypeGuard[Unchanged | Refusal]:
    """Whether there is no event, and whoever asked does not ask again with the same key."""
    match outcome:
        case Committed():
            return False
        case Unchanged():
            return True
        case Refusal(code=code):
            return code not in RETRYABLE


def stored_key(ask: Perform | Report) -> str:
    """Return the key as the log keeps it: keys of different users never meet."""
    if isinstance(ask, Report):
        return ask.key
    return hashlib.sha256(f"{ask.who.user}\0{ask.key}".encode()).hexdigest()[:32]


def command_digest(ask: Perform | Report) -> bytes:
    """Return what tells two uses of one key apart: the operation and all its data."""
    if isinstance(ask, Report):
        name, data = ask.event.type, msgspec.json.encode(ask.event)
    else:
        name, data = ask.command.op, msgspec.json.encode(ask.command)
    return hashlib.sha256(name.encode() + b"\0" + data).digest()
