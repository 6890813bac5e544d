"""Which platforms the class is streamed to; what happens there is reported by the media worker."""

from protocol.commands import DestinationDisable, DestinationEnable
from protocol.errors import Refusal
from protocol.events import AnyEvent, DestinationDisabled, DestinationEnabled
from server.classroom.state import Classroom

MOST_ENABLED = 10


def decide(
    state: Classroom, command: DestinationEnable | DestinationDisable
) -> tuple[AnyEvent, ...]:
    """Return the switch; one that failed may be enabled again.

    That the destination exists and belongs to the tenant was checked where the command came in:
    it is not the class's own knowledge.
    """
    status = state.destinations.get(command.destination)
    if isinstance(command, DestinationDisable):
        if status is None:
            raise Refusal("not_found", "There is no such destination.", field="destination")
        return () if status == "disabled" else (DestinationDisabled(command.destination),)
    if status == "enabled":
        return ()
    if sum(1 for each in state.destinations.values() if each == "enabled") >= MOST_ENABLED:
        raise Refusal("conflict", f"A class streams to at most {MOST_ENABLED} destinations.")
    return (DestinationEnabled(command.destination),)
