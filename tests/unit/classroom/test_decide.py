"""What depends on the state of the class, case by case."""

import msgspec
import pytest
from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import ArtifactPayload, Stroke
from protocol.errors import Refusal
from server.classroom import chat, destinations, people, scenes
from server.classroom.access import check_outranks
from server.classroom.evolve import evolve
from server.classroom.state import Actor, Classroom
from server.classroom.view import blank, counters, mine, touches, view
from tests.strategies import REASON, UNKNOWN, identifier
from tests.unit.classroom.lesson import (
    ADMIN,
    ANN,
    ASSISTANT,
    BOB,
    TEACHER,
    shown,
)
from tests.unit.classroom.test_access import LAYOUT


def poll_of(lesson, *, options=("a", "b", "c"), **how):
    (opened,) = lesson.does(TEACHER, cmd.PollOpen("?", options, **how))
    return opened.poll


def codes(refusal):
    return refusal.code, refusal.field


# ---------------------------------------------------------------- things that are not there


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (cmd.ParticipantRemove(UNKNOWN), "user"),
        (cmd.ChatPost("hi", reply_to=UNKNOWN), "reply_to"),
        (cmd.QuestionUpvote(UNKNOWN), "question"),
        (cmd.QuestionUnvote(UNKNOWN), "question"),
        (cmd.QuestionAnswer(UNKNOWN), "question"),
        (cmd.PollVote(UNKNOWN, (0,)), "poll"),
        (cmd.PollClose(UNKNOWN), "poll"),
        (cmd.PollPublish(UNKNOWN), "poll"),
        (cmd.SceneSwitch(UNKNOWN), "scene"),
        (cmd.SceneUpdate(UNKNOWN, "a", LAYOUT), "scene"),
        (cmd.SceneRemove(UNKNOWN), "scene"),
        (cmd.AssetRemove(UNKNOWN), "asset"),
        (cmd.AssetShow(UNKNOWN), "asset"),
        (cmd.AssetHide(UNKNOWN), "asset"),
        (cmd.BoardDraw(UNKNOWN, Stroke((0, 0))), "asset"),
        (cmd.BoardUndo(UNKNOWN), "asset"),
        (cmd.BoardClear(UNKNOWN), "asset"),
        (cmd.ChatRemove(UNKNOWN), "message"),
        (cmd.ChatRestore(UNKNOWN), "message"),
        (cmd.ChatPin(UNKNOWN), "message"),
        (cmd.ChatUnpin(UNKNOWN), "message"),
        (cmd.QuestionPresent(UNKNOWN), "question"),
        (cmd.QuestionDismiss(UNKNOWN), "question"),
        (cmd.QuestionReopen(UNKNOWN), "question"),
        (cmd.ParticipantAdmit(UNKNOWN), "user"),
        (cmd.ParticipantBan(UNKNOWN), "user"),
        (cmd.DestinationRetry(UNKNOWN), "destination"),
        (cmd.ArtifactEdit(UNKNOWN, ArtifactPayload()), "artifact"),
        (cmd.ArtifactRemove(UNKNOWN), "artifact"),
        (cmd.DestinationDisable(UNKNOWN), "destination"),
    ],
    ids=lambda value: getattr(value, "op", ""),
)
def test_what_is_unknown_is_not_found(lesson, command, field):
    assert codes(lesson.refusal(TEACHER, command)) == ("not_found", field)


# ---------------------------------------------------------------- the class


def test_the_end_stops_the_recording_and_lowers_the_hands(lesson):
    (started,) = lesson.does(TEACHER, cmd.RecordingStart())
    assert lesson.does(TEACHER, cmd.RecordingStart()) == ()
    lesson.does(ANN, cmd.HandRaise())
    events = lesson.does(TEACHER, cmd.SessionEnd())
    assert events == (ev.RecordingStopped(started.recording), ev.SessionEnded())
    assert lesson.state.hands == ()
    finalized = ev.RecordingFinalized(started.recording, "a/index.m3u8", 9_000, 100)
    assert lesson.reports(finalized) == (finalized,)
    assert lesson.reports(finalized) == (), "it is done"


def test_a_recording_stops_once_and_another_may_follow(lesson):
    (first,) = lesson.does(TEACHER, cmd.RecordingStart())
    assert lesson.does(TEACHER, cmd.RecordingStop()) == (ev.RecordingStopped(first.recording),)
    assert lesson.does(TEACHER, cmd.RecordingStop()) == ()
    (second,) = lesson.does(TEACHER, cmd.RecordingStart())
    lesson.reports(ev.RecordingFinalized(first.recording, "a/index.m3u8", 1, 1))
    assert lesson.state.recording == second.recording
    lesson.reports(ev.RecordingFailed(second.recording, "disk_full"))
    assert lesson.state.recording is None


