"""Who may do what, and when: generated from the table and one example of each operation."""

import msgspec
import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import decode_client, decode_command
from protocol.commands import COMMANDS, ArtifactPayload, SceneItem, SceneLayout, Stroke
from protocol.errors import Refusal
from protocol.frames import CommandFrame
from server.classroom.access import RULES, grants
from server.classroom.state import Classroom
from tests.unit.classroom.lesson import ADMIN, ANN, ASSISTANT, BOB, CY, ROLES, TEACHER, Lesson

BY_ROLE = {"teacher": TEACHER, "assistant": ASSISTANT, "admin": ADMIN, "student": ANN}
LAYOUT = SceneLayout((SceneItem("camera"),))


DESTINATION = "01900000-0000-7000-9000-000000000077"
BOARD, DECK = "01900000-0000-7000-9000-000000000071", "01900000-0000-7000-9000-000000000072"
WAITING, BANNED = "01900000-0000-7000-9000-000000000073", "01900000-0000-7000-9000-000000000074"
CHAPTER = ArtifactPayload(title="Limits", start_ms=0)


def lesson_with_everything():
    """A live class in which each example makes sense, for each role."""
    lesson = Lesson()
    lesson.arrives(*ROLES)
    lesson.does(TEACHER, cmd.SessionStart())
    lesson.does(BOB, cmd.QuestionAsk("Why?"))
    lesson.does(BOB, cmd.HandRaise())
    lesson.does(TEACHER, cmd.PollOpen("Ready?", ("yes", "no")))
    lesson.does(TEACHER, cmd.SceneCreate("Slides", LAYOUT))
    lesson.does(TEACHER, cmd.DestinationEnable(DESTINATION))
    for user in (ANN, ASSISTANT, ADMIN, TEACHER):  # so that each may take back their own
        lesson.does(user, cmd.ChatPost(f"{user} was here"))
    lesson.happens(
        ev.ParticipantWaiting(WAITING, "Wim", "student"),
        ev.ParticipantJoined(BANNED, "Bea", "student"),
        ev.ParticipantBanned(BANNED),
        ev.AssetAdded(BOARD, "whiteboard", "boards/1", "Board"),
        ev.AssetAdded(DECK, "slide", "slides/1.pdf", "Deck", 3),
        ev.RecordingStarted("01900000-0000-7000-9000-000000000075"),
        ev.RecordingFinalized("01900000-0000-7000-9000-000000000075", "r/1.m3u8", 1, 1),
        ev.ChapterMarked("01900000-0000-7000-9000-000000000076", "Start", 0),
    )
    return lesson


