"""Raised hands, in the order of raising."""

from typing import assert_never

from protocol.commands import HandLower, HandLowerAll, HandRaise
from protocol.errors import Refusal
from protocol.events import AnyEvent, HandAllLowered, HandLowered, HandRaised
from protocol.ids import STAFF
from server.classroom.state import Actor, Classroom


def decide(
    state: Classroom, who: Actor, command: HandRaise | HandLower | HandLowerAll
) -> tuple[AnyEvent, ...]:
    """Return what happens to the queue; raising twice and lowering what is down change nothing."""
    match command:
        case HandRaise():
            return () if who.user in state.hands else (HandRaised(who.user, who.name),)
        case HandLower():
            user = command.user or who.user
            if user != who.user and who.role not in STAFF:
                raise Refusal("forbidden", "Only staff may lower somebody else's hand.")
            return (HandLowered(user),) if user in state.hands else ()
        case HandLowerAll():
            return (HandAllLowered(),) if state.hands else ()
        case _:
            assert_never(command)
