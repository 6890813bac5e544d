"""Captions and chapters where their words fall in the media."""

from protocol.features.artifacts import ArtifactPayload, Segment
from protocol.features.marks import CaptionAdded
from server.replays.timeline import Stretch, Timeline
from server.replays.tracks import Tracks
from server.webvtt import Cue

# Recorded from the second second on, with a gap from the fourth to the tenth.
MEDIA = Timeline([Stretch("a", 102_000, 2_000), Stretch("b", 110_000, 5_000)], ended_at=120_000)
STARTED_AT = 100_000


def spoken(*times):
    return tuple(Segment(start, end, f"at {start}") for start, end in times)


def test_captions_are_in_media_time_without_what_nobody_could_see() -> None:
    said = ArtifactPayload(
        language="pt-BR",
        segments=spoken((500, 1_500), (2_500, 3_000), (3_500, 10_500), (5_000, 6_000)),
    )
    tracks = Tracks(MEDIA, STARTED_AT, transcripts=[said])
    assert tracks.captions("pt-br") == [
        Cue(500, 1_000, "at 2500"),
        Cue(1_500, 2_500, "at 3500"),
    ]
    assert tracks.captions("de") is None
    assert tracks.languages == ("pt-BR",)


def test_a_transcript_takes_the_place_of_live_captions() -> None:
    said = ArtifactPayload(language="en", segments=spoken((2_000, 2_500)))
    live = [
        CaptionAdded("live", 2_000, 2_400, "EN"),
        CaptionAdded("später", 11_000, 12_000, "de"),
    ]
    tracks = Tracks(MEDIA, STARTED_AT, transcripts=[said], live=live)
    assert tracks.languages == ("de", "en")
    assert tracks.captions("en") == [Cue(0, 500, "at 2000")]
    assert tracks.captions("de") == [Cue(3_000, 4_000, "später")]


def test_chapters_end_where_the_next_begins() -> None:
    marked = [
        ArtifactPayload(title="Last", start_ms=12_000),
        ArtifactPayload(title="Before", start_ms=0),
        ArtifactPayload(title="First", start_ms=1_000),
    ]
    chapters = Tracks(MEDIA, STARTED_AT, chapters=marked).chapters()
    assert chapters == [Cue(0, 4_000, "First"), Cue(4_000, 7_000, "Last")]
    assert Tracks(MEDIA, STARTED_AT).chapters() == []
