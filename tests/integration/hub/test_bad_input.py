"""What a client may get wrong: each has its one answer, and nobody else notices."""

import asyncio
import json
import time

import pytest

from protocol import limits
from protocol.errors import CloseCode
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.hub import connection as connection_module
from server.hub import socket as socket_module
from server.ids import new_id
from server.secrets.secret import Secret
from server.store.log import LogReader
from tests.patience import PATIENCE, eventually

from .conftest import ORIGIN
from .raw import Raw


@pytest.fixture
async def unharmed(lesson, pools):
    """Afterwards everybody still works, and the log has nothing of what was tried."""
    reader = LogReader(pools)
    before = {person: person.client.welcome.connection for person in lesson.everybody}

    async def kinds():
        stored = await reader.read(lesson.session, 0)
        return [event.type for event in stored if not event.type.startswith("participant.")]

    logged = await kinds()
    yield
    answer = await lesson.raw("teacher", "Tina")
    assert (await answer.say("chat.post", {"text": "still here"}))["type"] == "ack"
    await lesson.caught_up()
    for person, connection in before.items():
        assert person.client.welcome.connection == connection
        assert person.client.state.messages[-1].text == "still here"
    assert await kinds() == [*logged, "chat.posted"]
    assert (await reader.verify(lesson.session)).broken is None


def hello(token, **more):
    return {"type": "hello", "token": token, **more}


async def rejected(node, session, token, **headers):
    raw = await Raw.open(node, session, headers=headers)
    await raw.send(hello(token))
    bye, code = await raw.farewell()
    assert bye["code"] == code
    return code, raw


async def test_who_cannot_come_in_hears_only_why(node, school, lesson, unharmed):
    session = lesson.session
    other = Tokens(
        Secret("another secret of thirty-two bytes, for tests"), "liveclass", school.tokens._clock
    )
    forged = other.issue(
        subject=new_id(), tenant=school.tenant, role="teacher", name="Eve", ttl_seconds=60
    )
    for token, expected in [
        ("", CloseCode.TOKEN_INVALID),
        ("garbage", CloseCode.TOKEN_INVALID),
        (forged, CloseCode.TOKEN_INVALID),
        (school.token(session, ttl=-1), CloseCode.TOKEN_EXPIRED),
    ]:
        code, raw = await rejected(node, session, token)
        assert (code, len(raw.heard)) == (expected, 1)
    code, _ = await rejected(node, session, school.token(session), Origin="https://evil.example")
    assert code == CloseCode.ORIGIN_NOT_ALLOWED
    raw = await Raw.open(node, session, headers={"Origin": ORIGIN})
    await raw.send(hello(school.token(session)))
    assert (await raw.hear())["type"] == "welcome"


async def test_what_is_not_there_and_what_is_not_yours_is_the_same_goodbye(
    node, school, lesson, unharmed, owner
):
    session, nowhere, known = lesson.session, new_id(), new_id()
    await lesson.raw(user=known)
    await owner.execute(
        "INSERT INTO session_participants (tenant_id, session_id, user_id, role) "
        "VALUES ($1, $2, $3, 'student')",
        school.tenant, session, known,
    )  # fmt: skip
    byes = set()
    for where, token in [
        (nowhere, school.token(nowhere)),
        (session, school.token(session, tenant=new_id())),
        (session, school.token(nowhere)),
        (session, school.token(await school.session())),
        (session, school.token(None)),
        (session.upper(), school.token(None, user=known)),
        ("nonsense", school.token(None, user=known)),
    ]:
        code, raw = await rejected(node, where, token)
        assert code == CloseCode.NOT_FOUND
        byes.add(raw.last)
    assert len(byes) == 1
    assert await Raw.join(node, session, school.token(None, user=known))


async def test_an_unknown_version_is_turned_away(node, school, lesson, unharmed):
    raw = await Raw.open(node, lesson.session, protocols=("liveclass.v9.json",))
    bye, code = await raw.farewell()
    assert (bye["code"], code) == (4526, 4526)
    raw = await Raw.open(node, lesson.session, protocols=())
    await raw.send(hello(school.token(lesson.session)))
    assert (await raw.hear())["type"] == "welcome"


