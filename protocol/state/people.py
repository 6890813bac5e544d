"""Who is in the class (staff view: it is attendance), and whose hands are up."""

from typing import Literal, TypeAlias, assert_never

from msgspec import Struct, field

from protocol import events as ev
from protocol import limits
from protocol.features.hands import HandEvent
from protocol.features.participants import ParticipantEvent
from protocol.ids import FOREVER, Role, Timestamp, UserId
from protocol.trimming import fit, fit_values, json_bytes

Standing: TypeAlias = Literal["admitted", "waiting", "denied", "removed", "banned"]


class Person(Struct):
    """Somebody who has come to the class, or to its lobby; ``grants`` as they were given."""

    name: str
    role: Role
    status: Standing = "admitted"
    present: bool = True
    muted_until: Timestamp | None = None
    grants: dict[str, bool] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """The constant of its kind, its key included, the name, and each grant."""
        grants = sum(limits.GRANT_WEIGHT + len(op) for op in self.grants)
        return limits.PERSON_WEIGHT + json_bytes(self.name) + grants


class Hand(Struct):
    """A raised hand; the list is in the order of raising."""

    user: UserId
    name: str
    at: Timestamp

    @property
    def weight(self) -> int:
        """The constant of its kind and the name."""
        return limits.HAND_WEIGHT + json_bytes(self.name)


def fold_people(people: dict[str, Person], event: ParticipantEvent) -> dict[str, Person]:
    """Return the people after ``event``; only students' views lack those who were never told of."""
    person = people.get(event.user)
    match event:
        case ev.ParticipantJoined() | ev.ParticipantWaiting():
            person = people.setdefault(event.user, Person(event.name, event.role))
            person.name, person.role, person.present = event.name, event.role, True
            is_in = isinstance(event, ev.ParticipantJoined)
            person.status = "admitted" if is_in else "waiting"
        case _ if person is None:
            return people
        case ev.ParticipantLeft():
            person.present = False
        case ev.ParticipantAdmitted() | ev.ParticipantUnbanned():
            person.status, person.present = "admitted", False
        case ev.ParticipantDenied():
            person.status, person.present = "denied", False
        case ev.ParticipantRemoved():
            person.status, person.present = "removed", False
        case ev.ParticipantBanned():
            person.status, person.present = "banned", False
        case ev.ParticipantMuted():
            person.muted_until = event.until or FOREVER
        case ev.ParticipantUnmuted():
            person.muted_until = None
        case ev.ParticipantRoleChanged():
            person.role = event.role
        case ev.ParticipantGrantsChanged():
            person.grants = event.grants
        case _:
            assert_never(event)
    if isinstance(event, ev.ParticipantLeft | ev.ParticipantMuted | ev.ParticipantUnmuted):
        return people  # nothing grew
    return fit_values(people, limits.PEOPLE_BYTES, last=lambda each: each.present)


def fold_hands(hands: list[Hand], event: HandEvent, at: Timestamp) -> list[Hand]:
    """Return the queue after ``event``; too long a one keeps who waits longest."""
    match event:
        case ev.HandRaised():
            raised = [*lower_hand(hands, event.user), Hand(event.user, event.name, at)]
            return fit(raised[::-1], limits.HANDS_BYTES)[::-1]
        case ev.HandLowered():
            return lower_hand(hands, event.user)
        case ev.HandAllLowered():
            return []
        case _:
            assert_never(event)


def lower_hand(hands: list[Hand], user: str) -> list[Hand]:
    """Return the queue without this person."""
    return [hand for hand in hands if hand.user != user]
