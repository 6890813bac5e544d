"""What the page and the specification say that operations lead to is what they lead to."""

from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import COMMANDS, ArtifactPayload, SceneItem, SceneLayout, Stroke
from protocol.meanings import LEADS_TO
from tests.strategies import identifier
from tests.unit.classroom.lesson import ANN, BOB, CY, TEACHER, Lesson

LAYOUT = SceneLayout((SceneItem("camera"),))
DESTINATION = identifier(77)


class Class(Lesson):
    """A class that notes what each operation led to."""

    def __init__(self):
        super().__init__()
        self.made = dict.fromkeys(COMMANDS, ())

    def does(self, user, command, **options):
        events = super().does(user, command, **options)
        kinds = tuple(event.type for event in events)
        self.made[command.op] = max(self.made[command.op], kinds, key=len)
        return events

    def makes(self, user, command):
        """Return the id of what the command creates."""
        (event,) = self.does(user, command)
        return getattr(event, event.__struct_fields__[0])


def before_the_start(lesson):
    lesson.does(TEACHER, cmd.SessionLock())
    lesson.arrives(ANN, BOB, CY)
    lesson.does(TEACHER, cmd.ParticipantAdmit(ANN))
    lesson.does(TEACHER, cmd.ParticipantDeny(CY))
    lesson.does(TEACHER, cmd.SessionUnlock())
    lesson.does(TEACHER, cmd.SessionStart())


def about_people(lesson):
    lesson.does(TEACHER, cmd.ParticipantRemove(BOB))
    lesson.does(TEACHER, cmd.ParticipantBan(BOB))
    lesson.does(TEACHER, cmd.ParticipantUnban(BOB))
    lesson.does(TEACHER, cmd.ParticipantMute(BOB))
    lesson.does(TEACHER, cmd.ParticipantUnmute(BOB))
    lesson.does(TEACHER, cmd.ParticipantSetRole(BOB, "assistant"))
    lesson.does(TEACHER, cmd.ParticipantSetGrants(ANN, {"board.draw": True, "board.undo": True}))
    for lower in (cmd.HandLower(), cmd.HandLowerAll()):
        lesson.does(ANN, cmd.HandRaise())
        lesson.does(TEACHER if lower.op == "hand.lower_all" else ANN, lower)


def in_words(lesson):
    message = lesson.makes(ANN, cmd.ChatPost("hello"))
    for kind in (cmd.ChatPin, cmd.ChatUnpin, cmd.ChatRemove, cmd.ChatRestore):
        lesson.does(TEACHER, kind(message))
    lesson.does(TEACHER, cmd.ChatConfigure(staff_only=True))
    question = lesson.makes(ANN, cmd.QuestionAsk("Why?"))
    lesson.does(ANN, cmd.QuestionUpvote(question))
    lesson.does(ANN, cmd.QuestionUnvote(question))
    lesson.does(TEACHER, cmd.QuestionPresent(question))
    lesson.does(TEACHER, cmd.QuestionDismiss(question))
    lesson.does(TEACHER, cmd.QuestionReopen(question))
    lesson.does(TEACHER, cmd.QuestionAnswer(question))
    for end in (cmd.PollClose, cmd.PollPublish):
        poll = lesson.makes(TEACHER, cmd.PollOpen("2 + 2?", ("3", "4")))
        lesson.does(ANN, cmd.PollVote(poll, (1,)))
        lesson.does(TEACHER, end(poll))


def on_the_stage(lesson):
    scene = lesson.makes(TEACHER, cmd.SceneCreate("One", LAYOUT))
    other = lesson.makes(TEACHER, cmd.SceneCreate("Two", LAYOUT))
    lesson.does(TEACHER, cmd.SceneUpdate(scene, "One", LAYOUT))
    lesson.does(TEACHER, cmd.SceneSwitch(scene))
    lesson.does(TEACHER, cmd.SceneRemove(other))
    asset = lesson.makes(TEACHER, cmd.AssetAdd("whiteboard", "board:1", "Board"))
    lesson.does(TEACHER, cmd.AssetShow(asset))
    lesson.does(TEACHER, cmd.AssetHide(asset))
    lesson.does(TEACHER, cmd.AssetShow(asset))
    lesson.does(ANN, cmd.BoardDraw(asset, Stroke((0, 0))))
    lesson.does(ANN, cmd.BoardUndo(asset))
    lesson.does(ANN, cmd.BoardDraw(asset, Stroke((0, 0))))
    lesson.does(TEACHER, cmd.BoardClear(asset))
    lesson.does(TEACHER, cmd.AssetRemove(asset))


def what_stays(lesson):
    lesson.does(ANN, cmd.FeedbackMark("lost"))
    lesson.does(TEACHER, cmd.CaptionAdd("hello", 0, 1, "en"))
    lesson.does(TEACHER, cmd.ChapterMark("One"))
    lesson.does(TEACHER, cmd.HighlightMark())
    lesson.does(ANN, cmd.NoteAdd("Look this up."))
    lesson.does(TEACHER, cmd.DestinationEnable(DESTINATION))
    lesson.does(TEACHER, cmd.DestinationRetry(DESTINATION))
    lesson.does(TEACHER, cmd.DestinationDisable(DESTINATION))
    first = lesson.makes(TEACHER, cmd.RecordingStart())
    lesson.does(TEACHER, cmd.RecordingStop())
    lesson.does(TEACHER, cmd.RecordingStart())
    lesson.does(TEACHER, cmd.SessionEnd())
    lesson.reports(ev.RecordingFinalized(first, "r/1.m3u8", 1, 1))
    payload = ArtifactPayload(title="Two", start_ms=1)
    artifact = lesson.makes(TEACHER, cmd.ArtifactAdd("chapter", payload))
    lesson.does(TEACHER, cmd.ArtifactEdit(artifact, payload))
    lesson.does(TEACHER, cmd.ArtifactRemove(artifact))
    lesson.does(TEACHER, cmd.ReplaySchedule("2126-01-01T00:00:00.000Z"))
    lesson.does(TEACHER, cmd.ReplayPublish())
    lesson.does(TEACHER, cmd.ReplayUnpublish())
    lesson.does(TEACHER, cmd.SessionArchive())


def test_operations_lead_to_the_events_that_are_promised():
    lesson = Class()
    lesson.arrives(TEACHER)
    for part in (before_the_start, about_people, in_words, on_the_stage, what_stays):
        part(lesson)
    assert lesson.made == dict(LEADS_TO)
