"""Which platforms the class is streamed to; what happens there is reported by the media worker."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import milliseconds
from protocol.errors import Refusal
from protocol.features.destinations import DestinationCommand, DestinationEvent
from server.classroom.changes import put
from server.classroom.state import Classroom

MOST_ENABLED = 10
ENABLES = 3
ENABLES_SECONDS = 60
"""So often may one destination be enabled in so many seconds: platforms count attempts, too."""


def decide(state: Classroom, command: DestinationCommand, at: str) -> tuple[ev.AnyEvent, ...]:
    """Return the switch; one that failed may be enabled, or retried, again.

    That the destination exists and belongs to the tenant was checked where the command came in:
    it is not the class's own knowledge.
    """
    name = command.destination
    status = state.destinations.get(name)
    match command:
        case cmd.DestinationEnable():
            if status == "enabled":
                return ()
            _check_number(state)
            _check_pace(state, name, at)
            return (ev.DestinationEnabled(name),)
        case _ if status is None:
            raise Refusal("not_found", "There is no such destination.", field="destination")
        case cmd.DestinationDisable():
            return () if status == "disabled" else (ev.DestinationDisabled(name),)
        case cmd.DestinationRetry():
            if status == "disabled":
                raise Refusal("conflict", "This destination is off: enable it.")
            if status == "failed":
                _check_number(state)
            return (ev.DestinationRetryRequested(name),)
        case _:
            assert_never(command)


def _check_number(state: Classroom) -> None:
    if sum(1 for each in state.destinations.values() if each == "enabled") >= MOST_ENABLED:
        raise Refusal("conflict", f"A class streams to at most {MOST_ENABLED} destinations.")


def _check_pace(state: Classroom, name: str, at: str) -> None:
    times = state.enables.get(name, ())
    if len(times) < ENABLES:
        return
    wait = milliseconds(times[0]) + 1000 * ENABLES_SECONDS - milliseconds(at)
    if wait > 0:
        text = (
            f"This destination was enabled {ENABLES} times in a minute: wait {-(-wait // 1000)} s."
        )
        # Not rate_limited: a client would keep its other commands waiting.
        raise Refusal("locked", text, field="destination", retry_ms=wait)


def evolve(state: Classroom, event: DestinationEvent, at: str) -> Classroom:
    """Return the state after ``event``; to ask for a retry enables what had failed."""
    name = event.destination
    match event:
        case ev.DestinationEnabled():
            times = (*state.enables.get(name, ()), at)[-ENABLES:]
            return replace(
                state,
                destinations=put(state.destinations, name, "enabled"),
                enables=put(state.enables, name, times),
            )
        case _ if name not in state.destinations:
            return state
        case ev.DestinationDisabled():
            return replace(state, destinations=put(state.destinations, name, "disabled"))
        case ev.DestinationFailed():
            return replace(state, destinations=put(state.destinations, name, "failed"))
        case ev.DestinationRetryRequested():
            return replace(
                state,
                destinations=put(state.destinations, name, "enabled"),
                retries=put(state.retries, name, state.retries.get(name, 0) + 1),
            )
        case _:
            return state  # how it goes there is no matter of the rules
