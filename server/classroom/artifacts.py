"""What the class leaves behind, beside its recordings."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.artifacts import (
    ArtifactCommand,
    ArtifactEvent,
    ArtifactPayload,
    ArtifactType,
)
from server.classroom.changes import When, drop, put
from server.classroom.state import Artifact, Classroom

MOST_ARTIFACTS = 5_000

_NEEDS: dict[ArtifactType, tuple[str, ...]] = {
    "transcript": ("segments", "language"),
    "chapter": ("title", "start_ms"),
    "highlight": ("start_ms",),
    "note": ("text",),
}
_TAKES: dict[ArtifactType, frozenset[str]] = {
    "transcript": frozenset(("segments", "language")),
    "chapter": frozenset(("title", "start_ms")),
    "highlight": frozenset(("title", "start_ms", "end_ms")),
    "note": frozenset(("text", "start_ms")),
}


def decide(
    state: Classroom, command: ArtifactCommand, new_id: str, expect: int | None
) -> tuple[ev.AnyEvent, ...]:
    """Return a new artifact, or the change to one; a published replay keeps its last."""
    if isinstance(command, cmd.ArtifactAdd):
        check_room(state)
        _check_payload(command.artifact_type, command.payload)
        return (ev.ArtifactCreated(new_id, command.artifact_type, command.payload),)
    name = command.artifact
    artifact = state.artifacts.get(name)
    if artifact is None:
        raise Refusal("not_found", "There is no such artifact.", field="artifact")
    if expect is not None and expect != artifact.touched:
        raise Refusal("conflict", "The artifact has changed meanwhile.", touched=artifact.touched)
    match command:
        case cmd.ArtifactEdit():
            _check_payload(artifact.artifact_type, command.payload)
            return (ev.ArtifactEdited(name, artifact.artifact_type, command.payload),)
        case cmd.ArtifactRemove():
            if _is_last_of_published(state):
                raise Refusal("conflict", "The published replay needs its last artifact.")
            return (ev.ArtifactRemoved(name, artifact.artifact_type),)
        case _:
            assert_never(command)


def check_room(state: Classroom) -> None:
    """Do nothing if the class may have one more artifact.

    Raises:
        Refusal: ``conflict``.

    """
    if len(state.artifacts) >= MOST_ARTIFACTS:
        raise Refusal("conflict", f"A class leaves at most {MOST_ARTIFACTS} artifacts.")


def _check_payload(kind: ArtifactType, payload: ArtifactPayload) -> None:
    """Do nothing if ``payload`` has what an artifact of its type needs, and nothing else.

    Raises:
        Refusal: ``bad_request``.

    """
    for field in payload.__struct_fields__:
        path, value = f"payload.{field}", getattr(payload, field)
        if value in (None, ()):
            if field in _NEEDS[kind]:
                raise Refusal("bad_request", f"A {kind} needs this.", field=path)
        elif field not in _TAKES[kind]:
            raise Refusal("bad_request", f"A {kind} has no such field.", field=path)
    if payload.end_ms is not None and payload.end_ms < (payload.start_ms or 0):
        raise Refusal("bad_request", "It ends before it starts.", field="payload.end_ms")
    for index, segment in enumerate(payload.segments):
        if segment.end_ms < segment.start_ms:
            path = f"payload.segments[{index}].end_ms"
            raise Refusal("bad_request", "It ends before it starts.", field=path)


def observe(
    state: Classroom, event: ev.ArtifactCreated | ev.ArtifactRemoved
) -> tuple[ev.AnyEvent, ...]:
    """Return what was made of the class by itself, made anew, or is made no more.

    A person's work stays, and so does what a published replay rests on.
    """
    known = state.artifacts.get(event.artifact)
    if isinstance(event, ev.ArtifactRemoved):
        is_ours = known is not None and not known.by_hand
        return (event,) if is_ours and not _is_last_of_published(state) else ()
    if known is None:
        return () if len(state.artifacts) >= MOST_ARTIFACTS else (event,)
    if known.by_hand:
        return ()
    return (ev.ArtifactEdited(event.artifact, event.artifact_type, event.payload),)


def _is_last_of_published(state: Classroom) -> bool:
    is_published = state.replay is not None and state.replay.status == "published"
    return is_published and len(state.artifacts) == 1


def evolve(state: Classroom, event: ArtifactEvent, when: When) -> Classroom:
    """Return the state after ``event``; a note stays with its author as it is now."""
    name, by_hand = event.artifact, when.by is not None
    match event:
        case ev.ArtifactCreated():
            artifact = Artifact(event.artifact_type, when.sequence, by_hand)
            return replace(state, artifacts=put(state.artifacts, name, artifact))
        case ev.ArtifactEdited():
            known = state.artifacts.get(name)
            if known is None:
                return state
            edited = replace(known, touched=when.sequence, by_hand=by_hand)
            artifacts = put(state.artifacts, name, edited)
            return _with_note(replace(state, artifacts=artifacts), name, event.payload.text)
        case ev.ArtifactRemoved():
            state = replace(state, artifacts=drop(state.artifacts, name))
            return _with_note(state, name, None)
        case _:
            assert_never(event)


def author_of_note(state: Classroom, name: str) -> str | None:
    """Return whose ``mine`` shows this note, None if nobody's does."""
    for user, notes in state.notes.items():
        if any(note.artifact == name for note in notes):
            return user
    return None


def _with_note(state: Classroom, name: str, text: str | None) -> Classroom:
    """Return the state with another text in somebody's note, or without it."""
    user = author_of_note(state, name)
    if user is None:
        return state
    notes = tuple(
        note if note.artifact != name else replace(note, text=text or "")
        for note in state.notes[user]
        if text is not None or note.artifact != name
    )
    return replace(state, notes=put(state.notes, user, notes))
