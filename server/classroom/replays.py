"""The replay of a class that is over: draft → published."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.replays import ReplayCommand, ReplayEvent
from server.classroom.people import check_moment
from server.classroom.state import Classroom, Replay


def decide(
    state: Classroom, command: ReplayCommand, new_id: str, at: str
) -> tuple[ev.AnyEvent, ...]:
    """Return the plan, the publication, or its end; what is so already changes nothing."""
    replay = state.replay or Replay(new_id)
    is_published = replay.status == "published"
    match command:
        case cmd.ReplaySchedule():
            return _schedule(state, replay, command.publish_at, at)
        case cmd.ReplayPublish():
            if is_published:
                return ()
            _check_content(state)
            return (ev.ReplayPublished(replay.replay),)
        case cmd.ReplayUnpublish():
            return (ev.ReplayUnpublished(replay.replay),) if is_published else ()
        case _:
            assert_never(command)


def _schedule(
    state: Classroom, replay: Replay, publish_at: str | None, at: str
) -> tuple[ev.AnyEvent, ...]:
    if publish_at is not None:
        if replay.status == "published":
            raise Refusal("conflict", "The replay is published already.")
        check_moment(publish_at, at, field="publish_at")
        _check_content(state)
    is_so = replay.publish_at == publish_at
    return () if is_so else (ev.ReplayScheduled(replay.replay, publish_at),)


def observe(state: Classroom, event: ev.ReplayPublished) -> tuple[ev.AnyEvent, ...]:
    """Return the publication that was planned, if it still is and there is what it needs."""
    replay = state.replay
    is_planned = replay is not None and replay.publish_at is not None
    return (event,) if is_planned and state.finalized and state.artifacts else ()


def _check_content(state: Classroom) -> None:
    if not state.finalized:
        text = "There is no finalized recording"
        more = " yet: one is being finalized." if state.recordings else "."
        raise Refusal("conflict", text + more)
    if not state.artifacts:
        text = "There is no artifact: add a transcript, a chapter, a highlight or a note first."
        raise Refusal("conflict", text)


def evolve(state: Classroom, event: ReplayEvent) -> Classroom:
    """Return the state after ``event``; publishing fulfils the plan."""
    replay = state.replay or Replay(event.replay)
    match event:
        case ev.ReplayScheduled():
            replay = replace(replay, publish_at=event.publish_at)
        case ev.ReplayPublished():
            replay = replace(replay, status="published", publish_at=None)
        case ev.ReplayUnpublished():
            replay = replace(replay, status="draft")
        case _:
            assert_never(event)
    return replace(state, replay=replay)
