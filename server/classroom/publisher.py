"""Whose picture and sound the class has."""

from msgspec.structs import replace

from protocol import events as ev
from protocol.features.publisher import PublisherEvent
from server.classroom.state import Classroom


def observe(state: Classroom, event: PublisherEvent) -> tuple[ev.AnyEvent, ...]:
    """Return the report, if it is news: the loss of one who was replaced meanwhile is none."""
    if isinstance(event, ev.PublisherLost) and event.user != state.publisher:
        return ()
    return (event,)


def evolve(state: Classroom, event: PublisherEvent) -> Classroom:
    """Return the state after ``event``."""
    match event:
        case ev.PublisherConnected() | ev.PublisherResumed():
            return replace(state, publisher=event.user)
        case ev.PublisherLost():
            return replace(state, publisher=None)
        case _:
            return state  # a warning, or what the connection of the next one says, too
