"""What is to be seen: presented questions, scenes, assets, boards."""

import pytest
from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import Stroke
from protocol.limits import SNAPSHOT_STROKES
from server.classroom import assets, polls, questions
from server.classroom.evolve import evolve
from server.classroom.state import Asset, Poll, Question
from tests.strategies import identifier
from tests.unit.classroom.lesson import ANN, ASSISTANT, BOB, TEACHER, shown
from tests.unit.classroom.test_access import LAYOUT

LINE = Stroke((0, 0, 100, 100))


def codes(refusal):
    return refusal.code, refusal.field


def asked(lesson):
    (event,) = lesson.does(ANN, cmd.QuestionAsk("Why?"))
    return event.question


def added(lesson, kind="slide", pages=3):
    (event,) = lesson.does(TEACHER, cmd.AssetAdd(kind, "a/1", "Asset", pages))
    return event.asset


# ---------------------------------------------------------------- questions


def test_one_question_is_on_the_stage_until_it_is_answered(lesson):
    first, second = asked(lesson), asked(lesson)
    assert lesson.does(TEACHER, cmd.QuestionPresent(first)) == (ev.QuestionPresented(first),)
    assert lesson.does(TEACHER, cmd.QuestionPresent(first)) == ()
    lesson.does(BOB, cmd.QuestionUpvote(first))
    lesson.does(BOB, cmd.QuestionUnvote(first))
    assert lesson.state.presented == first
    lesson.does(TEACHER, cmd.QuestionPresent(second))
    lesson.does(TEACHER, cmd.QuestionAnswer(first))
    assert lesson.state.presented == second
    lesson.does(TEACHER, cmd.QuestionReopen(second))
    assert lesson.state.presented is None
    assert lesson.does(TEACHER, cmd.QuestionReopen(second)) == ()
    assert lesson.refusal(TEACHER, cmd.QuestionPresent(first)).code == "conflict"
    assert lesson.does(TEACHER, cmd.QuestionReopen(first)) == (ev.QuestionReopened(first),)


def test_students_never_learn_of_a_dismissal(lesson):
    question = asked(lesson)
    lesson.does(TEACHER, cmd.QuestionPresent(question))
    events = lesson.does(TEACHER, cmd.QuestionDismiss(question))
    assert events == (ev.QuestionReopened(question), ev.QuestionDismissed(question))
    assert shown(lesson.log[-1], "student") is None
    assert lesson.views["student"].presented is None, "it left their stage all the same"
    assert lesson.views["student"].questions[0].status == "open"
    assert lesson.views["staff"].questions[0].status == "dismissed"
    assert lesson.does(BOB, cmd.QuestionUpvote(question)), "votes as on an open one"
    assert lesson.does(TEACHER, cmd.QuestionDismiss(question)) == ()
    for command in (cmd.QuestionAnswer(question), cmd.QuestionPresent(question)):
        assert lesson.refusal(TEACHER, command).code == "conflict"
    lesson.does(TEACHER, cmd.QuestionReopen(question))
    lesson.does(TEACHER, cmd.QuestionAnswer(question))
    assert lesson.refusal(TEACHER, cmd.QuestionDismiss(question)).code == "conflict"


def test_questions_and_polls_are_bounded(lesson):
    many = {identifier(n): Question() for n in range(questions.MOST_QUESTIONS)}
    poll = Poll(2, False, False, "live", None, 1, (0, 0))
    full = {identifier(n): poll for n in range(polls.MOST_POLLS)}
    lesson.state = replace(lesson.state, questions=many, polls=full)
    assert lesson.refusal(ANN, cmd.QuestionAsk("One more?")).code == "conflict"
    assert lesson.refusal(TEACHER, cmd.PollOpen("One more?", ("a", "b"))).code == "conflict"


# ---------------------------------------------------------------- scenes


def test_a_scene_on_air_is_changed_but_not_removed(lesson):
    (made,) = lesson.does(TEACHER, cmd.SceneCreate("Slides", LAYOUT))
    lesson.does(TEACHER, cmd.SceneSwitch(made.scene))
    touched = lesson.state.scenes[made.scene]
    update = cmd.SceneUpdate(made.scene, "Slides and me", LAYOUT)
    assert lesson.does(ASSISTANT, update, expect=touched)
    refusal = lesson.refusal(TEACHER, update, expect=touched)
    assert (refusal.code, refusal.touched) == ("conflict", lesson.head)
    assert lesson.views["student"].scenes[0].touched == lesson.head
    assert lesson.refusal(TEACHER, cmd.SceneRemove(made.scene)).code == "conflict"
    (other,) = lesson.does(TEACHER, cmd.SceneCreate("Me", LAYOUT))
    assert lesson.does(TEACHER, cmd.SceneRemove(other.scene)) == (ev.SceneRemoved(other.scene),)
    assert list(lesson.state.scenes) == [made.scene]


