"""What the class leaves behind: marks, artifacts, recordings, the replay; and where it goes."""

import msgspec
import pytest
from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import ArtifactPayload, Segment
from server.classroom import artifacts, destinations
from server.classroom.state import Artifact, Replay
from server.classroom.view import mine, touches
from tests.strategies import FOR_STAFF, PAST, SOON, identifier
from tests.unit.classroom.lesson import ANN, ASSISTANT, BOB, TEACHER, Lesson, shown

RECORDING = identifier(401)
CHAPTER = ArtifactPayload(title="Limits", start_ms=1_000)


def codes(refusal):
    return refusal.code, refusal.field


# ---------------------------------------------------------------- marks


def test_a_mark_is_at_its_moment_of_the_class(lesson):
    started = next(row for row in lesson.log if row.kind == "session.started")
    (marked,) = lesson.does(TEACHER, cmd.ChapterMark("Limits"))
    assert marked.start_ms == 1_000 * (lesson.head - started.sequence)
    (earlier,) = lesson.does(TEACHER, cmd.HighlightMark(start_ms=5))
    assert (earlier.title, earlier.start_ms) == (None, 5)
    lesson.does(TEACHER, cmd.SessionEnd())
    assert lesson.does(TEACHER, cmd.ChapterMark("Later", 60_000))[0].start_ms == 60_000
    assert lesson.refusal(ANN, cmd.NoteAdd("too late")).code == "session_ended"
    assert [each.artifact_type for each in lesson.state.artifacts.values()] == [
        "chapter", "highlight", "chapter",
    ]  # fmt: skip


def test_a_class_that_never_started_has_no_time():
    lesson = Lesson()
    lesson.state = replace(lesson.state, status="ended")
    lesson.happens(ev.ParticipantJoined(TEACHER, "Dr.", "teacher"))
    assert lesson.does(TEACHER, cmd.ChapterMark("Nothing"))[0].start_ms == 0


def test_a_note_is_its_authors_and_staffs(lesson):
    (note,) = lesson.does(ANN, cmd.NoteAdd(f"{FOR_STAFF} look this up"))
    assert shown(lesson.log[-1], "student") is None

    def own(user=ANN):
        return [each.text for each in mine(lesson.state, user, "student", 1).notes]

    assert own() == [f"{FOR_STAFF} look this up"]
    assert own(BOB) == []
    edit = cmd.ArtifactEdit(note.artifact, ArtifactPayload(text=f"{FOR_STAFF} page 9"))
    before = lesson.state
    (edited,) = lesson.does(TEACHER, edit)
    assert touches(before, edited, TEACHER) == {ANN}
    assert own() == [f"{FOR_STAFF} page 9"]
    lesson.does(TEACHER, cmd.ArtifactRemove(note.artifact))
    assert own() == []
    assert touches(lesson.state, edited, TEACHER) == frozenset()


def test_the_last_notes_are_kept(lesson):
    for number in range(52):
        lesson.does(ANN, cmd.NoteAdd(f"note {number}"))
    texts = [each.text for each in mine(lesson.state, ANN, "student", 1).notes]
    assert texts == [f"note {number}" for number in range(2, 52)]
    lesson.happens(ev.NoteAdded(identifier(402), "", "from nobody", 0))
    assert len(lesson.state.artifacts) == 53


def test_a_caption_ends_after_it_starts(lesson):
    refusal = lesson.refusal(TEACHER, cmd.CaptionAdd("Hi.", 900, 899, "en"))
    assert codes(refusal) == ("bad_request", "end_ms")
    assert lesson.does(TEACHER, cmd.CaptionAdd("Hi.", 900, 900, "en"))


