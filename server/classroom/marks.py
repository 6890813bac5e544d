"""Captions, chapters, highlights, notes and how the class follows: moments worth finding again."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import milliseconds
from protocol.errors import Refusal
from protocol.features.artifacts import ArtifactType
from protocol.features.marks import MarkCommand, MarkEvent
from protocol.frames import Note
from server.classroom.artifacts import check_room
from server.classroom.changes import When, put
from server.classroom.state import Actor, Artifact, Classroom

NOTES_KEPT = 50
"""How many of a person's own notes their ``mine`` shows."""


def decide(
    state: Classroom,
    who: Actor,
    command: MarkCommand,
    new_id: str,
    at: str,
) -> tuple[ev.AnyEvent, ...]:
    """Return the mark."""
    match command:
        case cmd.FeedbackMark():
            return (ev.FeedbackMarked(command.kind),)
        case cmd.CaptionAdd():
            if command.end_ms < command.start_ms:
                raise Refusal("bad_request", "It ends before it starts.", field="end_ms")
            return (
                ev.CaptionAdded(command.text, command.start_ms, command.end_ms, command.language),
            )
        case cmd.ChapterMark() | cmd.HighlightMark() | cmd.NoteAdd():
            check_room(state)
            start_ms = _elapsed(state, at) if command.start_ms is None else command.start_ms
            return (_mark(who, command, new_id, start_ms),)
        case _:
            assert_never(command)


def _elapsed(state: Classroom, at: str) -> int:
    """Return the milliseconds since the class started."""
    since = at if state.started_at is None else state.started_at
    return max(0, milliseconds(at) - milliseconds(since))


def _mark(
    who: Actor, command: cmd.ChapterMark | cmd.HighlightMark | cmd.NoteAdd, new_id: str, start: int
) -> ev.AnyEvent:
    match command:
        case cmd.ChapterMark():
            return ev.ChapterMarked(new_id, command.title, start)
        case cmd.HighlightMark():
            return ev.HighlightMarked(new_id, command.title, start)
        case cmd.NoteAdd():
            return ev.NoteAdded(new_id, who.name, command.text, start)
        case _:
            assert_never(command)


def evolve(state: Classroom, event: MarkEvent, when: When) -> Classroom:
    """Return the state after ``event``."""
    match event:
        case ev.FeedbackMarked() | ev.CaptionAdded():
            return state  # no rule depends on it
        case ev.ChapterMarked():
            return _with_artifact(state, event.artifact, "chapter", when)
        case ev.HighlightMarked():
            return _with_artifact(state, event.artifact, "highlight", when)
        case ev.NoteAdded():
            state = _with_artifact(state, event.artifact, "note", when)
            if when.by is None:
                return state
            own = (*state.notes.get(when.by, ()), Note(event.artifact, when.at, event.text))
            return replace(state, notes=put(state.notes, when.by, own[-NOTES_KEPT:]))
        case _:
            assert_never(event)


def _with_artifact(state: Classroom, name: str, kind: ArtifactType, when: When) -> Classroom:
    artifact = Artifact(kind, when.sequence)
    return replace(state, artifacts=put(state.artifacts, name, artifact))