def examples(lesson):
    """Return one command per operation and the events that it makes in that class."""
    state = lesson.state
    (poll,), (question,), (scene,) = state.polls, state.questions, state.scenes
    (artifact,) = state.artifacts
    message = next(name for name, said in state.messages.items() if said.by == ANN)
    another = "01900000-0000-7000-9000-000000000078"
    return {
        example.op: (example, tuple(kinds))
        for example, *kinds in (
            (cmd.SessionStart(),),
            (cmd.SessionEnd(), ev.SessionEnded),
            (cmd.SessionArchive(), ev.SessionArchived),
            (cmd.SessionLock(), ev.SessionLocked),
            (cmd.SessionUnlock(),),
            (cmd.ParticipantAdmit(WAITING), ev.ParticipantAdmitted, ev.ParticipantJoined),
            (cmd.ParticipantDeny(WAITING), ev.ParticipantDenied),
            (cmd.ParticipantRemove(CY, "noise"), ev.ParticipantRemoved),
            (cmd.ParticipantBan(CY, "noise"), ev.ParticipantBanned),
            (cmd.ParticipantUnban(BANNED), ev.ParticipantUnbanned),
            (cmd.ParticipantMute(CY), ev.ParticipantMuted),
            (cmd.ParticipantUnmute(CY),),
            (cmd.ParticipantSetRole(CY, "assistant"), ev.ParticipantRoleChanged),
            (
                cmd.ParticipantSetGrants(CY, {"board.draw": True}),
                ev.ParticipantGrantsChanged,
            ),
            (cmd.HandRaise(), ev.HandRaised),
            (cmd.HandLower(),),
            (cmd.HandLowerAll(), ev.HandAllLowered),
            (cmd.ChatPost("hello"), ev.ChatPosted),
            (cmd.ChatRemove(message), ev.ChatRemoved),
            (cmd.ChatRestore(message),),
            (cmd.ChatPin(message), ev.ChatPinned),
            (cmd.ChatUnpin(message),),
            (cmd.ChatConfigure(slow_mode_s=5), ev.ChatConfigured),
            (cmd.QuestionAsk("And how?"), ev.QuestionAsked),
            (cmd.QuestionUpvote(question), ev.QuestionUpvoted),
            (cmd.QuestionUnvote(question),),
            (cmd.QuestionPresent(question), ev.QuestionPresented),
            (cmd.QuestionAnswer(question, "Because."), ev.QuestionAnswered),
            (cmd.QuestionDismiss(question), ev.QuestionDismissed),
            (cmd.QuestionReopen(question),),
            (cmd.PollOpen("Done?", ("yes", "no"), correct=(0,)), ev.PollOpened),
            (cmd.PollVote(poll, (1,)), ev.PollVoted),
            (cmd.PollClose(poll), ev.PollClosed),
            (cmd.PollPublish(poll), ev.PollClosed, ev.PollPublished),
            (cmd.SceneCreate("Board", LAYOUT), ev.SceneCreated),
            (cmd.SceneUpdate(scene, "Board", LAYOUT), ev.SceneUpdated),
            (cmd.SceneRemove(scene), ev.SceneRemoved),
            (cmd.SceneSwitch(scene), ev.SceneChanged),
            (cmd.AssetAdd("media", "clips/1.mp4", "Clip"), ev.AssetAdded),
            (cmd.AssetRemove(DECK), ev.AssetRemoved),
            (cmd.AssetShow(DECK, 2), ev.AssetShown),
            (cmd.AssetHide(DECK),),
            (cmd.BoardDraw(BOARD, Stroke((0, 0, 10, 10))), ev.BoardDrawn),
            (cmd.BoardUndo(BOARD),),
            (cmd.BoardClear(BOARD),),
            (cmd.FeedbackMark("lost"), ev.FeedbackMarked),
            (cmd.CaptionAdd("Welcome.", 0, 900, "en"), ev.CaptionAdded),
            (cmd.ChapterMark("Limits"), ev.ChapterMarked),
            (cmd.HighlightMark(), ev.HighlightMarked),
            (cmd.NoteAdd("Look this up."), ev.NoteAdded),
            (cmd.DestinationEnable(another), ev.DestinationEnabled),
            (cmd.DestinationDisable(DESTINATION), ev.DestinationDisabled),
            (cmd.DestinationRetry(DESTINATION), ev.DestinationRetryRequested),
            (cmd.RecordingStart(), ev.RecordingStarted),
            (cmd.RecordingStop(),),
            (cmd.ArtifactAdd("chapter", CHAPTER), ev.ArtifactCreated),
            (cmd.ArtifactEdit(artifact, CHAPTER), ev.ArtifactEdited),
            (cmd.ArtifactRemove(artifact), ev.ArtifactRemoved),
            (cmd.ReplaySchedule("2126-01-01T00:00:00.000Z"), ev.ReplayScheduled),
            (cmd.ReplayPublish(), ev.ReplayPublished),
            (cmd.ReplayUnpublish(),),
        )
    }


def test_every_operation_has_a_rule_and_an_example():
    assert set(RULES) == set(COMMANDS) == set(examples(lesson_with_everything()))


@pytest.mark.parametrize("status", ["scheduled", "live", "ended", "archived"])
@pytest.mark.parametrize("role", BY_ROLE)
@pytest.mark.parametrize("op", RULES)
def test_role_and_status_decide(op, role, status):
    lesson = lesson_with_everything()
    command, kinds = examples(lesson)[op]
    lesson.state = msgspec.structs.replace(lesson.state, status=status)
    rule, who = RULES[op], BY_ROLE[role]
    before_and_after = ("scheduled", "ended", "archived")
    if role not in rule.roles:
        assert lesson.refusal(who, command).code == "forbidden"
    elif status == "archived" or (
        status == "ended" and ("ended" not in rule.in_status or role == "student")
    ):
        assert lesson.refusal(who, command).code == "session_ended"
    elif status not in rule.in_status or (role == "student" and status in before_and_after):
        assert lesson.refusal(who, command).code == "conflict"
    elif op == "session.start" and status == "scheduled":
        assert lesson.does(who, command) == (ev.SessionStarted(),)
    else:
        assert tuple(map(type, lesson.does(who, command))) == kinds


