"""The nodes that follow a class which this node owns: told everything, and counted with it.

What is said to all of them is encoded once.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import msgspec

from protocol import codec
from protocol.errors import Refusal
from protocol.events import EVENTS
from protocol.frames import CommandFrame
from protocol.ids import ViewName
from server.hub.asks import Ask, Committed, Outcome, Perform, Report, Unchanged, Who
from server.hub.attendance import Register
from server.hub.draft import Draft
from server.hub.link_messages import (
    Asked,
    Batch,
    Done,
    Ended,
    Felt,
    Followed,
    Listed,
    Reactions,
    Refused,
    Reported,
    Roster,
    Seated,
    ToFollower,
    Told,
    encode,
)
from server.hub.roster import Roster as People
from server.store.events import StoredEvent

Say = Callable[[bytes], None]
"""Send an encoded message to one node, soon."""


class Follower:
    """One node that follows, as the owner sees it."""

    def __init__(self, session: str, say: Say, node: str) -> None:
        self.say = say
        self.node = node
        self._session = session
        self._seats: dict[tuple[str, ViewName], Seated] = {}

    def seat(self, people: Iterable[Seated], register: Register) -> None:
        """Count the connections of that node's people as they are now."""
        for each in people:
            key = each.user, each.view
            before = self._seats.pop(key, None)
            change = each.connections - (before.connections if before else 0)
            if each.connections > 0:
                self._seats[key] = each
            for _ in range(change):
                register.came(Who(each.user, each.name, each.role), each.view)
            for _ in range(-change):
                register.went(each.user, each.view)

    def begin_anew(self, user: str) -> None:
        """Forget the connections of a person: the node says again how many there are."""
        for key in [key for key in self._seats if key[0] == user]:
            del self._seats[key]

    def leave(self, register: Register) -> None:
        """Count none of that node's people any more."""
        self.seat([each._replace(connections=0) for each in self._seats.values()], register)

    def answer(self, number: int, outcome: Outcome) -> None:
        """Tell that node what an ask of its own led to."""
        match outcome:
            case Committed(first, last, is_duplicate):
                said: ToFollower = Done(self._session, number, first, last, is_duplicate)
            case Unchanged():
                said = Done(self._session, number, None, None, False)
            case Refusal() as no:
                said = Refused(
                    self._session, number, no.code, no.message, no.field, no.retry_ms, no.touched
                )
        self.say(encode(said))


class Followers:
    """All nodes that follow one class. While there are none it costs nothing."""

    def __init__(self, session: str, roster: People) -> None:
        self._session = session
        self._roster = roster
        self._all: dict[Say, Follower] = {}

    def __len__(self) -> int:
        return len(self._all)

    @property
    def nodes(self) -> frozenset[str]:
        """Who follows."""
        return frozenset(follower.node for follower in self._all.values())

    def add(
        self, say: Say, node: str, followed: Followed, reactions: Mapping[str, int]
    ) -> Follower:
        """Let one more node follow from here on."""
        self.remove(say)
        follower = self._all[say] = Follower(self._session, say, node)
        say(encode(followed))
        people = [listed for user in self._roster if (listed := self._list(user))]
        say(encode(Roster(self._session, people, is_full=True)))
        say(encode(Reactions(self._session, dict(reactions))))
        return follower

    def remove(self, say: Say) -> Follower | None:
        """Let a node follow no longer; return what it was."""
        return self._all.pop(say, None)

    def end(self) -> None:
        """Tell everybody that this node does not own the class any more."""
        self._say(lambda: Ended(self._session))
        self._all.clear()

    def restart(self, followed: Followed) -> None:
        """Have everybody begin anew from what is in the log."""
        self._say(lambda: followed)

    def commit(self, epoch: int, draft: Draft) -> None:
        """Tell a batch that is committed."""
        self._say(lambda: Batch(self._session, epoch, _told(draft)))

    def begin_anew(self, user: str) -> None:
        """Forget the connections of a person whose standing has changed."""
        for follower in self._all.values():
            follower.begin_anew(user)

    # ------------------------------------------------------------ the ephemeral lane

    def list_people(self, users: Set[str]) -> None:
        """Tell who of ``users`` is here now."""
        self._say(
            lambda: Roster(
                self._session,
                [self._list(user) or Listed(user, "", "student", None) for user in sorted(users)],
                is_full=False,
            )
        )

    def react(self, counts: Mapping[str, int]) -> None:
        """Tell how often each reaction was given."""
        self._say(lambda: Reactions(self._session, dict(counts)))

    def feel(self, view: ViewName, frame: bytes) -> None:
        """Pass on a frame for those who have this view."""
        self._say(lambda: Felt(self._session, view, frame))

    def _list(self, user: str) -> Listed | None:
        found = self._roster.find(user)
        return None if found is None else Listed(*found[0], found[1])

    def _say(self, make: Callable[[], ToFollower]) -> None:
        if self._all:
            data = encode(make())
            for follower in [*self._all.values()]:
                follower.say(data)


def _told(draft: Draft) -> list[Told]:
    keys = {each.sequence: each.key for each in draft.recorded}
    return [
        Told(
            StoredEvent(
                event.sequence, event.id, event.type, event.version, event.payload, event.key,
                event.actor, event.at_ms, event.digest,
            ),
            keys[event.sequence],
        )
        for command in draft.commands
        for event in command
    ]  # fmt: skip


def ask_of(asked: Asked | Reported, answer: Callable[[Outcome], None]) -> Ask:
    """Return what another node asks.

    Raises:
        Refusal: If this version does not know it.

    """
    if isinstance(asked, Asked):
        frame = CommandFrame(0, asked.key, asked.op, msgspec.Raw(asked.data), asked.expect)
        who = Who(asked.user, asked.name, asked.role)
        command = codec.decode_command(frame)
        return Perform(who, asked.key, command, asked.expect, answer, asked.connection)
    try:
        event: Any = msgspec.json.decode(asked.data, type=EVENTS[asked.event_type])
    except (msgspec.MsgspecError, KeyError):
        raise Refusal("unknown_op", "This node does not know such an event.") from None
    return Report(asked.key, event, answer)
