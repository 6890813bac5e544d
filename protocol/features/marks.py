"""Moments worth finding again; each becomes an artifact of the class."""

from protocol.ids import ArtifactId, Milliseconds, Prompt, ShortText
from protocol.messages import Command, Event


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
