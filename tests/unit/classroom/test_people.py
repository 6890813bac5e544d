"""Who waits, who is let in, shut out, muted, and who may do what."""

import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import timestamp
from protocol.errors import Refusal
from protocol.ids import FOREVER
from server.classroom import people
from server.classroom.access import check
from server.classroom.state import Actor
from server.classroom.view import mine
from tests.strategies import PAST, REASON, SOON, UNKNOWN, identifier
from tests.unit.classroom.lesson import ADMIN, ANN, ASSISTANT, BOB, CY, TEACHER

WIM, ZOE = identifier(301), identifier(302)


def codes(refusal):
    return refusal.code, refusal.field


def knocks(lesson, user=WIM, role="student"):
    return lesson.happens(*people.arrive(lesson.state, Actor(user, "Wim", role)))


# ---------------------------------------------------------------- lobby


def test_newcomers_to_a_locked_class_wait_and_others_come_and_go(lesson):
    assert lesson.does(TEACHER, cmd.SessionLock()) == (ev.SessionLocked(),)
    assert lesson.does(TEACHER, cmd.SessionLock()) == ()
    assert knocks(lesson) == (ev.ParticipantWaiting(WIM, "Wim", "student"),)
    assert knocks(lesson) == (), "they wait already"
    assert knocks(lesson, ZOE, "assistant") == (ev.ParticipantJoined(ZOE, "Wim", "assistant"),)
    lesson.departs(ANN)
    lesson.arrives(ANN)
    assert lesson.state.people[ANN].status == "admitted", "no newcomer"
    waiting = mine(lesson.state, WIM, "student", 1)
    assert waiting.lobby
    assert waiting.grants == ()


def test_who_never_came_does_nothing_in_a_locked_class(lesson):
    """Over REST somebody may ask before they have knocked: they would wait, had they come."""
    newcomer = Actor(WIM, "Wim", "student")
    check(lesson.state, newcomer, "hand.raise", lesson.now)
    lesson.does(TEACHER, cmd.SessionLock())
    with pytest.raises(Refusal, match="waiting"):
        check(lesson.state, newcomer, "hand.raise", lesson.now)
    check(lesson.state, Actor(WIM, "Wim", "assistant"), "chat.pin", lesson.now)


def test_who_waits_goes_away_and_comes_back_still_waits(lesson):
    lesson.does(TEACHER, cmd.SessionLock())
    knocks(lesson)
    lesson.departs(WIM)
    assert not lesson.state.people[WIM].present
    assert knocks(lesson) == (ev.ParticipantWaiting(WIM, "Wim", "student"),)


def test_admission_is_a_coming_in_for_who_is_there(lesson):
    lesson.does(TEACHER, cmd.SessionLock())
    knocks(lesson, WIM)
    knocks(lesson, ZOE)
    lesson.departs(ZOE)
    joined = ev.ParticipantJoined(WIM, "Wim", "student")
    admit = cmd.ParticipantAdmit(WIM)
    assert lesson.does(ASSISTANT, admit) == (ev.ParticipantAdmitted(WIM), joined)
    assert lesson.does(ASSISTANT, admit) == ()
    assert lesson.does(ASSISTANT, cmd.ParticipantAdmit(ZOE)) == (ev.ParticipantAdmitted(ZOE),)
    assert not lesson.state.people[ZOE].present
    assert not mine(lesson.state, WIM, "student", 1).lobby


def test_unlocking_lets_everybody_in(lesson):
    assert lesson.does(TEACHER, cmd.SessionUnlock()) == ()
    lesson.does(TEACHER, cmd.SessionLock())
    knocks(lesson, WIM)
    knocks(lesson, ZOE)
    kinds = [type(event) for event in lesson.does(TEACHER, cmd.SessionUnlock())]
    admitted = [ev.ParticipantAdmitted, ev.ParticipantJoined]
    assert kinds == [ev.SessionUnlocked, *admitted, *admitted]
    assert knocks(lesson, identifier(303)) != (), "and newcomers straight in"
    assert lesson.state.people[identifier(303)].status == "admitted"