@pytest.mark.parametrize("op", RULES)
def test_what_was_forbidden_or_granted_wins_over_the_role(op):
    """A grant opens an operation to a student, and its opposite closes it to staff."""
    lesson = lesson_with_everything()
    command, kinds = examples(lesson)[op]
    if "live" not in RULES[op].in_status:
        lesson.state = msgspec.structs.replace(lesson.state, status="ended")
    lesson.happens(ev.ParticipantGrantsChanged(ANN, {op: True}))
    assert op in grants(lesson.state, ANN, "student")
    if "live" not in RULES[op].in_status:
        assert lesson.refusal(ANN, command).code == "session_ended", "a grant is for its time only"
    elif not op.startswith("participant."):  # nobody outranks themselves, granted or not
        assert tuple(map(type, lesson.does(ANN, command))) == kinds
    lesson = lesson_with_everything()
    lesson.happens(ev.ParticipantGrantsChanged(TEACHER, {op: False}))
    assert op not in grants(lesson.state, TEACHER, "teacher")
    assert lesson.refusal(TEACHER, command).code == "forbidden"


@pytest.mark.parametrize("op", [op for op, rule in RULES.items() if rule.speaks])
def test_who_is_muted_says_nothing(op):
    lesson = lesson_with_everything()
    command, kinds = examples(lesson)[op]
    lesson.does(TEACHER, cmd.ParticipantMute(ANN))
    assert lesson.refusal(ANN, command).code == "muted"
    lesson.does(TEACHER, cmd.ParticipantUnmute(ANN))
    assert tuple(map(type, lesson.does(ANN, command))) == kinds


@pytest.mark.parametrize("status", ["waiting", "denied", "removed", "banned"])
@pytest.mark.parametrize("op", RULES)
def test_who_is_not_in_the_class_may_do_nothing(op, status):
    lesson = lesson_with_everything()
    command, _ = examples(lesson)[op]
    for user in (ANN, TEACHER):
        member = msgspec.structs.replace(lesson.state.people[user], status=status)
        people = {**lesson.state.people, user: member}
        lesson.state = msgspec.structs.replace(lesson.state, people=people)
        assert lesson.refusal(user, command).code == "forbidden"
        assert grants(lesson.state, user, "teacher") == ()


@pytest.mark.parametrize("op", [op for op, rule in RULES.items() if rule.may_precede])
def test_students_write_before_the_start_where_that_is_configured(op):
    lesson = lesson_with_everything()
    command, kinds = examples(lesson)[op]
    lesson.state = msgspec.structs.replace(lesson.state, status="scheduled")
    assert lesson.refusal(ANN, command).code == "conflict"
    lesson.does(TEACHER, cmd.ChatConfigure(before_start=True))
    assert tuple(map(type, lesson.does(ANN, command))) == kinds


def test_grants_name_what_a_role_may_do():
    def granted(role):
        return grants(Classroom(), ANN, role)

    for role in BY_ROLE:
        assert set(granted(role)) == {op for op, rule in RULES.items() if role in rule.roles}
    assert "poll.vote" in granted("student")
    assert not {"poll.open", "participant.remove", "destination.enable"} & set(granted("student"))
    assert not {"session.end", "recording.start"} & set(granted("assistant"))
    assert granted("teacher") == granted("admin") == tuple(sorted(COMMANDS))


def refused(op, data):
    frame = CommandFrame(1, "key", op, msgspec.Raw(msgspec.json.encode(data)))
    with pytest.raises(Refusal) as caught:
        decode_command(decode_client(msgspec.json.encode(frame)))
    assert caught.value.code == "bad_request"
    return caught.value


FIELDS = [(op, field) for op, kind in COMMANDS.items() for field in msgspec.structs.fields(kind)]


@pytest.mark.parametrize("op", COMMANDS)
def test_data_that_is_no_object_and_fields_that_are_unknown_are_refused(op):
    example, _ = examples(lesson_with_everything())[op]
    data = msgspec.to_builtins(example)
    assert decode_command(CommandFrame(1, "k", op, msgspec.Raw(msgspec.json.encode(data))))
    for wrong in (None, [], "text", 1):
        assert refused(op, wrong).field == "data"
    assert refused(op, data | {"colour": "red"}).field == "colour"