# ---------------------------------------------------------------- assets


def test_an_asset_is_shown_page_by_page(lesson):
    deck, touched = added(lesson), lesson.head
    assert lesson.does(TEACHER, cmd.AssetShow(deck)) == (ev.AssetShown(deck, 1),)
    assert lesson.does(TEACHER, cmd.AssetShow(deck)) == (), "it is shown"
    assert lesson.does(TEACHER, cmd.AssetShow(deck, 3)) == (ev.AssetShown(deck, 3),)
    assert lesson.does(TEACHER, cmd.AssetShow(deck)) == (), "on whatever page"
    refusal = lesson.refusal(TEACHER, cmd.AssetShow(deck, 2), expect=touched)
    assert (refusal.code, refusal.touched) == ("conflict", lesson.head)
    assert codes(lesson.refusal(TEACHER, cmd.AssetShow(deck, 4))) == ("bad_request", "page")
    clip = added(lesson, "media", None)
    assert lesson.does(TEACHER, cmd.AssetHide(clip)) == (), "another one is shown"
    lesson.happens(ev.AssetHidden(clip))
    assert lesson.state.shown == (deck, 3)
    assert lesson.does(TEACHER, cmd.AssetHide(deck)) == (ev.AssetHidden(deck),)
    assert lesson.state.shown is None


def test_a_shown_asset_is_hidden_before_it_goes(lesson):
    deck = added(lesson)
    lesson.does(TEACHER, cmd.AssetShow(deck))
    lesson.does(TEACHER, cmd.BoardDraw(deck, LINE))
    events = lesson.does(TEACHER, cmd.AssetRemove(deck))
    assert events == (ev.AssetHidden(deck), ev.AssetRemoved(deck))
    assert lesson.state.assets == lesson.state.strokes == {}
    assert lesson.views["student"].strokes == []


def test_only_so_many_assets(lesson):
    full = {identifier(n): Asset("media", None, 1) for n in range(assets.MOST_ASSETS)}
    lesson.state = replace(lesson.state, assets=full)
    refusal = lesson.refusal(TEACHER, cmd.AssetAdd("media", "a", "One more"))
    assert refusal.code == "conflict"


# ---------------------------------------------------------------- boards


def test_everybody_takes_back_their_own_strokes_only(lesson):
    board = added(lesson, "whiteboard", None)
    lesson.does(TEACHER, cmd.ParticipantSetGrants(ANN, {"board.draw": True, "board.undo": True}))
    (mine,) = lesson.does(ANN, cmd.BoardDraw(board, LINE))
    lesson.does(TEACHER, cmd.BoardDraw(board, LINE))
    assert lesson.does(ANN, cmd.BoardUndo(board)) == (ev.BoardUndone(board, mine.id),)
    assert lesson.does(ANN, cmd.BoardUndo(board)) == ()
    assert lesson.refusal(ANN, cmd.BoardClear(board)).code == "forbidden"
    assert lesson.does(TEACHER, cmd.BoardClear(board)) == (ev.BoardCleared(board),)
    assert lesson.does(TEACHER, cmd.BoardClear(board)) == ()
    assert lesson.does(TEACHER, cmd.BoardUndo(board)) == ()


@pytest.mark.parametrize(
    ("stroke", "field"),
    [(Stroke((0, 0, 1)), "stroke.points"), (Stroke((0, 0), page=4), "stroke.page")],
)
def test_a_stroke_that_is_none_is_refused(lesson, stroke, field):
    refusal = lesson.refusal(TEACHER, cmd.BoardDraw(added(lesson), stroke))
    assert codes(refusal) == ("bad_request", field)


def test_nobody_draws_on_media(lesson):
    refusal = lesson.refusal(TEACHER, cmd.BoardDraw(added(lesson, "media", None), LINE))
    assert codes(refusal) == ("conflict", "asset")


def test_the_rules_remember_the_last_strokes_only(lesson):
    board = added(lesson, "whiteboard", None)
    for number in range(SNAPSHOT_STROKES + 1):
        drawn = ev.BoardDrawn(board, identifier(number), LINE)
        lesson.state = evolve(lesson.state, drawn, sequence=lesson.head, at=lesson.now, by=TEACHER)
    assert len(lesson.state.strokes[board]) == SNAPSHOT_STROKES
