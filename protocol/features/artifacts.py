"""What a class leaves behind: transcript, chapters, highlights, notes."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from protocol.ids import ArtifactId, CaptionText, Language, Milliseconds, OptionalText, ShortText
from protocol.messages import Command, Event

ArtifactType: TypeAlias = Literal["transcript", "chapter", "highlight", "note"]


class Segment(Struct, frozen=True, forbid_unknown_fields=True):
    """What was said between two moments, in milliseconds since the class started."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    text: CaptionText


class ArtifactPayload(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of an artifact, by its type.

    transcript: ``segments`` and ``language``; chapter: ``title`` and ``start_ms``; highlight:
    ``start_ms`` with ``title`` and ``end_ms`` where known; note: ``text``, and ``start_ms`` of
    the moment it is about. Times are in milliseconds since the class started.
    """

    title: ShortText | None = None
    text: OptionalText | None = None
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    language: Language | None = None
    segments: Annotated[tuple[Segment, ...], Meta(max_length=1_000)] = ()


class ArtifactAdd(Command, frozen=True):
    """Add something to what the class leaves behind."""

    op = "artifact.add"
    artifact_type: ArtifactType
    payload: ArtifactPayload


class ArtifactEdit(Command, frozen=True):
    """Give an artifact another content."""

    op = "artifact.edit"
    artifact: ArtifactId
    payload: ArtifactPayload


class ArtifactRemove(Command, frozen=True):
    """Take an artifact away; a published replay keeps its last one."""

    op = "artifact.remove"
    artifact: ArtifactId


class ArtifactCreated(Event, frozen=True):
    """The class leaves one more thing behind (a note: staff only).

    ``source`` is the sequence of the event that it comes from; null stands for this one.
    """

    type = "artifact.created"
    artifact: ArtifactId
    artifact_type: ArtifactType
    payload: ArtifactPayload
    source: int | None = None


class ArtifactEdited(Event, frozen=True):
    """An artifact has another content (a note: staff, and its author's mine)."""

    type = "artifact.edited"
    artifact: ArtifactId
    artifact_type: ArtifactType
    payload: ArtifactPayload


class ArtifactRemoved(Event, frozen=True):
    """An artifact was taken away (a note: staff, and its author's mine)."""

    type = "artifact.removed"
    artifact: ArtifactId
    artifact_type: ArtifactType


ArtifactCommand: TypeAlias = ArtifactAdd | ArtifactEdit | ArtifactRemove
ArtifactEvent: TypeAlias = ArtifactCreated | ArtifactEdited | ArtifactRemoved