async def test_the_first_frame_is_a_hello(node, lesson, unharmed):
    for first, code in [
        ({"type": "ping"}, 4502),
        ({"type": "command", "id": 1, "key": "k", "op": "chat.post", "data": {"text": "x"}}, 4502),
        ({"type": "command", "id": 1, "key": "no key"}, 4502),
        ({"type": "nonsense"}, 4501),
        ({"type": "hello"}, 4501),
        (b"{}", 4501),
        ("[]", 4501),
    ]:
        raw = await Raw.open(node, lesson.session)
        await raw.send(first)
        bye, closed = await raw.farewell()
        assert (bye["code"], closed) == (code, code), first


async def test_who_says_nothing_is_closed(node, lesson, unharmed, monkeypatch):
    monkeypatch.setattr(socket_module, "HELLO_SECONDS", 0.1)
    raw = await Raw.open(node, lesson.session)
    bye, code = await raw.farewell()
    assert (bye["code"], code) == (4502, 4502)


async def test_who_said_hello_while_the_process_stood_still_is_let_in(node, lesson, monkeypatch):
    monkeypatch.setattr(socket_module, "HELLO_SECONDS", 0.1)
    raw = await Raw.open(node, lesson.session)
    await raw.send(hello(lesson.token()))
    time.sleep(0.3)
    assert (await raw.hear())["type"] == "welcome"


async def test_an_address_holds_a_bounded_number_of_silent_connections(node, lesson, monkeypatch):
    monkeypatch.setattr(socket_module, "CONNECTIONS_WITHOUT_HELLO", 3)
    silent = [await Raw.open(node, lesson.session) for _ in range(3)]
    bye, code = await (await Raw.open(node, lesson.session)).farewell()
    assert (bye["code"], code) == (4129, 4129)
    await silent[0].send(hello(lesson.token()))
    await silent[0].hear("welcome")
    await silent[1].socket.close()
    late = await Raw.open(node, lesson.session)
    await late.send(hello(lesson.token()))
    assert (await late.hear())["type"] == "welcome"
    await silent[2].socket.close()


async def test_a_frame_that_breaks_the_protocol_ends_its_connection_only(
    node, lesson, unharmed, monkeypatch
):
    deep = '{"type":"signal","kind":"cursor","data":' + "[" * 30_000 + "]" * 30_000 + "}"
    for frame, code in [
        (hello(lesson.token()), 4501),
        ({"type": "nonsense"}, 4501),
        ({"type": "welcome"}, 4501),
        (b'{"type":"ping"}', 4501),
        ("[]", 4501),
        ("17", 4501),
        ("", 4501),
        ("{", 4501),
        ('{"type":"ping"', 4501),
        (deep, 4501),
        ({"type": "command", "id": -1, "key": "k", "op": "chat.post"}, 4501),
        ({"type": "command", "id": 2**53, "key": "k", "op": "chat.post"}, 4501),
        ({"type": "command", "key": "k", "op": "chat.post"}, 4501),
        ({"type": "resync"}, 4501),
        ({"type": "resync", "sequence": -1}, 4501),
        ({"type": "roster", "after": "x"}, 4501),
        ({"type": "pong"}, 4501),
        ({"type": "signal", "kind": "wave"}, 4501),
        ({"type": "signal", "kind": "typing", "data": []}, 4501),
        ({"type": "signal", "kind": "typing", "data": {"in": "x" * 600}}, 4501),
        ({"type": "signal", "kind": "typing", "data": {"in": "\0"}}, 4501),
        ({"type": "signal", "kind": "typing", "data": {"in": "\ud800"}}, 4501),
        ({"type": "signal", "kind": "reaction", "data": {"emoji": "me"}}, 4501),
        ({"type": "signal", "kind": "reaction", "data": {"emoji": ""}}, 4501),
        ({"type": "signal", "kind": "reaction", "data": {}}, 4501),
        ('{"type":"ping","pad":"' + "x" * (limits.FRAME_BYTES - 23) + '"}', 4501),
        ("x" * (limits.WEBSOCKET_BYTES + 1), 1009),
    ]:
        raw = await lesson.raw()
        await raw.send(frame)
        bye, closed = await raw.farewell()
        assert closed == code, frame
        assert (bye is None) == (code == 1009), frame
    raw = await lesson.raw()
    await raw.send('{"type":"ping","pad":"' + "x" * (limits.FRAME_BYTES - 24) + '"}')
    assert (await raw.hear("pong", "bye"))["type"] == "pong"


