"""The tracks of a replay, in its media time: captions in each language, and chapters. Pure.

A transcript that somebody made or uploaded takes the place of what was captioned live in its
language. What falls into a gap of the media is left out: nobody could see it.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from protocol.features.artifacts import ArtifactPayload
from protocol.features.marks import CaptionAdded
from server.replays.timeline import Timeline
from server.webvtt import Cue


class Tracks:
    """The tracks of one replay, of what was said and marked since the class ``started_at``."""

    def __init__(
        self,
        timeline: Timeline,
        started_at: int,
        *,
        transcripts: Sequence[ArtifactPayload] = (),
        live: Sequence[CaptionAdded] = (),
        chapters: Sequence[ArtifactPayload] = (),
    ) -> None:
        self._timeline = timeline
        self._started_at = started_at
        self._transcripts = transcripts
        self._live = live
        self._chapters = chapters

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that there are captions in, each once however it is written."""
        written = [each.language for each in self._transcripts if each.language is not None]
        spoken = [each.language for each in self._live]
        tags = {tag.lower(): tag for tag in reversed(written + spoken)}
        return tuple(sorted(tags.values()))

    def captions(self, language: str) -> list[Cue] | None:
        """Return the captions in ``language``, None if there are none."""
        wanted = language.lower()
        said = [
            Cue(segment.start_ms, segment.end_ms, segment.text)
            for transcript in self._transcripts
            if (transcript.language or "").lower() == wanted
            for segment in transcript.segments
        ] or [
            Cue(caption.start_ms, caption.end_ms, caption.text)
            for caption in self._live
            if caption.language.lower() == wanted
        ]
        return self._placed(sorted(said)) if said else None

    def chapters(self) -> list[Cue]:
        """Return the chapters, each up to the next; of several at one moment the last."""
        starts: dict[int, str] = {}
        for chapter in sorted(self._chapters, key=lambda each: each.start_ms or 0):
            starts[self._media(chapter.start_ms or 0)] = chapter.title or ""
        ends: Sequence[tuple[int, str]] = [*starts.items(), (self._timeline.duration_ms, "")]
        return [
            Cue(start, end, title) for (start, title), (end, _) in pairwise(ends) if start < end
        ]

    def _placed(self, cues: Iterable[Cue]) -> list[Cue]:
        placed = (Cue(self._media(cue.start_ms), self._media(cue.end_ms), cue.text) for cue in cues)
        return [cue for cue in placed if cue.start_ms < cue.end_ms]

    def _media(self, class_ms: int) -> int:
        return self._timeline.media_of(self._started_at + class_ms)