def test_who_is_turned_away_stays_out_until_admitted(lesson):
    lesson.does(TEACHER, cmd.SessionLock())
    knocks(lesson)
    assert lesson.does(TEACHER, cmd.ParticipantDeny(WIM)) == (ev.ParticipantDenied(WIM),)
    assert lesson.does(TEACHER, cmd.ParticipantDeny(WIM)) == ()
    assert knocks(lesson) == ()
    assert lesson.does(TEACHER, cmd.ParticipantAdmit(WIM)) == (ev.ParticipantAdmitted(WIM),)
    assert codes(lesson.refusal(TEACHER, cmd.ParticipantDeny(ANN))) == ("conflict", "user")


# ---------------------------------------------------------------- shut out


def test_a_removed_person_may_be_admitted_again_a_banned_one_not(lesson):
    lesson.does(TEACHER, cmd.ParticipantRemove(ANN, REASON))
    assert lesson.does(TEACHER, cmd.ParticipantUnban(ANN)) == (), "no ban to lift"
    lesson.does(TEACHER, cmd.ParticipantAdmit(ANN))
    lesson.arrives(ANN)
    assert lesson.state.people[ANN].present
    lesson.does(ANN, cmd.HandRaise())
    lesson.does(TEACHER, cmd.ParticipantBan(ANN, REASON))
    assert lesson.does(TEACHER, cmd.ParticipantBan(ANN)) == ()
    assert lesson.does(TEACHER, cmd.ParticipantRemove(ANN)) == ()
    assert lesson.state.hands == ()
    assert codes(lesson.refusal(TEACHER, cmd.ParticipantAdmit(ANN))) == ("conflict", "user")
    assert lesson.does(TEACHER, cmd.ParticipantUnban(ANN)) == (ev.ParticipantUnbanned(ANN),)
    lesson.arrives(ANN)
    assert lesson.state.people[ANN].status == "admitted"


def test_a_removed_person_may_be_banned_too(lesson):
    lesson.does(TEACHER, cmd.ParticipantRemove(ANN))
    assert lesson.does(TEACHER, cmd.ParticipantBan(ANN)) == (ev.ParticipantBanned(ANN),)


@pytest.mark.parametrize("kind", [cmd.ParticipantRemove, cmd.ParticipantBan])
def test_the_last_teacher_is_neither_removed_nor_banned_nor_demoted(lesson, kind):
    assert codes(lesson.refusal(ADMIN, kind(TEACHER))) == ("conflict", "user")
    demote = cmd.ParticipantSetRole(TEACHER, "student")
    assert codes(lesson.refusal(ADMIN, demote)) == ("conflict", "user")
    lesson.happens(ev.ParticipantJoined(ZOE, "Dr. Second", "teacher"))
    assert lesson.does(ADMIN, demote)
    assert codes(lesson.refusal(ADMIN, kind(ZOE))) == ("conflict", "user")


# ---------------------------------------------------------------- mute


def test_a_mute_ends_at_its_time(lesson):
    until = timestamp(1_795_338_000_123 + 1_000 * (lesson.head + 2))
    lesson.does(TEACHER, cmd.ParticipantMute(ANN, until))
    assert mine(lesson.state, ANN, "student", 1).muted_until == until
    assert lesson.refusal(ANN, cmd.ChatPost("hm")).code == "muted"
    lesson.does(BOB, cmd.ChatPost("a second passes"))
    assert lesson.does(ANN, cmd.ChatPost("and here I am"))


def test_a_mute_without_an_end_lasts(lesson):
    assert lesson.does(TEACHER, cmd.ParticipantMute(ANN)) == (ev.ParticipantMuted(ANN),)
    assert lesson.does(TEACHER, cmd.ParticipantMute(ANN)) == ()
    assert lesson.does(TEACHER, cmd.ParticipantMute(ANN, SOON)) != ()
    assert lesson.does(TEACHER, cmd.ParticipantMute(ANN)) != ()
    assert mine(lesson.state, ANN, "student", 1).muted_until == FOREVER
    assert lesson.does(TEACHER, cmd.ParticipantUnmute(ANN))
    assert lesson.does(TEACHER, cmd.ParticipantUnmute(ANN)) == ()
    assert mine(lesson.state, ANN, "student", 1).muted_until is None


