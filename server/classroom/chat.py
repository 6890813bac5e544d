"""What people write."""

from protocol.commands import ChatPost
from protocol.errors import Refusal
from protocol.events import AnyEvent, ChatPosted
from server.classroom.state import Actor, Classroom

REPLIES_REACH_BACK = 1_000
"""How many messages back a reply may refer to: the rules remember no more."""
STAFF_MESSAGES_KEPT = 50
"""How many of a person's own messages to staff their ``mine`` shows."""


def decide(state: Classroom, who: Actor, command: ChatPost, new_id: str) -> tuple[AnyEvent, ...]:
    """Return the message, if what it replies to exists and was meant for as many."""
    if command.reply_to is not None:
        original = state.messages.get(command.reply_to)
        if original is None:
            raise Refusal("not_found", "There is no such message.", field="reply_to")
        if original == "staff" and command.to == "everyone":
            raise Refusal("bad_request", "What was written to staff stays there.", field="to")
    return (ChatPosted(new_id, who.name, command.text, command.to, command.reply_to),)
