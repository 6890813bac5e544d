"""What people write to each other, and how staff keep it in order.

Every event about a message says for whom it was meant: what a view shows is a function of the
event alone.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.ids import ChatText, MessageId, Timestamp, UserId
from protocol.messages import Command, Event

For: TypeAlias = Literal["everyone", "staff"]
SlowMode: TypeAlias = Annotated[
    int, Meta(ge=0, le=3600, description="Seconds between two messages of one student; 0: off.")
]


class ChatPost(Command, frozen=True):
    """Say something to everyone, or to staff alone."""

    op = "chat.post"
    text: ChatText
    to: For = "everyone"
    reply_to: MessageId | None = None


class ChatRemove(Command, frozen=True):
    """Take a message back (one's own), or out of sight (staff)."""

    op = "chat.remove"
    message: MessageId


class ChatRestore(Command, frozen=True):
    """Show a removed message again."""

    op = "chat.restore"
    message: MessageId


class ChatPin(Command, frozen=True):
    """Keep a message in everybody's sight."""

    op = "chat.pin"
    message: MessageId


class ChatUnpin(Command, frozen=True):
    """Let a message go with the others again."""

    op = "chat.unpin"
    message: MessageId


class ChatConfigure(Command, frozen=True):
    """Open or close the chat, or slow it down; what is left out stays as it is."""

    op = "chat.configure"
    enabled: bool | None = None
    slow_mode_s: SlowMode | None = None
    staff_only: bool | None = None
    before_start: bool | None = None


class ChatPosted(Event, frozen=True):
    """Somebody said something, to everyone or to staff."""

    type = "chat.posted"
    message: MessageId
    name: str
    text: str
    to: For
    reply_to: MessageId | None = None


class ChatRemoved(Event, frozen=True):
    """A message is out of sight; who catches up later never sees its text."""

    type = "chat.removed"
    message: MessageId
    to: For


class ChatRestored(Event, frozen=True):
    """A removed message is to be seen again, with its text."""

    type = "chat.restored"
    message: MessageId
    text: str
    to: For


class ChatPinned(Event, frozen=True):
    """A message is pinned; all of it, for who has it no more."""

    type = "chat.pinned"
    message: MessageId
    author: UserId | None
    name: str
    text: str
    to: For
    posted_at: Timestamp


class ChatUnpinned(Event, frozen=True):
    """A message is pinned no more."""

    type = "chat.unpinned"
    message: MessageId
    to: For


class ChatConfigured(Event, frozen=True):
    """How the chat works from now on: all of it."""

    type = "chat.configured"
    enabled: bool
    slow_mode_s: int
    staff_only: bool
    before_start: bool


ChatCommand: TypeAlias = ChatPost | ChatRemove | ChatRestore | ChatPin | ChatUnpin | ChatConfigure
ChatEvent: TypeAlias = (
    ChatPosted | ChatRemoved | ChatRestored | ChatPinned | ChatUnpinned | ChatConfigured
)
