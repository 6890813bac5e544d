"""The chat: who may write, what is removed, restored and pinned."""

import pytest

from protocol import commands as cmd
from protocol import events as ev
from server.classroom import chat
from server.classroom.evolve import evolve
from server.classroom.state import Chat
from server.classroom.view import mine
from tests.strategies import identifier
from tests.unit.classroom.lesson import ANN, ASSISTANT, BOB, TEACHER, shown


def said(lesson, user=ANN, text="hello", to="everyone"):
    (posted,) = lesson.does(user, cmd.ChatPost(text, to))
    return posted.message


# ---------------------------------------------------------------- how it works


def test_a_closed_chat_is_closed_to_students(lesson):
    (configured,) = lesson.does(TEACHER, cmd.ChatConfigure(enabled=False))
    assert configured == ev.ChatConfigured(False, 0, False, False)
    assert lesson.does(TEACHER, cmd.ChatConfigure(enabled=False)) == ()
    assert lesson.does(TEACHER, cmd.ChatConfigure()) == ()
    assert lesson.refusal(ANN, cmd.ChatPost("hm")).code == "locked"
    assert lesson.refusal(ANN, cmd.ChatPost("hm", "staff")).code == "locked"
    assert lesson.does(ASSISTANT, cmd.ChatPost("we are closed"))


def test_a_chat_for_staff_only_still_takes_words_to_staff(lesson):
    lesson.does(TEACHER, cmd.ChatConfigure(staff_only=True))
    assert lesson.refusal(ANN, cmd.ChatPost("hm")).code == "locked"
    assert lesson.does(ANN, cmd.ChatPost("I cannot hear", "staff"))
    assert lesson.does(TEACHER, cmd.ChatPost("listen"))


def test_slow_mode_says_how_long_to_wait(lesson):
    said(lesson)
    lesson.does(TEACHER, cmd.ChatConfigure(slow_mode_s=5))
    said(lesson)
    refusal = lesson.refusal(ANN, cmd.ChatPost("and"))
    assert (refusal.code, refusal.retry_ms) == ("locked", 4_000)
    for _ in range(4):
        said(lesson, TEACHER)
    said(lesson)
    assert lesson.state.last_post[ANN]
    lesson.does(TEACHER, cmd.ChatConfigure(slow_mode_s=0))
    assert lesson.state.last_post == {}
    assert lesson.state.chat == Chat()


# ---------------------------------------------------------------- removed and restored


def test_who_removes_what(lesson):
    own, others, staffs = said(lesson), said(lesson, BOB), said(lesson, TEACHER)
    private, own_private = said(lesson, BOB, to="staff"), said(lesson, to="staff")
    assert lesson.does(ANN, cmd.ChatRemove(own)) == (ev.ChatRemoved(own, "everyone"),)
    assert lesson.does(ANN, cmd.ChatRemove(own)) == ()
    assert lesson.does(ANN, cmd.ChatRemove(own_private)) == (ev.ChatRemoved(own_private, "staff"),)
    assert lesson.refusal(ANN, cmd.ChatRemove(others)).code == "forbidden"
    assert lesson.refusal(ANN, cmd.ChatRemove(private)).code == "not_found"
    assert lesson.does(ASSISTANT, cmd.ChatRemove(others))
    assert lesson.refusal(ASSISTANT, cmd.ChatRemove(staffs)).code == "forbidden"
    nobodys = identifier(700)
    lesson.happens(ev.ChatPosted(nobodys, "", "from the system", "everyone"))
    assert lesson.does(ASSISTANT, cmd.ChatRemove(nobodys))


def test_a_restored_message_has_its_text_again(lesson):
    message, row = said(lesson, text="sorry"), lesson.head
    assert lesson.does(TEACHER, cmd.ChatRestore(message)) == ()
    lesson.does(ANN, cmd.ChatRemove(message))
    assert lesson.state.blanked == {row}
    (gone,) = lesson.views["student"].messages
    assert (gone.text, gone.removed) == ("", True)
    (restored,) = lesson.does(TEACHER, cmd.ChatRestore(message))
    assert restored == ev.ChatRestored(message, "sorry", "everyone")
    assert lesson.state.blanked == frozenset()
    (back,) = lesson.views["student"].messages
    assert (back.text, back.removed) == ("sorry", False)
    lesson.does(ANN, cmd.ChatRemove(message))
    assert lesson.state.blanked == {row, row + 2}, "each event that holds the text"


def test_what_was_written_to_staff_and_removed_is_gone_from_mine_and_comes_back(lesson):
    first, second = said(lesson, text="one", to="staff"), said(lesson, text="two", to="staff")

    def own():
        return [each.text for each in mine(lesson.state, ANN, "student", 1).to_staff]

    lesson.does(TEACHER, cmd.ChatRemove(first))
    assert own() == ["two"]
    lesson.does(TEACHER, cmd.ChatRestore(first))
    assert own() == ["one", "two"]
    lesson.does(TEACHER, cmd.ChatPin(second))
    assert own() == ["one", "two"]
    assert all(shown(row, "student") is None for row in lesson.log[-5:])


def test_a_student_replies_to_staff_only_to_what_they_wrote_themselves(lesson):
    bobs, anns = said(lesson, BOB, to="staff"), said(lesson, ANN, to="staff")
    refusal = lesson.refusal(ANN, cmd.ChatPost("what?", "staff", bobs))
    assert (refusal.code, refusal.field) == ("not_found", "reply_to")
    assert lesson.does(ANN, cmd.ChatPost("and", "staff", anns))


# ---------------------------------------------------------------- pinned


def test_a_pinned_message_stays_when_others_go(lesson):
    message = said(lesson, text="the rules")
    (pinned,) = lesson.does(ASSISTANT, cmd.ChatPin(message))
    assert (pinned.author, pinned.text) == (ANN, "the rules")
    assert lesson.does(ASSISTANT, cmd.ChatPin(message)) == ()
    for number in range(2 * chat.MESSAGES_KNOWN):
        posted = ev.ChatPosted(identifier(800 + number), "", "a", "everyone")
        lesson.state = evolve(lesson.state, posted, sequence=lesson.head, at=lesson.now, by=None)
    assert message in lesson.state.messages
    assert len(lesson.state.messages) <= chat.MESSAGES_KNOWN + chat.MESSAGES_MORE + 1
    assert lesson.does(TEACHER, cmd.ChatUnpin(message)) == (ev.ChatUnpinned(message, "everyone"),)
    assert lesson.does(TEACHER, cmd.ChatUnpin(message)) == ()


def test_a_removed_message_is_neither_pinned_nor_stays_so(lesson):
    message = said(lesson)
    lesson.does(TEACHER, cmd.ChatPin(message))
    lesson.does(TEACHER, cmd.ChatRemove(message))
    assert lesson.state.pinned == frozenset()
    assert lesson.views["student"].pinned == []
    assert lesson.refusal(TEACHER, cmd.ChatPin(message)).code == "conflict"


def test_only_so_many_are_pinned(lesson):
    for _ in range(chat.MOST_PINNED):
        lesson.does(TEACHER, cmd.ChatPin(said(lesson)))
    assert lesson.refusal(TEACHER, cmd.ChatPin(said(lesson))).code == "conflict"


@pytest.mark.parametrize("kind", [cmd.ChatRestore, cmd.ChatPin, cmd.ChatUnpin])
def test_students_do_not_moderate(lesson, kind):
    assert lesson.refusal(ANN, kind(said(lesson))).code == "forbidden"