# ---------------------------------------------------------------- artifacts


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        ("chapter", ArtifactPayload(title="a"), "payload.start_ms"),
        ("chapter", ArtifactPayload(start_ms=1), "payload.title"),
        ("chapter", ArtifactPayload(title="a", start_ms=1, text="b"), "payload.text"),
        ("highlight", ArtifactPayload(title="a"), "payload.start_ms"),
        ("highlight", ArtifactPayload(start_ms=2, end_ms=1), "payload.end_ms"),
        ("note", ArtifactPayload(start_ms=2), "payload.text"),
        ("transcript", ArtifactPayload(language="en"), "payload.segments"),
        ("transcript", ArtifactPayload(segments=(Segment(0, 1, "a"),)), "payload.language"),
        (
            "transcript",
            ArtifactPayload(language="en", segments=(Segment(0, 1, "a"), Segment(2, 1, "a"))),
            "payload.segments[1].end_ms",
        ),
    ],
)
def test_an_artifact_holds_what_its_type_needs(lesson, kind, payload, field):
    assert codes(lesson.refusal(TEACHER, cmd.ArtifactAdd(kind, payload))) == ("bad_request", field)


def test_an_artifact_is_edited_by_its_type(lesson):
    (made,) = lesson.does(ASSISTANT, cmd.ArtifactAdd("chapter", CHAPTER))
    touched = lesson.head
    edit = cmd.ArtifactEdit(made.artifact, ArtifactPayload(text="a"))
    assert lesson.refusal(TEACHER, edit).code == "bad_request"
    again = cmd.ArtifactEdit(made.artifact, ArtifactPayload(title="Limits 2", start_ms=0))
    assert lesson.does(TEACHER, again, expect=touched)
    refusal = lesson.refusal(TEACHER, cmd.ArtifactRemove(made.artifact), expect=touched)
    assert (refusal.code, refusal.touched) == ("conflict", lesson.head)
    assert lesson.views["student"].artifacts[0].title == "Limits 2"


def test_only_so_many_artifacts(lesson):
    full = {identifier(n): Artifact("note", 1) for n in range(artifacts.MOST_ARTIFACTS)}
    lesson.state = replace(lesson.state, artifacts=full)
    for command in (cmd.NoteAdd("one more"), cmd.ArtifactAdd("chapter", CHAPTER)):
        assert lesson.refusal(TEACHER, command).code == "conflict"


def test_what_was_made_by_itself_is_made_anew_until_a_person_edits_it(lesson):
    made = ev.ArtifactCreated(identifier(410), "chapter", CHAPTER, source=3)
    again = msgspec.structs.replace(made, payload=ArtifactPayload(title="Limits!", start_ms=0))
    edited = ev.ArtifactEdited(made.artifact, "chapter", again.payload)
    assert lesson.reports(made) == (made,)
    assert lesson.reports(again) == (edited,)
    lesson.does(TEACHER, cmd.ArtifactEdit(made.artifact, CHAPTER))
    assert lesson.reports(again) == (), "a person's work stays"
    full = {identifier(n): Artifact("note", 1) for n in range(artifacts.MOST_ARTIFACTS)}
    lesson.state = replace(lesson.state, artifacts=full)
    another = msgspec.structs.replace(made, artifact=identifier(900_001))
    assert lesson.reports(another) == ()


def test_what_was_made_by_itself_goes_by_itself_unless_it_is_a_persons_or_the_last(lesson):
    made = ev.ArtifactCreated(identifier(410), "chapter", CHAPTER, source=3)
    gone = ev.ArtifactRemoved(made.artifact, "chapter")
    assert lesson.reports(gone) == ()
    lesson.reports(made)
    lesson.does(TEACHER, cmd.ArtifactEdit(made.artifact, CHAPTER))
    assert lesson.reports(gone) == (), "a person's work stays"
    lesson.does(TEACHER, cmd.ArtifactRemove(made.artifact))
    lesson.reports(made)
    published = replace(lesson.state, replay=Replay(identifier(411), "published"))
    before, lesson.state = lesson.state, published
    assert lesson.reports(gone) == (), "a published replay rests on it"
    lesson.state = before
    assert lesson.reports(gone) == (gone,)
    assert not lesson.state.artifacts


# ---------------------------------------------------------------- the replay


@pytest.fixture
def over(lesson):
    """A class that is over, with a chapter but no recording yet."""
    lesson.does(TEACHER, cmd.ChapterMark("Limits"))
    lesson.happens(ev.RecordingStarted(RECORDING))
    lesson.does(TEACHER, cmd.SessionEnd())
    return lesson


