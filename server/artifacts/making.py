"""From a log to what has to be said so that its artifacts are as they should be. Pure.

An artifact that is made by itself has an id that follows from the event it comes from: made anew,
it is the same one. What is as it was is not said again; what a person made, edited or removed is
left alone.
"""

import hashlib
import uuid
from collections.abc import Set
from typing import NamedTuple

import msgspec

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload, ArtifactType
from server.artifacts.chapters import chapters
from server.artifacts.highlights import highlights
from server.artifacts.history import Happened, Known, Shelf, history, shelf
from server.artifacts.transcripts import transcripts

MADE: frozenset[ArtifactType] = frozenset(("transcript", "chapter", "highlight"))
"""What is made by itself: notes are people's."""


class Change(NamedTuple):
    """Something to report to the class. The same change to the same state has the same key."""

    key: str
    event: ev.ArtifactCreated | ev.ArtifactRemoved
    is_new: bool


class _Made(NamedTuple):
    artifact_type: ArtifactType
    source: int
    payload: ArtifactPayload


def changes(
    session: str, title: str, log: list[Happened], types: Set[ArtifactType] = MADE
) -> list[Change]:
    """Return what to say about the artifacts of ``types``; nothing if they are as they should be.

    ``log`` is that of the class, as far as :data:`server.artifacts.history.KINDS` go.
    """
    there = shelf(log)
    wanted = {
        _id(session, each): each for each in _made(title, log, there) if each.artifact_type in types
    }
    made = [
        _change(name, there, each)
        for name, each in wanted.items()
        if name not in there.taken_away and _differs(there.known.get(name), each)
    ]
    removed = [
        Change(_key(name, known.touched, b""), ev.ArtifactRemoved(name, known.artifact_type), False)
        for name, known in there.known.items()
        if known.artifact_type in types and name not in wanted and _is_ours(known, there)
    ]
    return made + removed


def _made(title: str, log: list[Happened], there: Shelf) -> list[_Made]:
    told = history(log)
    if told is None:
        return []
    return [
        *(_Made("chapter", *each) for each in chapters(told, title, there.by_hand("chapter"))),
        *(_Made("highlight", *each) for each in highlights(told, there.by_hand("highlight"))),
        *(_Made("transcript", *each) for each in transcripts(told, there.languages)),
    ]


def _differs(known: Known | None, made: _Made) -> bool:
    return known is None or (not known.by_hand and known.payload != made.payload)


def _is_ours(known: Known, there: Shelf) -> bool:
    """Say whether an artifact was made by itself, and people have not made its language theirs."""
    language = known.payload.language
    return not known.by_hand and (language is None or language.lower() not in there.languages)


def _change(name: str, there: Shelf, made: _Made) -> Change:
    known = there.known.get(name)
    key = _key(name, 0 if known is None else known.touched, msgspec.json.encode(made.payload))
    event = ev.ArtifactCreated(name, made.artifact_type, made.payload, made.source)
    return Change(key, event, known is None)


def _id(session: str, made: _Made) -> str:
    language = (made.payload.language or "").lower()
    return str(uuid.uuid5(uuid.UUID(session), f"{made.artifact_type} {made.source} {language}"))


def _key(name: str, touched: int, content: bytes) -> str:
    """Return what names one change: it is another one after the artifact has changed again."""
    return f"{name}:{touched}:{hashlib.sha256(content).hexdigest()[:16]}"