async def test_a_command_that_does_not_hold_is_answered_with_what_is_wrong(lesson, unharmed):
    raw = await lesson.raw()
    long = "x" * 2001
    for op, data, code, field in [
        ("chat.post", {"text": "a\0b"}, "bad_request", "text"),
        ("chat.post", {"text": "\ud800"}, "bad_request", "text"),
        ("chat.post", {"text": "\udc00\ud800"}, "bad_request", "text"),
        ("chat.post", {"text": ""}, "bad_request", "text"),
        ("chat.post", {"text": " \n "}, "bad_request", "text"),
        ("chat.post", {"text": long}, "bad_request", "text"),
        ("chat.post", {"text": 1}, "bad_request", "text"),
        ("chat.post", {}, "bad_request", "text"),
        ("chat.post", {"text": "x", "to": "nobody"}, "bad_request", "to"),
        ("chat.post", {"text": "x", "colour": "red"}, "bad_request", "colour"),
        ("chat.post", ["x"], "bad_request", "data"),
        ("question.upvote", {"question": "x"}, "bad_request", "question"),
        ("question.upvote", {"question": new_id()}, "not_found", "question"),
        ("nonsense", {}, "unknown_op", "op"),
        ("session.end", {}, "forbidden", None),
        ("poll.open", {"prompt": "?", "options": ["a", "b"]}, "forbidden", None),
    ]:
        answer = await raw.say(op, data)
        assert (answer["type"], answer.get("code"), answer.get("field")) == ("nack", code, field), (
            op,
            data,
            answer,
        )
        assert not answer["retryable"]
        assert answer["message"]


async def test_a_command_without_a_good_key_is_answered_by_its_id(lesson, unharmed):
    raw = await lesson.raw()
    for more, field in [
        ({"key": ""}, "key"),
        ({"key": "no spaces"}, "key"),
        ({"key": "k" * 65}, "key"),
        ({"key": None}, "key"),
        ({"expect": -1}, "expect"),
        ({"expect": "x"}, "expect"),
    ]:
        answer = await raw.say("chat.post", {"text": "x"}, **more)
        assert (answer["code"], answer["field"]) == ("bad_request", field), more
    await raw.send({"type": "command", "id": 900, "op": "chat.post", "data": {"text": "x"}})
    answer = await raw.hear("nack")
    assert (answer["id"], answer["code"], answer["field"]) == (900, "bad_request", "key")


async def test_a_vote_out_of_range_is_no_vote(lesson):
    staff, raw = await lesson.raw("teacher"), await lesson.raw()
    await staff.say("poll.open", {"prompt": "?", "options": ["a", "b"]})
    poll = lesson.room.seating.views["student"]._state.polls[-1].poll
    for choices in ([2], [-1], [10], [0, 0], [0, 1], []):
        answer = await raw.say("poll.vote", {"poll": poll, "choices": choices})
        assert (answer["code"], answer["field"].partition("[")[0]) == ("bad_request", "choices")
    assert (await raw.say("poll.vote", {"poll": poll, "choices": [1]}))["type"] == "ack"