def test_a_replay_needs_a_recording_and_an_artifact_and_says_so(over):
    for command in (cmd.ReplayPublish(), cmd.ReplaySchedule(SOON)):
        refusal = over.refusal(TEACHER, command)
        assert refusal.code == "conflict"
        assert "being finalized" in refusal.message
    over.reports(ev.RecordingFailed(RECORDING, "disk_full"))
    assert over.refusal(TEACHER, cmd.ReplayPublish()).message == "There is no finalized recording."
    over.happens(ev.RecordingFinalized(RECORDING, "a", 1, 1))
    (chapter,) = over.state.artifacts
    over.does(TEACHER, cmd.ArtifactRemove(chapter))
    assert "no artifact" in over.refusal(TEACHER, cmd.ReplayPublish()).message


def test_a_planned_replay_is_published_by_itself_while_it_is_planned(over):
    over.reports(ev.RecordingFinalized(RECORDING, "a", 1, 1))
    published = ev.ReplayPublished(identifier(420))
    assert over.reports(published) == (), "nothing is planned"
    (planned,) = over.does(TEACHER, cmd.ReplaySchedule(SOON))
    published = ev.ReplayPublished(planned.replay)
    (chapter,) = over.state.artifacts
    over.does(TEACHER, cmd.ArtifactRemove(chapter))
    assert over.reports(published) == (), "there is nothing to publish"
    over.does(TEACHER, cmd.ChapterMark("Limits"))
    assert over.reports(published) == (published,)
    assert over.reports(published) == ()


def test_a_replay_is_planned_published_and_taken_back(over):
    over.reports(ev.RecordingFinalized(RECORDING, "a", 1, 1))
    assert over.does(TEACHER, cmd.ReplaySchedule()) == (), "nothing is planned"
    assert over.does(TEACHER, cmd.ReplayUnpublish()) == ()
    (planned,) = over.does(TEACHER, cmd.ReplaySchedule(SOON))
    assert over.does(TEACHER, cmd.ReplaySchedule(SOON)) == ()
    refusal = over.refusal(TEACHER, cmd.ReplaySchedule(PAST))
    assert codes(refusal) == ("bad_request", "publish_at")
    assert over.does(TEACHER, cmd.ReplayPublish()) == (ev.ReplayPublished(planned.replay),)
    assert over.does(TEACHER, cmd.ReplayPublish()) == ()
    assert over.state.replay.publish_at is None
    assert over.refusal(TEACHER, cmd.ReplaySchedule(SOON)).code == "conflict"
    (chapter,) = over.state.artifacts
    refusal = over.refusal(TEACHER, cmd.ArtifactRemove(chapter))
    assert refusal.code == "conflict", "a published replay keeps its last artifact"
    assert over.does(TEACHER, cmd.ArtifactAdd("note", ArtifactPayload(text="a")))
    assert over.does(TEACHER, cmd.ArtifactRemove(chapter))
    assert over.does(TEACHER, cmd.ReplayUnpublish()) == (ev.ReplayUnpublished(planned.replay),)
    over.does(TEACHER, cmd.ReplaySchedule(SOON))
    (taken_back,) = over.does(TEACHER, cmd.ReplaySchedule())
    assert taken_back == ev.ReplayScheduled(planned.replay)


# ---------------------------------------------------------------- destinations


def test_a_destination_is_retried_when_it_is_on_or_has_failed(lesson):
    here = identifier(70)
    lesson.does(TEACHER, cmd.DestinationEnable(here))
    requested = ev.DestinationRetryRequested(here)
    assert lesson.does(TEACHER, cmd.DestinationRetry(here)) == (requested,)
    lesson.reports(ev.DestinationFailed(here, "refused", 5))
    assert lesson.does(TEACHER, cmd.DestinationRetry(here)) == (requested,)
    assert lesson.state.destinations[here] == "enabled"
    assert lesson.state.retries == {here: 2}
    lesson.reports(ev.DestinationFailed(here, "refused", 6))
    for number in range(destinations.MOST_ENABLED):
        lesson.does(TEACHER, cmd.DestinationEnable(identifier(500 + number)))
    assert lesson.refusal(TEACHER, cmd.DestinationRetry(here)).code == "conflict"
    lesson.does(TEACHER, cmd.DestinationDisable(here))
    assert lesson.refusal(TEACHER, cmd.DestinationRetry(here)).code == "conflict"
