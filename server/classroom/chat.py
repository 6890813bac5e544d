"""What people write."""

from protocol.commands import ChatPost
from protocol.errors import Refusal
from protocol.events import AnyEvent, ChatPosted
from server.classroom.state import Actor, Classroom

STAFF_MESSAGES_KEPT = 50
"""How many of a person's own messages to staff their ``mine`` shows."""


def decide(state: Classroom, who: Actor, command: ChatPost, new_id: str) -> tuple[AnyEvent, ...]:
    """Return the message, if what it replies to exists."""
    if command.reply_to is not None and command.reply_to not in state.messages:
        raise Refusal("not_found", "There is no such message.", field="reply_to")
    return (ChatPosted(new_id, who.name, command.text, command.to, command.reply_to),)