@pytest.mark.parametrize(
    ("op", "field"), [pytest.param(op, field, id=f"{op}.{field.name}") for op, field in FIELDS]
)
def test_a_wrong_field_is_named(op, field):
    example, _ = examples(lesson_with_everything())[op]
    data = msgspec.to_builtins(example)
    assert refused(op, data | {field.name: 2.5}).field == field.name
    if field.required:
        del data[field.name]
        assert refused(op, data).field == field.name


@pytest.mark.parametrize(
    ("op", "data", "field"),
    [
        ("chat.post", {"text": ""}, "text"),
        ("chat.post", {"text": " \n\t"}, "text"),
        ("chat.post", {"text": "x" * 2001}, "text"),
        ("chat.post", {"text": "a\0b"}, "text"),
        ("chat.post", {"text": "a", "to": "ann"}, "to"),
        ("hand.lower", {"user": "ann"}, "user"),
        ("hand.lower", {"user": ANN.replace("0", "A")}, "user"),
        ("hand.lower", {"user": ANN + "\n"}, "user"),
        ("participant.remove", {"user": ANN, "reason": "\0"}, "reason"),
        ("participant.mute", {"user": ANN, "until": "tomorrow"}, "until"),
        ("participant.mute", {"user": ANN, "until": "2126-01-01T00:00:00Z"}, "until"),
        ("participant.set_role", {"user": ANN, "role": "admin"}, "role"),
        ("participant.set_grants", {"user": ANN, "grants": {}}, "grants"),
        ("participant.set_grants", {"user": ANN, "grants": {"chat.post": "yes"}}, "grants[...]"),
        ("chat.configure", {"slow_mode_s": 3_601}, "slow_mode_s"),
        ("asset.add", {"asset_type": "pdf", "uri": "a", "name": "a"}, "asset_type"),
        ("asset.add", {"asset_type": "slide", "uri": "a b", "name": "a"}, "uri"),
        ("asset.show", {"asset": ANN, "page": 0}, "page"),
        ("board.draw", {"asset": ANN, "stroke": {"points": [1]}}, "stroke.points"),
        ("board.draw", {"asset": ANN, "stroke": {"points": [1, 10_001]}}, "stroke.points[1]"),
        (
            "board.draw",
            {"asset": ANN, "stroke": {"points": [1, 1], "colour": "red"}},
            "stroke.colour",
        ),
        ("feedback.mark", {"kind": "bored"}, "kind"),
        (
            "caption.add",
            {"text": "a", "start_ms": -1, "end_ms": 1, "language": "en"},
            "start_ms",
        ),
        (
            "caption.add",
            {"text": "a", "start_ms": 1, "end_ms": 1, "language": "e_n"},
            "language",
        ),
        ("chapter.mark", {"title": " "}, "title"),
        ("note.add", {"text": "x" * 1001}, "text"),
        ("artifact.add", {"artifact_type": "essay", "payload": {}}, "artifact_type"),
        ("artifact.edit", {"artifact": ANN, "payload": {"words": 1}}, "payload.words"),
        ("replay.schedule", {"publish_at": 5}, "publish_at"),
        ("question.ask", {"prompt": "x" * 1001}, "prompt"),
        ("poll.open", {"prompt": "?", "options": ["one"]}, "options"),
        ("poll.open", {"prompt": "?", "options": [str(n) for n in range(11)]}, "options"),
        ("poll.open", {"prompt": "?", "options": ["a", "b\0"]}, "options[1]"),
        ("poll.open", {"prompt": "?", "options": ["a", "b"], "correct": [-1]}, "correct[0]"),
        ("poll.vote", {"poll": ANN, "choices": []}, "choices"),
        ("poll.vote", {"poll": ANN, "choices": [0, 10]}, "choices[1]"),
        ("scene.create", {"name": "a", "layout": {"items": []}}, "layout.items"),
        (
            "scene.create",
            {"name": "a", "layout": {"items": [{"source": "camera", "x": 10_001}]}},
            "layout.items[0].x",
        ),
        (
            "scene.create",
            {"name": "a", "layout": {"items": [{"source": "camera", "z": 1}]}},
            "layout.items[0].z",
        ),
    ],
)
def test_a_value_out_of_its_limits_is_named(op, data, field):
    assert refused(op, data).field == field
