"""Raised hands: a queue in the order of raising."""

from typing import TypeAlias

from protocol.ids import UserId
from protocol.messages import Command, Event


class HandRaise(Command, frozen=True):
    """Raise one's own hand; the queue keeps the order of raising."""

    op = "hand.raise"


class HandLower(Command, frozen=True):
    """Lower one's own hand, or (staff) anyone's."""

    op = "hand.lower"
    user: UserId | None = None


class HandLowerAll(Command, frozen=True):
    """Lower every hand."""

    op = "hand.lower_all"


class HandRaised(Event, frozen=True):
    """A hand went up."""

    type = "hand.raised"
    user: UserId
    name: str


class HandLowered(Event, frozen=True):
    """A hand went down."""

    type = "hand.lowered"
    user: UserId


class HandAllLowered(Event, frozen=True):
    """All hands went down."""

    type = "hand.all_lowered"


HandCommand: TypeAlias = HandRaise | HandLower | HandLowerAll
HandEvent: TypeAlias = HandRaised | HandLowered | HandAllLowered