# ---------------------------------------------------------------- people


def test_nobody_acts_on_an_equal_or_a_superior(lesson):
    for who, user in (
        (ASSISTANT, TEACHER),
        (ASSISTANT, ASSISTANT),
        (TEACHER, ADMIN),
        (TEACHER, TEACHER),
        (ADMIN, ADMIN),
    ):
        assert lesson.refusal(who, cmd.ParticipantRemove(user)).code == "forbidden"
    student = Actor(ANN, "Ann", "student")
    with pytest.raises(Refusal, match="your rank or above"):
        check_outranks(lesson.state, student, BOB)


def test_the_last_teacher_stays(lesson):
    refusal = lesson.refusal(ADMIN, cmd.ParticipantRemove(TEACHER))
    assert codes(refusal) == ("conflict", "user")
    other = identifier(60)
    lesson.happens(ev.ParticipantJoined(other, "Dr. Second", "teacher"))
    assert lesson.does(ADMIN, cmd.ParticipantRemove(TEACHER))
    assert lesson.refusal(ADMIN, cmd.ParticipantRemove(other)).code == "conflict"


def test_who_was_removed_is_gone_with_their_hand_and_stays_out(lesson):
    lesson.does(ANN, cmd.HandRaise())
    lesson.does(TEACHER, cmd.ParticipantRemove(ANN, REASON))
    assert lesson.state.hands == ()
    assert lesson.refusal(ANN, cmd.ChatPost("still here")).code == "forbidden"
    assert lesson.does(TEACHER, cmd.ParticipantRemove(ANN)) == (), "they are out already"
    head = lesson.head
    lesson.arrives(ANN)
    lesson.departs(ANN)
    assert lesson.head == head


def test_the_role_in_the_log_wins_over_that_of_a_token(lesson):
    assert lesson.actor(ANN).role == "student"
    ann_with_a_better_token = Actor(ANN, "Ann", "teacher")
    assert people.actor(lesson.state, ANN, "Ann", "teacher").role == "student"
    assert people.actor(Classroom(), ANN, "Ann", "teacher").role == "teacher"
    lesson.departs(ANN)
    assert people.arrive(lesson.state, ann_with_a_better_token) == (
        ev.ParticipantJoined(ANN, "Ann", "student"),
    )


def test_coming_and_going_is_noted_once(lesson):
    head = lesson.head
    lesson.arrives(ANN)
    assert lesson.head == head
    lesson.departs(ANN)
    lesson.departs(ANN)
    lesson.departs(UNKNOWN)
    assert lesson.head == head + 1
    lesson.arrives(ANN)
    assert lesson.state.people[ANN].present


# ---------------------------------------------------------------- hands


def test_hands(lesson):
    lesson.does(ANN, cmd.HandRaise())
    lesson.does(BOB, cmd.HandRaise())
    assert lesson.does(ANN, cmd.HandRaise()) == ()
    assert lesson.refusal(ANN, cmd.HandLower(BOB)).code == "forbidden"
    assert lesson.does(ANN, cmd.HandLower(ANN)) == (ev.HandLowered(ANN),)
    assert lesson.does(ANN, cmd.HandLower()) == ()
    assert lesson.does(ASSISTANT, cmd.HandLower(BOB)) == (ev.HandLowered(BOB),)
    assert lesson.does(TEACHER, cmd.HandLowerAll()) == ()


# ---------------------------------------------------------------- chat


def test_a_reply_reaches_no_further_than_what_it_replies_to(lesson):
    (said,) = lesson.does(ANN, cmd.ChatPost("psst", "staff"))
    refusal = lesson.refusal(TEACHER, cmd.ChatPost("Ann asks…", reply_to=said.message))
    assert codes(refusal) == ("bad_request", "to")
    assert lesson.does(TEACHER, cmd.ChatPost("I see", "staff", said.message))
    (open_,) = lesson.does(ANN, cmd.ChatPost("hello"))
    assert lesson.does(BOB, cmd.ChatPost("hi", reply_to=open_.message))


def test_the_rules_remember_the_last_messages_only(lesson):
    most = chat.MESSAGES_KNOWN + chat.MESSAGES_MORE
    for number in range(most + 1):
        assert len(lesson.state.messages) == number
        posted = ev.ChatPosted(identifier(10_000 + number), "Ann", "a", "everyone")
        lesson.state = _after(lesson.state, posted, ANN)
    assert len(lesson.state.messages) == chat.MESSAGES_KNOWN
    first, last = identifier(10_000), identifier(10_000 + most)
    assert lesson.refusal(BOB, cmd.ChatPost("hm", reply_to=first)).code == "not_found"
    assert lesson.does(BOB, cmd.ChatPost("hm", reply_to=last))


