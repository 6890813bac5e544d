"""Moments worth finding again: how the class follows, what is said, chapters, highlights, notes.

Captions together become the transcript; each of the last three becomes an artifact of the class.
"""

from typing import Literal, TypeAlias

from protocol.ids import (
    ArtifactId,
    CaptionText,
    Language,
    Milliseconds,
    Prompt,
    ShortText,
)
from protocol.messages import Command, Event

FeedbackKind: TypeAlias = Literal["lost", "got_it", "slower", "faster"]


class FeedbackMark(Command, frozen=True):
    """Say how one follows."""

    op = "feedback.mark"
    kind: FeedbackKind


class CaptionAdd(Command, frozen=True):
    """Add what was said between two moments, in milliseconds since the class started."""

    op = "caption.add"
    text: CaptionText
    start_ms: Milliseconds
    end_ms: Milliseconds
    language: Language


class ChapterMark(Command, frozen=True):
    """Begin a chapter, here or at a moment in milliseconds since the class started."""

    op = "chapter.mark"
    title: ShortText
    start_ms: Milliseconds | None = None


class HighlightMark(Command, frozen=True):
    """Say that a moment, this one or another, is worth seeing again."""

    op = "highlight.mark"
    title: ShortText | None = None
    start_ms: Milliseconds | None = None


class NoteAdd(Command, frozen=True):
    """Write down something about a moment, this one or another, for oneself and for staff."""

    op = "note.add"
    text: Prompt
    start_ms: Milliseconds | None = None


class FeedbackMarked(Event, frozen=True):
    """Somebody said how they follow (staff only)."""

    type = "feedback.marked"
    kind: FeedbackKind


class CaptionAdded(Event, frozen=True):
    """What was said between two moments of the class."""

    type = "caption.added"
    text: str
    start_ms: int
    end_ms: int
    language: str


class ChapterMarked(Event, frozen=True):
    """A chapter begins."""

    type = "chapter.marked"
    artifact: ArtifactId
    title: str
    start_ms: int


class HighlightMarked(Event, frozen=True):
    """This moment is worth seeing again."""

    type = "highlight.marked"
    artifact: ArtifactId
    title: str | None
    start_ms: int


class NoteAdded(Event, frozen=True):
    """Somebody wrote something down (staff, and the author's mine)."""

    type = "note.added"
    artifact: ArtifactId
    name: str
    text: str
    start_ms: int


MarkCommand: TypeAlias = FeedbackMark | CaptionAdd | ChapterMark | HighlightMark | NoteAdd
MarkEvent: TypeAlias = FeedbackMarked | CaptionAdded | ChapterMarked | HighlightMarked | NoteAdded
