"""Polls as a view sees them; while one runs its tally is in the counters."""

from typing import Literal

from msgspec import Struct

from protocol import events as ev
from protocol import limits
from protocol.features.polls import PollEvent
from protocol.trimming import fit, json_bytes


class Poll(Struct):
    """A poll; while it runs its tally is in the counters."""

    poll: str
    prompt: str
    options: tuple[str, ...]
    multiple: bool
    anonymous: bool
    results: Literal["live", "published"]
    correct: tuple[int, ...] | None
    touched: int
    status: Literal["open", "closed", "published"] = "open"
    tally: tuple[int, ...] | None = None

    @property
    def weight(self) -> int:
        """The constant of its kind, the prompt, and each option with its comma."""
        options = sum(json_bytes(option) + 1 for option in self.options)
        return limits.POLL_WEIGHT + json_bytes(self.prompt) + options


def fold_polls(polls: list[Poll], event: PollEvent, sequence: int) -> list[Poll]:
    """Return the polls after ``event``, without the oldest finished ones beyond what is kept."""
    if isinstance(event, ev.PollVoted):
        return polls
    if isinstance(event, ev.PollOpened):
        opened = Poll(
            event.poll,
            event.prompt,
            event.options,
            event.multiple,
            event.anonymous,
            event.results,
            event.correct,
            sequence,
        )
        polls = [*polls, opened]
    else:
        for poll in polls:
            if poll.poll == event.poll:
                poll.touched = sequence
                if isinstance(event, ev.PollPublished):
                    poll.status, poll.tally, poll.correct = "published", event.tally, event.correct
                else:
                    poll.status = "closed"
        finished = [poll for poll in polls if poll.status != "open"]
        forgotten = {poll.poll for poll in finished[: -limits.SNAPSHOT_FINISHED_POLLS]}
        polls = [poll for poll in polls if poll.poll not in forgotten]
    return fit(polls, limits.POLLS_BYTES, last=lambda poll: poll.status == "open")