def test_ones_own_words_to_staff_are_in_mine_the_last_ones(lesson):
    for number in range(chat.STAFF_MESSAGES_KEPT + 2):
        lesson.does(ANN, cmd.ChatPost(f"psst {number}", "staff"))
    texts = [each.text for each in mine(lesson.state, ANN, "student", 1).to_staff]
    assert texts == [f"psst {number}" for number in range(2, chat.STAFF_MESSAGES_KEPT + 2)]
    assert mine(lesson.state, BOB, "student", 1).to_staff == ()


# ---------------------------------------------------------------- questions


def test_questions(lesson):
    (asked,) = lesson.does(ANN, cmd.QuestionAsk("Why?"))
    upvote, unvote = cmd.QuestionUpvote(asked.question), cmd.QuestionUnvote(asked.question)
    assert lesson.does(BOB, upvote)
    assert lesson.does(BOB, upvote) == ()
    assert mine(lesson.state, BOB, "student", 1).upvotes == (asked.question,)
    assert counters(lesson.state, "student", sequence=1, online=1, reactions={}).questions == {
        asked.question: 1
    }
    assert lesson.does(BOB, unvote)
    assert lesson.does(BOB, unvote) == ()
    assert lesson.does(TEACHER, cmd.QuestionAnswer(asked.question))
    assert lesson.does(TEACHER, cmd.QuestionAnswer(asked.question, "Because.")) == ()
    assert lesson.refusal(BOB, upvote).code == "conflict"


# ---------------------------------------------------------------- polls


@pytest.mark.parametrize(
    ("options", "correct", "field"),
    [
        (("a", "a"), None, "options"),
        (("a", "b"), (2,), "correct"),
        (("a", "b"), (1, 1), "correct"),
    ],
)
def test_a_poll_that_makes_no_sense_is_refused(lesson, options, correct, field):
    refusal = lesson.refusal(TEACHER, cmd.PollOpen("?", options, correct=correct))
    assert codes(refusal) == ("bad_request", field)


@pytest.mark.parametrize("choices", [(3,), (0, 1), (0, 0), (9,)])
def test_a_vote_that_the_poll_does_not_offer_is_refused(lesson, choices):
    poll = poll_of(lesson)
    assert codes(lesson.refusal(ANN, cmd.PollVote(poll, choices))) == ("bad_request", "choices")


def test_a_vote_may_change_while_the_poll_is_open(lesson):
    poll = poll_of(lesson, multiple=True)
    assert lesson.does(ANN, cmd.PollVote(poll, (2, 0))) == (ev.PollVoted(poll, (0, 2), False),)
    assert lesson.does(ANN, cmd.PollVote(poll, (0, 2))) == ()
    lesson.does(ANN, cmd.PollVote(poll, (1,)))
    assert lesson.state.polls[poll].tally == (0, 1, 0)
    lesson.does(TEACHER, cmd.PollClose(poll))
    assert lesson.does(TEACHER, cmd.PollClose(poll)) == ()
    assert lesson.refusal(ANN, cmd.PollVote(poll, (0,))).code == "conflict"
    assert lesson.does(TEACHER, cmd.PollPublish(poll)) == (ev.PollPublished(poll, (0, 1, 0)),)
    assert lesson.does(TEACHER, cmd.PollPublish(poll)) == ()


def test_an_edit_of_what_has_changed_meanwhile_is_a_conflict(lesson):
    poll, touched = poll_of(lesson), lesson.head
    lesson.does(ANN, cmd.PollVote(poll, (0,)), expect=touched)
    refusal = lesson.refusal(TEACHER, cmd.PollClose(poll), expect=touched - 1)
    assert (refusal.code, refusal.touched) == ("conflict", touched)
    lesson.does(TEACHER, cmd.PollClose(poll), expect=touched)
    refusal = lesson.refusal(TEACHER, cmd.PollPublish(poll), expect=touched)
    assert (refusal.code, refusal.touched) == ("conflict", lesson.head)
    assert lesson.views["staff"].polls[0].touched == refusal.touched


