"""What people of one process share, and the client that keeps no state."""

import random

import jwt
import pytest

from load.report import Report
from load.run.follower import Follower
from load.run.hall import Hall
from load.run.intruder import spoilt
from protocol import codec
from protocol.client import Client
from protocol.errors import MalformedFrameError
from protocol.frames import ClientPong, Heartbeat, Limits, Me, ServerPing, SnapshotFrame, Welcome
from protocol.snapshot import State

from .events import ANN, AT, POLL, Q1, Q2, asked, event, frame, opened, said


def welcome(recovery="snapshot", head=0):
    me = Me(ANN, "Ann", "student", ())
    return codec.encode(
        Welcome(
            *("c", POLL, "log", 1, head, me, "student", recovery),
            *(Heartbeat(25_000, 10_000), Limits(65_536, 10, 20, 32), AT, AT),
        )
    )


@pytest.fixture
def polls():
    return []


@pytest.fixture
def hall(polls):
    return Hall(1, "ws://x", "Lrun", Report(), lambda *poll: polls.append(poll))


def at(hall, *messages):
    """A follower that was told these."""
    client = Follower("token", new_key=lambda: "k")
    client.hello()
    for message in messages:
        client.receive(message)
    client.data_to_send()
    return client


def follow(client, hall, data):
    return client.follow(hall.read("log", "student", data), data)


def test_a_follower_is_where_a_client_would_be(hall):
    messages = [welcome(head=3), codec.encode(SnapshotFrame(3, State()))]
    ranges = [frame(4, 4, said(4)), frame(5, 9, said(7)), frame(8, 10)]
    client, follower = Client("token", new_key=lambda: "k"), at(hall, *messages)
    client.hello()
    for data in (*messages, *ranges):
        client.receive(data)
    for data in ranges:
        assert follow(follower, hall, data)
    assert (follower.position, follower.head) == (client.position, client.head) == (10, 10)
    follower.receive(codec.encode(ServerPing(12, AT)))
    assert follower.data_to_send() == [codec.encode(ClientPong(10))]


def test_a_follower_asks_once_for_what_is_missing_and_resumes_where_it_stopped(hall):
    follower = at(hall, welcome(), codec.encode(SnapshotFrame(0, State())))
    assert not follow(follower, hall, frame(2, 2))
    assert not follow(follower, hall, frame(3, 3))
    assert follower.data_to_send() == [b'{"type":"resync","sequence":0}']
    assert follow(follower, hall, frame(1, 3))
    assert not follow(follower, hall, frame(5, 5))
    assert follower.data_to_send() == [b'{"type":"resync","sequence":3}']
    follower.disconnected()
    follower.hello()
    assert b'"sequence":3' in follower.data_to_send()[0]


def test_a_follower_refuses_what_is_no_snapshot(hall):
    with pytest.raises(MalformedFrameError):
        at(hall, welcome(), b'{"type":"snapshot","sequence":"x"}')


def test_a_key_says_when_its_command_was_due(hall):
    key = hall.key(1_234_567_890_123, 7)
    assert codec.decode_client(
        b'{"type":"command","id":1,"key":"%s","op":"hand.raise"}' % key.encode()
    )
    assert hall.due_ns(said(1, key=key)) == 1_234_567_890_123
    for foreign in (None, "x", "Lrun.2.abc.1", "Lrun.1.!.1"):
        assert hall.due_ns(said(1, key=foreign)) is None


def test_latencies_count_from_when_a_command_was_due(hall):
    told = hall.read("log", "student", frame(1, 2, said(1, key=hall.key(500, 1)), said(2)))
    assert told.since_ns == (500,)


def test_the_board_follows_the_class_once_however_many_are_told(hall, polls):
    data = frame(1, 3, asked(1, Q1), asked(2, Q2), opened(3, key=hall.key(900, 1)))
    for _ in range(3):
        hall.read("log", "student", data)
    hall.read("log", "student", frame(2, 3, asked(2, Q2), opened(3)))
    assert polls == [(hall, POLL, 3, 900)]
    assert list(hall.board.questions) == [Q1, Q2]
    hall.read("log", "student", frame(4, 4, event(4, "question.answered", question=Q1)))
    assert hall.board.any_question(random.Random(1)) == Q2


def test_what_only_passes_must_be_a_frame_all_the_same(hall):
    hall.glance(b'{"type":"counters","sequence":1,"online":1,"hands":0,"reactions":{},"polls":{},'
                b'"questions":{}}')  # fmt: skip
    with pytest.raises(MalformedFrameError):
        hall.glance(b'{"type":"counters","online":"many"}')


def test_a_spoilt_token_is_never_a_good_one():
    secret = "s" * 32
    token = jwt.encode({"sub": "ann", "exp": 2**32}, secret, "HS256")
    foreign = jwt.encode({"sub": "ben", "exp": 2**32}, secret, "HS256")
    rng = random.Random(1)
    seen = {spoilt(token, foreign, rng) for _ in range(200)}
    assert token not in seen
    assert foreign in seen
    for bad in seen - {foreign}:
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(bad, secret, ["HS256"])
    assert all(spoilt(token, None, rng) != token for _ in range(50))
