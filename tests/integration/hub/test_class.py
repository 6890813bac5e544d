"""A class on the real log, through real sockets."""

import asyncio

from protocol import commands as cmd
from protocol.errors import CloseCode
from protocol.frames import Ack, Nack
from server.ids import new_id
from server.store.log import LogReader
from tests.patience import PATIENCE, eventually


async def test_everybody_sees_each_line_once_and_in_one_order(lesson, pools):
    session, (teacher, ann, bob) = lesson.session, lesson.everybody
    answers = await asyncio.gather(
        *(who.say(cmd.ChatPost(f"{n}")) for n in range(5) for who in (teacher, ann, bob))
    )
    assert all(isinstance(answer, Ack) for answer in answers)
    await lesson.caught_up()
    lines = [[m.text for m in who.client.state.messages] for who in (teacher, ann, bob)]
    assert lines[0] == lines[1] == lines[2]
    assert sorted(lines[0]) == sorted(str(n) for n in range(5) for _ in range(3))
    stored = await LogReader(pools).read(session, 0)
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
    assert (await LogReader(pools).verify(session)).broken is None
    assert not any(who.client.gaps for who in (teacher, ann, bob))


async def test_a_key_that_comes_again_is_answered_with_the_first_sequence(lesson):
    ann = lesson.ann
    first = await ann.say(cmd.ChatPost("once"))
    ann.client.command(cmd.ChatPost("once"), key=first.key)
    # What was answered is forgotten by the client: this is a new question with an old key.
    again = asyncio.get_running_loop().create_future()
    ann._asked[first.key] = cmd.ChatPost("once"), again
    ann._to_send.set()
    answer = await asyncio.wait_for(again, PATIENCE)
    assert (answer.sequence, answer.duplicate) == (first.sequence, True)
    ann.client.command(cmd.ChatPost("other"), key=first.key)
    other = asyncio.get_running_loop().create_future()
    ann._asked[first.key] = cmd.ChatPost("other"), other
    ann._to_send.set()
    assert (await asyncio.wait_for(other, PATIENCE)).code == "idempotency_conflict"
    await lesson.caught_up()
    assert [m.text for m in ann.client.state.messages] == ["once"]


async def test_a_student_may_not_do_a_teachers_work(lesson):
    ann = lesson.ann
    answer = await ann.say(cmd.SessionEnd())
    assert isinstance(answer, Nack)
    assert answer.code == "forbidden"
    answer = await ann.say(cmd.HandLower(user=new_id()))
    assert answer.code == "forbidden"


async def test_a_client_that_was_away_gets_exactly_what_it_missed(lesson):
    teacher, ann, bob = lesson.everybody
    url, ann._url = ann._url, "http://127.0.0.1:1"  # where nobody is
    ann.drop(0)
    await eventually(lambda: ann.client.phase != "live")
    for n in range(10):
        await teacher.say(cmd.ChatPost(f"while away {n}"))
    ann._url = url
    await lesson.caught_up()
    assert ann.client.welcome.recovery == "replay"
    assert [m.text for m in ann.client.state.messages] == [f"while away {n}" for n in range(10)]
    assert ann.client.state == bob.client.state


async def test_a_removed_student_is_closed_at_once_and_refused_on_return(lesson):
    teacher, ann, bob = lesson.everybody
    user = ann.client.welcome.me.user
    await teacher.say(cmd.ParticipantRemove(user=user, reason="noise"))
    await eventually(lambda: ann.final_code == CloseCode.REMOVED)
    await lesson.caught_up(teacher, bob)
    assert "noise" not in str(bob.client.state)


async def test_votes_are_seen_by_staff_and_in_the_voters_own_frame_only(lesson):
    teacher, ann, bob = lesson.everybody
    await teacher.say(
        cmd.PollOpen("2+2?", ("3", "4"), results="published", correct=(1,), anonymous=False)
    )
    await lesson.caught_up()
    poll = ann.client.state.polls[0]
    assert poll.correct is None
    assert teacher.client.state.polls[0].correct == (1,)
    assert isinstance(await ann.say(cmd.PollVote(poll.poll, (1,))), Ack)
    await eventually(lambda: ann.client.mine.votes == {poll.poll: (1,)})
    assert bob.client.mine.votes == {}
    refused = await bob.say(cmd.PollVote(poll.poll, (2,)))
    assert (refused.code, refused.field) == ("bad_request", "choices")
    await teacher.say(cmd.PollPublish(poll.poll))
    await lesson.caught_up()
    assert bob.client.state.polls[0].tally == (0, 1)
    assert bob.client.state.polls[0].correct == (1,)