def test_tallies_are_for_students_when_the_poll_says_so(lesson):
    live, later = poll_of(lesson, results="live"), poll_of(lesson)

    def seen(of):
        return set(counters(lesson.state, of, sequence=1, online=1, reactions={}).polls)

    assert seen("student") == {live}
    assert seen("staff") == {live, later}
    lesson.does(TEACHER, cmd.PollPublish(later))
    assert seen("student") == {live, later}


# ---------------------------------------------------------------- scenes, destinations


def test_scenes(lesson):
    (made,) = lesson.does(TEACHER, cmd.SceneCreate("Slides", LAYOUT))
    switch, touched = cmd.SceneSwitch(made.scene), lesson.head
    refusal = lesson.refusal(TEACHER, switch, expect=touched - 1)
    assert (refusal.code, refusal.touched) == ("conflict", touched)
    assert lesson.does(TEACHER, switch, expect=touched) == (ev.SceneChanged(made.scene),)
    assert lesson.does(TEACHER, switch, expect=touched) == ()
    full = {identifier(5_000 + number): 1 for number in range(scenes.MOST_SCENES)}
    lesson.state = replace(lesson.state, scenes=full)
    assert lesson.refusal(TEACHER, cmd.SceneCreate("one more", LAYOUT)).code == "conflict"


def test_destinations(lesson):
    here = identifier(70)
    for number in range(destinations.MOST_ENABLED):
        lesson.does(TEACHER, cmd.DestinationEnable(identifier(70 + number)))
    assert lesson.does(TEACHER, cmd.DestinationEnable(here)) == ()
    assert lesson.refusal(TEACHER, cmd.DestinationEnable(UNKNOWN)).code == "conflict"
    failed = ev.DestinationFailed(here, "refused", 5)
    assert lesson.reports(failed) == (failed,)
    assert lesson.reports(failed) == (), "it has failed already"
    assert lesson.does(TEACHER, cmd.DestinationEnable(here)), "and may be enabled again"
    assert lesson.does(TEACHER, cmd.DestinationDisable(here))
    assert lesson.does(TEACHER, cmd.DestinationDisable(here)) == ()
    assert lesson.reports(failed) == (), "overtaken by the teacher"
    stopped = ev.DestinationStopped(here)
    assert lesson.reports(stopped, ev.DestinationStopped(UNKNOWN)) == (stopped,)