async def test_a_key_belongs_to_one_command_of_one_person(lesson):
    raw, other = await lesson.raw(), await lesson.raw()
    first = await raw.say("chat.post", {"text": "one"}, key="same")
    again = await raw.say("chat.post", {"text": "one"}, key="same")
    assert (again["sequence"], again["duplicate"]) == (first["sequence"], True)
    for op, data in [("chat.post", {"text": "two"}), ("hand.raise", {})]:
        assert (await raw.say(op, data, key="same"))["code"] == "idempotency_conflict"
    theirs = await other.say("chat.post", {"text": "one"}, key="same")
    assert (theirs["type"], theirs["duplicate"]) == ("ack", False)
    assert theirs["sequence"] != first["sequence"]
    # What was refused, or changed nothing, is not remembered.
    assert (await raw.say("session.end", {}, key="new"))["code"] == "forbidden"
    assert (await raw.say("hand.lower", {}, key="new"))["sequence"] is None
    assert (await raw.say("hand.raise", {}, key="new"))["sequence"] is not None
    assert (await raw.say("hand.lower", {}, key="again"))["sequence"] is not None
    assert (await raw.say("hand.lower", {}, key="anew"))["sequence"] is None
    assert (await raw.say("hand.raise", {}))["sequence"] is not None
    assert (await raw.say("hand.lower", {}, key="anew"))["sequence"] is not None


async def test_a_late_copy_of_what_was_answered_without_an_event_does_not_happen(lesson):
    staff, user = await lesson.raw("teacher"), new_id()
    old = await lesson.raw(user=user)  # by which all comes late
    new = await lesson.raw(user=user)
    assert (await new.say("hand.lower", {}, key="a"))["sequence"] is None
    await new.say("hand.raise", {})
    for _ in range(2):
        assert (await old.say("hand.lower", {}, key="a"))["sequence"] is None
    assert (await new.say("hand.raise", {}))["sequence"] is None  # it is still up
    await staff.say("chat.configure", {"enabled": False})
    refused = await new.say("chat.post", {"text": "now?"}, key="b")
    await staff.say("chat.configure", {"enabled": True})
    late = await old.say("chat.post", {"text": "now?"}, key="b")
    assert refused["type"] == late["type"] == "nack"
    assert (late["code"], late["message"]) == (refused["code"], refused["message"])
    # Other words are another wish, and so is what is sent again by whoever was answered.
    assert (await old.say("chat.post", {"text": "no."}, key="c"))["type"] == "ack"
    assert (await new.say("chat.post", {"text": "now?"}, key="b"))["type"] == "ack"


async def test_a_fresh_token_prolongs_and_a_strangers_ends(node, school, lesson, unharmed):
    user = new_id()
    raw = await lesson.raw(user=user, ttl=60)
    fresh = lesson.token(user=user, ttl=3000)
    await raw.send({"type": "token", "token": fresh})
    taken = await raw.hear("token")
    assert taken["expires_at"] > raw.heard[0]["token_expires_at"]
    await raw.send({"type": "token", "token": lesson.token("teacher", user=user)})
    await raw.hear("token")
    assert (await raw.say("session.end"))["code"] == "forbidden"  # a role is never raised
    for stranger in (
        lesson.token(),
        lesson.token(user=user, tenant=new_id()),
        school.token(None, user=user),
        lesson.token(user=user, ttl=-1),
        "garbage",
    ):
        raw = await lesson.raw(user=user)
        await raw.send({"type": "token", "token": stranger})
        bye, code = await raw.farewell()
        assert (bye["code"], code) == (4500, 4500)


class Late(SystemClock):
    """A clock that is behind: by it a token is still good that has ended."""

    def now_ms(self):
        return super().now_ms() - 10_000


def connection_of(raw, node):
    """Return the server's side of a socket that has been welcomed."""
    wanted = raw.heard[0]["connection"]
    return next(each for each in node.hub.connections if each.id == wanted)