@pytest.mark.parametrize("until", [PAST, "2026-02-30T00:00:00.000Z", "0000-01-01T00:00:00.000Z"])
def test_a_mute_until_no_time_to_come_is_refused(lesson, until):
    refusal = lesson.refusal(TEACHER, cmd.ParticipantMute(ANN, until))
    assert codes(refusal) == ("bad_request", "until")


# ---------------------------------------------------------------- roles and grants


def test_a_role_holds_at_once_and_over_the_tokens(lesson):
    changed = lesson.does(TEACHER, cmd.ParticipantSetRole(ANN, "assistant"))
    assert changed == (ev.ParticipantRoleChanged(ANN, "assistant"),)
    assert lesson.does(TEACHER, cmd.ParticipantSetRole(ANN, "assistant")) == ()
    assert lesson.actor(ANN).role == "assistant"
    assert lesson.does(ANN, cmd.ParticipantMute(BOB))
    assert lesson.refusal(ANN, cmd.ParticipantSetRole(BOB, "teacher")).code == "forbidden"
    assert lesson.does(TEACHER, cmd.ParticipantSetRole(ANN, "teacher"))
    refusal = lesson.refusal(TEACHER, cmd.ParticipantSetRole(ANN, "student"))
    assert refusal.code == "forbidden", "an equal by now"


def test_nobody_gives_a_role_above_their_own(lesson):
    lesson.happens(ev.ParticipantGrantsChanged(ASSISTANT, {"participant.set_role": True}))
    refusal = lesson.refusal(ASSISTANT, cmd.ParticipantSetRole(ANN, "teacher"))
    assert codes(refusal) == ("forbidden", "role")


def test_who_is_not_in_the_class_is_given_no_role(lesson):
    lesson.does(TEACHER, cmd.ParticipantRemove(ANN))
    refusal = lesson.refusal(TEACHER, cmd.ParticipantSetRole(ANN, "assistant"))
    assert codes(refusal) == ("conflict", "user")


def test_grants_add_up_and_what_the_role_says_is_none(lesson):
    give = cmd.ParticipantSetGrants(ANN, {"board.draw": True, "chat.post": False})
    granted = {"board.draw": True, "chat.post": False}
    assert lesson.does(ASSISTANT, give) == (ev.ParticipantGrantsChanged(ANN, granted),)
    assert lesson.does(ASSISTANT, give) == ()
    assert lesson.refusal(ANN, cmd.ChatPost("hm")).code == "forbidden"
    assert {"board.draw"} < set(mine(lesson.state, ANN, "student", 1).grants)
    back = cmd.ParticipantSetGrants(ANN, {"chat.post": True})
    assert lesson.does(TEACHER, back) == (ev.ParticipantGrantsChanged(ANN, {"board.draw": True}),)


@pytest.mark.parametrize(
    ("op", "code"),
    [
        ("chat.shout", "bad_request"),
        ("session.end", "bad_request"),
        ("participant.set_grants", "bad_request"),
        ("poll.open", "forbidden"),
    ],
)
def test_what_cannot_be_granted_is_refused_with_its_name(lesson, op, code):
    lesson.happens(ev.ParticipantGrantsChanged(ASSISTANT, {"poll.open": False}))
    refusal = lesson.refusal(ASSISTANT, cmd.ParticipantSetGrants(ANN, {op: True}))
    assert codes(refusal) == (code, f"grants.{op}")


def test_nobody_grants_themselves_anything(lesson):
    for user in (ASSISTANT, TEACHER, ADMIN):
        refusal = lesson.refusal(user, cmd.ParticipantSetGrants(user, {"board.draw": True}))
        assert refusal.code == "forbidden"
    assert lesson.refusal(TEACHER, cmd.ParticipantMute(UNKNOWN)).code == "not_found"
    assert lesson.refusal(CY, cmd.ParticipantMute(ANN)).code == "forbidden"
