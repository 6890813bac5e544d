"""What leaves the class: streams, recordings, captions, artifacts, the replay."""

from typing import Literal, assert_never

from msgspec import Struct

from protocol import events as ev
from protocol import limits
from protocol.features.artifacts import ArtifactEvent, ArtifactType
from protocol.features.destinations import DestinationEvent
from protocol.features.recordings import RecordingEvent
from protocol.features.replays import ReplayEvent
from protocol.ids import Timestamp
from protocol.trimming import fit, fit_values, json_bytes


class Destination(Struct):
    """Where the class is streamed to (staff view)."""

    status: Literal["enabled", "disabled", "failed"]
    phase: str
    code: str | None = None
    attempt: int = 0

    @property
    def weight(self) -> int:
        """The constant of its kind, its key included, and the code."""
        return limits.DESTINATION_WEIGHT + json_bytes(self.code)


class Recording(Struct):
    """The newest recording of the class."""

    recording: str
    status: Literal["recording", "stopped", "finalized", "failed"]


class Caption(Struct):
    """What was said between two moments, in milliseconds since the class started."""

    text: str
    start_ms: int
    end_ms: int
    language: str

    @property
    def weight(self) -> int:
        """The constant of its kind and the text."""
        return limits.CAPTION_WEIGHT + json_bytes(self.text)


class Artifact(Struct):
    """Something that the class leaves behind, without its content."""

    artifact: str
    artifact_type: ArtifactType
    title: str | None
    start_ms: int | None
    touched: int

    @property
    def weight(self) -> int:
        """The constant of its kind and the title."""
        return limits.ARTIFACT_WEIGHT + json_bytes(self.title)


class Replay(Struct):
    """The replay of the class."""

    replay: str
    status: Literal["draft", "published"] = "draft"
    publish_at: Timestamp | None = None


_STATUS: dict[str, Literal["stopped", "finalized", "failed"]] = {
    ev.RecordingStopped.type: "stopped",
    ev.RecordingFinalized.type: "finalized",
    ev.RecordingFailed.type: "failed",
}


def fold_destinations(
    destinations: dict[str, Destination], event: DestinationEvent
) -> dict[str, Destination]:
    """Return the destinations after ``event``: each is in the phase its last event names."""
    known = destinations.get(event.destination)
    if isinstance(event, ev.DestinationSwitched):
        return destinations  # told once and not kept
    if isinstance(event, ev.DestinationEnabled):
        known = destinations[event.destination] = Destination("enabled", "enabled")
    if known is None:
        return destinations
    known.phase = event.type.removeprefix("destination.")
    known.code = getattr(event, "code", None)
    known.attempt = getattr(event, "attempt", known.attempt)
    match event:
        case ev.DestinationDisabled():
            known.status = "disabled"
        case ev.DestinationFailed():
            known.status = "failed"
        case ev.DestinationRetryRequested():
            known.status = "enabled"
        case _:
            pass  # as it was
    return fit_values(
        destinations, limits.DESTINATIONS_BYTES, last=lambda each: each.status == "enabled"
    )


def fold_recording(recording: Recording | None, event: RecordingEvent) -> Recording | None:
    """Return the newest recording after ``event``."""
    if isinstance(event, ev.RecordingStarted):
        return Recording(event.recording, "recording")
    if recording is not None and recording.recording == event.recording:
        recording.status = _STATUS[event.type]
    return recording


def fold_captions(captions: list[Caption], event: ev.CaptionAdded) -> list[Caption]:
    """Return the last captions."""
    added = Caption(event.text, event.start_ms, event.end_ms, event.language)
    return fit([*captions, added][-limits.SNAPSHOT_CAPTIONS :], limits.CAPTIONS_BYTES)


def fold_artifacts(
    artifacts: list[Artifact],
    event: ev.ChapterMarked | ev.HighlightMarked | ev.NoteAdded | ArtifactEvent,
    sequence: int,
) -> list[Artifact]:
    """Return the artifacts after ``event``."""
    others = [each for each in artifacts if each.artifact != event.artifact]
    match event:
        case ev.ChapterMarked():
            new = Artifact(event.artifact, "chapter", event.title, event.start_ms, sequence)
        case ev.HighlightMarked():
            new = Artifact(event.artifact, "highlight", event.title, event.start_ms, sequence)
        case ev.NoteAdded():
            new = Artifact(event.artifact, "note", None, event.start_ms, sequence)
        case ev.ArtifactCreated(artifact_type=kind, payload=payload):
            new = Artifact(event.artifact, kind, payload.title, payload.start_ms, sequence)
        case ev.ArtifactEdited(payload=payload):
            for known in artifacts:
                if known.artifact == event.artifact:
                    known.title, known.start_ms = payload.title, payload.start_ms
                    known.touched = sequence
            return fit(artifacts, limits.ARTIFACTS_BYTES)
        case ev.ArtifactRemoved():
            return others
        case _:
            assert_never(event)
    return fit([*others, new], limits.ARTIFACTS_BYTES)


def fold_replay(replay: Replay | None, event: ReplayEvent) -> Replay:
    """Return the replay after ``event``."""
    replay = replay or Replay(event.replay)
    match event:
        case ev.ReplayScheduled():
            replay.publish_at = event.publish_at
        case ev.ReplayPublished():
            replay.status, replay.publish_at = "published", None
        case ev.ReplayUnpublished():
            replay.status = "draft"
        case _:
            assert_never(event)
    return replay
