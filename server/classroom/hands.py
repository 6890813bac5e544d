"""Raised hands, in the order of raising."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.hands import HandCommand, HandEvent
from protocol.ids import STAFF
from server.classroom.state import Actor, Classroom


def decide(state: Classroom, who: Actor, command: HandCommand) -> tuple[ev.AnyEvent, ...]:
    """Return what happens to the queue; raising twice and lowering what is down change nothing."""
    match command:
        case cmd.HandRaise():
            return () if who.user in state.hands else (ev.HandRaised(who.user, who.name),)
        case cmd.HandLower():
            user = command.user or who.user
            if user != who.user and who.role not in STAFF:
                raise Refusal("forbidden", "Only staff may lower somebody else's hand.")
            return (ev.HandLowered(user),) if user in state.hands else ()
        case cmd.HandLowerAll():
            return (ev.HandAllLowered(),) if state.hands else ()
        case _:
            assert_never(command)


def evolve(state: Classroom, event: HandEvent) -> Classroom:
    """Return the state after ``event``; a hand that is raised again goes to the end."""
    match event:
        case ev.HandRaised(user=user):
            return replace(state, hands=(*_without(state.hands, user), user))
        case ev.HandLowered(user=user):
            return replace(state, hands=_without(state.hands, user))
        case ev.HandAllLowered():
            return replace(state, hands=())
        case _:
            assert_never(event)


def _without(hands: tuple[str, ...], user: str) -> tuple[str, ...]:
    return tuple(hand for hand in hands if hand != user)
