"""Who may do what, and when: generated from the table and one example of each operation."""

import msgspec
import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import decode_client, decode_command
from protocol.commands import COMMANDS, SceneItem, SceneLayout
from protocol.errors import Refusal
from protocol.frames import CommandFrame
from server.classroom.access import RULES, grants
from tests.unit.classroom.lesson import ADMIN, ANN, ASSISTANT, BOB, CY, ROLES, TEACHER, Lesson

BY_ROLE = {"teacher": TEACHER, "assistant": ASSISTANT, "admin": ADMIN, "student": ANN}
LAYOUT = SceneLayout((SceneItem("camera"),))


def lesson_with_everything():
    """A live class in which each example makes sense, for each role."""
    lesson = Lesson()
    lesson.arrives(*ROLES)
    lesson.does(TEACHER, cmd.SessionStart())
    lesson.does(BOB, cmd.QuestionAsk("Why?"))
    lesson.does(BOB, cmd.HandRaise())
    lesson.does(TEACHER, cmd.PollOpen("Ready?", ("yes", "no")))
    lesson.does(TEACHER, cmd.SceneCreate("Slides", LAYOUT))
    lesson.does(TEACHER, cmd.DestinationEnable("01900000-0000-7000-9000-000000000077"))
    return lesson


def examples(lesson):
    """Return one command per operation and the events that it makes in that class."""
    state = lesson.state
    (poll,), (question,), (scene,) = state.polls, state.questions, state.scenes
    (destination,) = state.destinations
    another = "01900000-0000-7000-9000-000000000078"
    return {
        example.op: (example, tuple(kinds))
        for example, *kinds in (
            (cmd.SessionStart(),),
            (cmd.SessionEnd(), ev.SessionEnded),
            (cmd.ParticipantRemove(CY, "noise"), ev.ParticipantRemoved),
            (cmd.HandRaise(), ev.HandRaised),
            (cmd.HandLower(),),
            (cmd.HandLowerAll(), ev.HandAllLowered),
            (cmd.ChatPost("hello"), ev.ChatPosted),
            (cmd.QuestionAsk("And how?"), ev.QuestionAsked),
            (cmd.QuestionUpvote(question), ev.QuestionUpvoted),
            (cmd.QuestionUnvote(question),),
            (cmd.QuestionAnswer(question, "Because."), ev.QuestionAnswered),
            (cmd.PollOpen("Done?", ("yes", "no"), correct=(0,)), ev.PollOpened),
            (cmd.PollVote(poll, (1,)), ev.PollVoted),
            (cmd.PollClose(poll), ev.PollClosed),
            (cmd.PollPublish(poll), ev.PollClosed, ev.PollPublished),
            (cmd.SceneCreate("Board", LAYOUT), ev.SceneCreated),
            (cmd.SceneSwitch(scene), ev.SceneChanged),
            (cmd.DestinationEnable(another), ev.DestinationEnabled),
            (cmd.DestinationDisable(destination), ev.DestinationDisabled),
            (cmd.RecordingStart(), ev.RecordingStarted),
            (cmd.RecordingStop(),),
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
    if role not in rule.roles:
        assert lesson.refusal(who, command).code == "forbidden"
    elif status in ("ended", "archived"):
        assert lesson.refusal(who, command).code == "session_ended"
    elif status not in rule.in_status or (status == "scheduled" and role == "student"):
        assert lesson.refusal(who, command).code == "conflict"
    elif op == "session.start" and status == "scheduled":
        assert lesson.does(who, command) == (ev.SessionStarted(),)
    else:
        assert tuple(map(type, lesson.does(who, command))) == kinds


def test_grants_name_what_a_role_may_do():
    for role in BY_ROLE:
        assert set(grants(role)) == {op for op, rule in RULES.items() if role in rule.roles}
    assert "poll.vote" in grants("student")
    assert not {"poll.open", "participant.remove", "destination.enable"} & set(grants("student"))
    assert not {"session.end", "recording.start"} & set(grants("assistant"))
    assert grants("teacher") == grants("admin") == tuple(sorted(COMMANDS))


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