async def test_a_token_that_ends_has_a_grace(lesson, node, school, monkeypatch):
    monkeypatch.setattr(school.tokens, "_clock", Late())
    monkeypatch.setattr(connection_module, "TOKEN_GRACE_SECONDS", PATIENCE)
    user = new_id()
    renewed = await lesson.raw(user=user, ttl=5)
    assert (await renewed.say("chat.post", {"text": "in the grace"}))["type"] == "ack"
    timers = connection_of(renewed, node)._timers
    due = timers["token"].when()
    await renewed.send({"type": "token", "token": lesson.token(user=user, ttl=600)})
    await renewed.hear("token")
    assert timers["token"].when() > due + 500
    monkeypatch.setattr(connection_module, "TOKEN_GRACE_SECONDS", 0)
    ending = await Raw.open(node, lesson.session)
    await ending.send(hello(lesson.token(user=user, ttl=5)))
    bye, code = await ending.farewell()
    assert (bye["code"], code) == (4105, 4105)
    assert bye["retry_ms"] > 0
    assert (await renewed.say("chat.post", {"text": "prolonged"}))["type"] == "ack"


async def test_who_does_not_answer_a_ping_is_closed(lesson, node, unharmed, monkeypatch):
    monkeypatch.setattr(connection_module, "HEARTBEAT_INTERVAL_MS", 100)
    monkeypatch.setattr(connection_module, "HEARTBEAT_TIMEOUT_MS", 1000 * PATIENCE)
    alive = await lesson.raw()
    timers = connection_of(alive, node)._timers
    for _ in range(3):
        await alive.hear("ping")
    monkeypatch.setattr(connection_module, "HEARTBEAT_INTERVAL_MS", 1000 * PATIENCE)
    ping = await alive.hear("ping")
    assert "pong" in timers, "it is waited for"
    await eventually(lambda: timers["ping"].when() > asyncio.get_running_loop().time() + 1)
    await alive.send({"type": "pong", "applied": ping["head"]})
    await eventually(lambda: "pong" not in timers)
    monkeypatch.setattr(connection_module, "HEARTBEAT_INTERVAL_MS", 100)
    monkeypatch.setattr(connection_module, "HEARTBEAT_TIMEOUT_MS", 60)
    monkeypatch.setattr(connection_module, "LATE_SECONDS", 0.01)
    silent = await lesson.raw()
    bye, code = await silent.farewell()
    assert (bye["code"], code) == (4112, 4112)
    assert (await alive.say("hand.lower"))["type"] == "ack"


async def test_a_pong_that_came_while_the_loop_stood_still_is_heard(lesson, node):
    raw = await lesson.raw()
    connection = connection_of(raw, node)
    connection._later("pong", 0.2, connection._no_pong)
    await raw.send({"type": "pong", "applied": 1})
    time.sleep(0.3)
    await eventually(lambda: "pong" not in connection._timers)
    assert (await raw.say("chat.post", {"text": "still here"}))["type"] == "ack"


async def test_who_is_too_fast_is_told_to_wait_then_closed(lesson, unharmed, in_no_time):
    raw = await lesson.raw()
    for _ in range(limits.COMMAND_BURST + 5):
        await raw.command("session.end")
    answers = await raw.answers(limits.COMMAND_BURST + 5)
    codes = [answer["code"] for answer in answers]
    assert codes == ["forbidden"] * limits.COMMAND_BURST + ["rate_limited"] * 5
    assert answers[-1]["retryable"]
    assert 0 < answers[-1]["retry_ms"] <= 100
    assert [answer["id"] for answer in answers] == sorted(answer["id"] for answer in answers)
    for _ in range(limits.ABUSE_FACTOR * limits.COMMAND_BURST + 20):
        await raw.send({"type": "ping"})
    bye, code = await raw.farewell()
    assert (bye["code"], code) == (4513, 4513)


async def test_a_frame_of_64_kib_is_read(lesson):
    """The bound is on the frame, not on what is inside: the refusal names the text."""
    raw = await lesson.raw()
    frame = {"type": "command", "id": 1, "key": "k", "op": "chat.post", "data": {"text": ""}}
    frame["data"]["text"] = "x" * (limits.FRAME_BYTES - len(json.dumps(frame)))
    await raw.send(frame)
    answer = await raw.hear("nack", "bye")
    assert (answer["type"], answer["field"]) == ("nack", "text")
