"""What a class leaves behind: chapters, highlights, transcripts, notes."""

from typing import Annotated

from msgspec import Meta

from protocol.features.artifacts import ArtifactPayload, ArtifactType
from protocol.ids import ArtifactId, Language, Timestamp, UserId
from protocol.rest.paging import PageQuery
from protocol.rest.shapes import Answer, Body

Sequence = Annotated[int, Meta(description="A position in the log of the class.")]
_DAY_MS = 86_400_000


class ArtifactsQuery(PageQuery, frozen=True):
    """Which artifacts to list."""

    artifact_type: ArtifactType | None = None


class NewArtifact(Body, frozen=True):
    """Something to add to what a class leaves behind."""

    artifact_type: ArtifactType
    payload: ArtifactPayload


class ArtifactChange(Body, frozen=True):
    """Another content of an artifact, as a whole."""

    payload: ArtifactPayload


class Artifact(Answer, frozen=True):
    """Something that a class leaves behind, and the event in its log that it comes from."""

    id: ArtifactId
    artifact_type: ArtifactType
    payload: ArtifactPayload
    source_sequence: Sequence
    touched: Sequence
    """The last event about it: what a command names as ``expect``."""
    version: int
    """From 1, one more with each change."""
    user: UserId | None
    """Who made it; null for what was made by itself."""
    created_at: Timestamp


class ArtifactsToMake(Body, frozen=True):
    """What to make again of the log; without types all that is made by itself."""

    types: Annotated[tuple[ArtifactType, ...], Meta(min_length=1, max_length=4)] | None = None


class ArtifactsMade(Answer, frozen=True):
    """What has changed; ``sequence`` is the end of the log afterwards."""

    created: tuple[ArtifactId, ...]
    edited: tuple[ArtifactId, ...]
    removed: tuple[ArtifactId, ...]
    sequence: Sequence


class TranscriptQuery(Body, frozen=True):
    """What an uploaded transcript is in, and how far its time is from that of the class."""

    language: Language | None = None
    """Without it, the language of the class."""
    offset_ms: Annotated[int, Meta(ge=-_DAY_MS, le=_DAY_MS)] = 0
    """Where the beginning of the file is, in milliseconds since the class started."""


class Transcript(Answer, frozen=True):
    """An uploaded transcript: its artifacts in order, and the end of the log afterwards."""

    language: str
    segments: int
    artifacts: tuple[ArtifactId, ...]
    sequence: Sequence


class CaptionsQuery(Body, frozen=True):
    """Which captions."""

    language: Language | None = None
    """Without it, the language of the class."""
