"""Polls: open → closed → published."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.ids import OptionIndex, PollId, Prompt, ShortText
from protocol.messages import Command, Event


class PollOpen(Command, frozen=True):
    """Put a question with two to ten answers to the class."""

    op = "poll.open"
    prompt: Prompt
    options: Annotated[tuple[ShortText, ...], Meta(min_length=2, max_length=10)]
    multiple: bool = False
    anonymous: bool = False
    results: Literal["live", "published"] = "published"
    correct: Annotated[tuple[OptionIndex, ...], Meta(max_length=10)] | None = None


class PollVote(Command, frozen=True):
    """Vote, or change one's vote while the poll is open."""

    op = "poll.vote"
    poll: PollId
    choices: Annotated[tuple[OptionIndex, ...], Meta(min_length=1, max_length=10)]


class PollClose(Command, frozen=True):
    """Take no more votes."""

    op = "poll.close"
    poll: PollId


class PollPublish(Command, frozen=True):
    """Show the results, and the correct answers, to everybody."""

    op = "poll.publish"
    poll: PollId


class PollOpened(Event, frozen=True):
    """A poll is open; ``correct`` is for staff until the results are published."""

    type = "poll.opened"
    poll: PollId
    prompt: str
    options: tuple[str, ...]
    multiple: bool
    anonymous: bool
    results: Literal["live", "published"]
    correct: tuple[int, ...] | None = None


class PollVoted(Event, frozen=True):
    """A vote, replacing that person's earlier one (staff only; without its author if anonymous)."""

    type = "poll.voted"
    poll: PollId
    choices: tuple[int, ...]
    anonymous: bool


class PollClosed(Event, frozen=True):
    """The poll takes no more votes."""

    type = "poll.closed"
    poll: PollId


class PollPublished(Event, frozen=True):
    """The results are out, for all: votes per option, and the correct ones where known."""

    type = "poll.published"
    poll: PollId
    tally: tuple[int, ...]
    correct: tuple[int, ...] | None = None


PollCommand: TypeAlias = PollOpen | PollVote | PollClose | PollPublish
PollEvent: TypeAlias = PollOpened | PollVoted | PollClosed | PollPublished