def test_a_destination_is_enabled_three_times_a_minute(lesson):
    here = identifier(70)
    first = lesson.head
    for _ in range(destinations.ENABLES):
        lesson.does(TEACHER, cmd.DestinationEnable(here))
        lesson.does(TEACHER, cmd.DestinationDisable(here))
    refusal = lesson.refusal(TEACHER, cmd.DestinationEnable(here))
    assert (refusal.code, refusal.field) == ("locked", "destination")
    assert refusal.retry_ms == 1_000 * (destinations.ENABLES_SECONDS - (lesson.head - first))
    assert lesson.does(TEACHER, cmd.DestinationEnable(identifier(71))), "another may be"
    for _ in range(refusal.retry_ms // 1_000 - 1):
        assert lesson.refusal(TEACHER, cmd.DestinationEnable(here)).code == "locked"
        lesson.does(TEACHER, cmd.ChatPost("tick"))
    assert lesson.does(TEACHER, cmd.DestinationEnable(here))


def test_the_loss_of_a_publisher_that_was_replaced_is_no_news(lesson):
    lesson.reports(ev.PublisherConnected(TEACHER, 1280, 720, "h264"))
    lesson.reports(
        ev.PublisherReplaced(TEACHER), ev.PublisherConnected(ASSISTANT, 640, 360, "h264")
    )
    assert lesson.reports(ev.PublisherLost(TEACHER, "closed")) == ()
    assert lesson.views["student"].publisher.live
    assert lesson.reports(ev.PublisherLost(ASSISTANT, "closed"))
    assert lesson.reports(ev.PublisherResumed(ASSISTANT))
    assert lesson.state.publisher == ASSISTANT


# ---------------------------------------------------------------- evolve and view


@pytest.mark.parametrize(
    "event",
    [
        ev.ParticipantLeft(UNKNOWN),
        ev.ParticipantRemoved(UNKNOWN),
        ev.ParticipantBanned(UNKNOWN),
        ev.ParticipantMuted(UNKNOWN),
        ev.ParticipantRoleChanged(UNKNOWN, "teacher"),
        ev.ChatRemoved(UNKNOWN, "everyone"),
        ev.ChatRestored(UNKNOWN, "a", "everyone"),
        ev.ChatPinned(UNKNOWN, None, "a", "a", "everyone", ""),
        ev.ChatUnpinned(UNKNOWN, "everyone"),
        ev.QuestionPresented(UNKNOWN),
        ev.SceneUpdated(UNKNOWN, "a", LAYOUT),
        ev.SceneRemoved(UNKNOWN),
        ev.SceneChanged(UNKNOWN),
        ev.AssetRemoved(UNKNOWN),
        ev.AssetShown(UNKNOWN, 1),
        ev.AssetHidden(UNKNOWN),
        ev.BoardDrawn(UNKNOWN, UNKNOWN, Stroke((0, 0))),
        ev.BoardUndone(UNKNOWN, UNKNOWN),
        ev.BoardCleared(UNKNOWN),
        ev.DestinationDisabled(UNKNOWN),
        ev.DestinationRetryRequested(UNKNOWN),
        ev.ArtifactEdited(UNKNOWN, "note", ArtifactPayload(text="a")),
        ev.ArtifactRemoved(UNKNOWN, "note"),
        ev.HandLowered(UNKNOWN),
        ev.QuestionUpvoted(UNKNOWN),
        ev.QuestionAnswered(UNKNOWN),
        ev.PollVoted(UNKNOWN, (0,), False),
        ev.PollClosed(UNKNOWN),
        ev.PollPublished(UNKNOWN, (0, 0)),
        ev.DestinationFailed(UNKNOWN, "refused", 1),
        ev.RecordingFailed(UNKNOWN, "a"),
    ],
    ids=lambda event: event.type,
)
def test_an_event_about_nothing_known_changes_nothing(lesson, event):
    assert _after(lesson.state, event, None) == lesson.state


def test_students_see_neither_votes_nor_the_correct_answer(lesson):
    poll = poll_of(lesson, correct=(1,), anonymous=True)
    lesson.does(ANN, cmd.PollVote(poll, (1,)))
    opened, voted = lesson.log[-2:]
    assert b'"correct":[1]' in shown(opened, "staff").data
    assert b'"correct":null' in shown(opened, "student").data
    assert shown(voted, "student") is None
    assert shown(voted, "staff").by is shown(voted, "staff").key is None
    assert lesson.views["student"].polls[0].correct is None
    lesson.does(TEACHER, cmd.PollPublish(poll))
    assert lesson.views["student"].polls[0].correct == (1,)


def test_a_lowered_hand_moves_everybody_behind_it(lesson):
    for user in (ANN, BOB, ASSISTANT):
        lesson.does(user, cmd.HandRaise())
    before = lesson.state
    lesson.does(ANN, cmd.HandLower())
    assert {BOB, ASSISTANT} <= touches(before, ev.HandLowered(ANN), ANN)
    assert mine(lesson.state, BOB, "student", 1).hand_position == 1
    assert [hand.user for hand in lesson.views["student"].hands] == [BOB, ASSISTANT]


def test_a_removal_looks_the_same_with_and_without_a_reason(lesson):
    lesson.does(TEACHER, cmd.ParticipantRemove(ANN, REASON))
    lesson.does(TEACHER, cmd.ParticipantRemove(BOB))
    one, other = (shown(row, "student") for row in lesson.log[-2:])
    assert one.data.replace(ANN.encode(), BOB.encode()) == other.data
    assert one.by is other.by is one.key is other.key is None


@pytest.mark.parametrize("kind", ev.EVENTS.values(), ids=ev.EVENTS)
def test_the_lobby_is_shown_nothing(kind):
    values = [None if field.required else field.default for field in msgspec.structs.fields(kind)]
    assert view(kind(*values), "lobby") == "hidden"


def test_only_messages_have_a_text_to_blank():
    said = ev.ChatPosted(UNKNOWN, "Ann", "hello", "everyone")
    assert blank(said) == replace(said, text="")
    assert blank(ev.HandAllLowered()) == ev.HandAllLowered()


def _after(state, event, by):
    return evolve(state, event, sequence=1, at="2026-11-22T09:00:00.000Z", by=by)


def test_counters_hold_only_what_a_snapshot_may_show():
    from protocol.limits import SNAPSHOT_FINISHED_POLLS
    from server.classroom.state import Classroom, Poll
    from server.classroom.view import counters

    def poll(status):
        return Poll(
            options=2, multiple=False, anonymous=False, results="live", correct=None, touched=1,
            tally=(0, 0), status=status,
        )  # fmt: skip

    polls = {"still open": poll("open")} | {f"{n}": poll("closed") for n in range(100)}
    shown = counters(Classroom(polls=polls), "student", sequence=1, online=1, reactions={}).polls
    assert "still open" in shown
    assert len(shown) == 1 + SNAPSHOT_FINISHED_POLLS
