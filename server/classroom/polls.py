"""Polls: open → closed → published; a vote may change while the poll is open."""

from typing import assert_never

from msgspec.structs import replace

from protocol.commands import PollClose, PollOpen, PollPublish, PollVote
from protocol.errors import Refusal
from protocol.events import AnyEvent, PollClosed, PollOpened, PollPublished, PollVoted
from protocol.features.polls import PollCommand, PollEvent
from server.classroom.changes import When, put
from server.classroom.state import Actor, Classroom, Poll

MOST_POLLS = 500


def decide(
    state: Classroom,
    who: Actor,
    command: PollCommand,
    new_id: str,
    expect: int | None,
) -> tuple[AnyEvent, ...]:
    """Return what happens to a poll; the same vote again changes nothing."""
    if isinstance(command, PollOpen):
        if len(state.polls) >= MOST_POLLS:
            raise Refusal("conflict", f"A class has at most {MOST_POLLS} polls.")
        return (_open(command, new_id),)
    poll = state.polls.get(command.poll)
    if poll is None:
        raise Refusal("not_found", "There is no such poll.", field="poll")
    if expect is not None and expect != poll.touched:
        raise Refusal("conflict", "The poll has changed meanwhile.", touched=poll.touched)
    match command:
        case PollVote():
            return _vote(poll, who, command)
        case PollClose():
            return (PollClosed(command.poll),) if poll.status == "open" else ()
        case PollPublish():
            if poll.status == "published":
                return ()
            published = PollPublished(command.poll, poll.tally, poll.correct)
            if poll.status == "open":  # what is published moves no more
                return PollClosed(command.poll), published
            return (published,)
        case _:
            assert_never(command)


def _open(command: PollOpen, new_id: str) -> PollOpened:
    if len(set(command.options)) != len(command.options):
        raise Refusal("bad_request", "Two options read the same.", field="options")
    correct = command.correct
    if correct is not None:
        correct = _choices(correct, len(command.options), field="correct")
    return PollOpened(
        new_id,
        command.prompt,
        command.options,
        command.multiple,
        command.anonymous,
        command.results,
        correct,
    )


def _vote(poll: Poll, who: Actor, command: PollVote) -> tuple[AnyEvent, ...]:
    if poll.status != "open":
        raise Refusal("conflict", "The poll is closed.")
    choices = _choices(command.choices, poll.options, field="choices")
    if len(choices) > 1 and not poll.multiple:
        raise Refusal("bad_request", "This poll takes one choice.", field="choices")
    if poll.votes.get(who.user) == choices:
        return ()
    return (PollVoted(command.poll, choices, poll.anonymous),)


def _choices(choices: tuple[int, ...], options: int, *, field: str) -> tuple[int, ...]:
    if any(choice >= options for choice in choices):
        raise Refusal("bad_request", f"The options are 0 to {options - 1}.", field=field)
    if len(set(choices)) != len(choices):
        raise Refusal("bad_request", "Each option counts once.", field=field)
    return tuple(sorted(choices))


# ---------------------------------------------------------------- what it changes


def evolve(state: Classroom, event: PollEvent, when: When) -> Classroom:
    """Return the state after ``event``."""
    if isinstance(event, PollOpened):
        poll = Poll(
            options=len(event.options),
            multiple=event.multiple,
            anonymous=event.anonymous,
            results=event.results,
            correct=event.correct,
            touched=when.sequence,
            tally=(0,) * len(event.options),
        )
        return replace(state, polls=put(state.polls, event.poll, poll))
    known = state.polls.get(event.poll)
    if known is None:
        return state
    match event:
        case PollVoted():
            poll = _voted(known, when.by or "", event.choices)
        case PollClosed():
            poll = replace(known, status="closed", touched=when.sequence)
        case PollPublished():
            poll = replace(known, status="published", touched=when.sequence)
        case _:
            assert_never(event)
    return replace(state, polls=put(state.polls, event.poll, poll))


def _voted(poll: Poll, user: str, choices: tuple[int, ...]) -> Poll:
    tally = list(poll.tally)
    for choice in poll.votes.get(user, ()):
        tally[choice] -= 1
    for choice in choices:
        tally[choice] += 1
    return replace(poll, tally=tuple(tally), votes=put(poll.votes, user, choices))
