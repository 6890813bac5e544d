import itertools

import msgspec
import pytest

from protocol import codec
from protocol import events as ev
from protocol.client import Answered, Client, Happened, RetryAfter
from protocol.commands import ChatPost, HandRaise
from protocol.errors import MalformedFrameError
from protocol.frames import (
    Ack,
    Bye,
    ClientPong,
    CommandFrame,
    Heartbeat,
    Hello,
    Limits,
    Me,
    Mine,
    Nack,
    ResumePosition,
    Resync,
    ServerPing,
    SnapshotFrame,
    TokenSent,
    TokenTaken,
    Welcome,
)
from protocol.snapshot import State
from tests.strategies import identifier

AT = "2026-11-22T09:00:00.123Z"
ANN = identifier(4)


class Peer:
    """The server's side of one client, said in frames."""

    def __init__(self):
        keys = itertools.count(1)
        self.client = Client("token-1", new_key=lambda: f"k{next(keys)}")

    def sent(self):
        return [codec.decode_client(data) for data in self.client.data_to_send()]

    def commands(self):
        return [(frame.id, frame.key) for frame in self.sent()]

    def says(self, frame):
        return self.client.receive(codec.encode(frame))

    def welcomes(self, recovery="snapshot", *, head=0, log="log-1", view="student"):
        me = Me(ANN, "Ann", "student", ())
        beat, limits = Heartbeat(25_000, 10_000), Limits(65_536, 10, 20, 32)
        welcome = Welcome(
            "c", identifier(9), log, 1, head, me, view, recovery, beat, limits, AT, AT
        )
        return self.says(welcome)

    def tells(self, first, last, *events):
        """Send a range; ``events`` are (sequence, event) or (sequence, name of an unknown one)."""
        encoded = []
        for sequence, event in events:
            known = not isinstance(event, str)
            encoded.append(
                codec.encode_event(
                    sequence=sequence,
                    kind=event.type if known else event,
                    version=1,
                    at=AT,
                    by=ANN,
                    key=None,
                    data=msgspec.json.encode(event) if known else b'{"anything":[1]}',
                )
            )
        return self.client.receive(codec.encode_events(first, last, encoded))

    def texts(self):
        return [message.text for message in self.client.state.messages]


def chat(text):
    return ev.ChatPosted(identifier(1), "Ann", text, "everyone")


def mine(sequence):
    return Mine(sequence, "student", (), False, None, None, {}, (), (), ())


@pytest.fixture
def peer():
    peer = Peer()
    peer.client.hello()
    assert peer.sent() == [Hello("token-1", peer.client.info, None)]
    peer.welcomes()
    peer.says(SnapshotFrame(0, State()))
    return peer


# ---------------------------------------------------------------- events


def test_events_are_applied_in_order_and_hidden_ones_move_the_position(peer):
    received = peer.tells(1, 5, (2, chat("a")), (4, chat("b")))
    assert [type(each) for each in received] == [Happened, Happened]
    assert [each.logged.sequence for each in received] == [2, 4]
    assert peer.client.position == peer.client.head == 5
    assert peer.tells(6, 9) == []
    assert peer.client.position == 9
    assert peer.texts() == ["a", "b"]


def test_what_was_seen_is_skipped_also_where_ranges_overlap(peer):
    peer.tells(1, 2, (1, chat("a")), (2, chat("b")))
    assert peer.tells(1, 2, (1, chat("a")), (2, chat("b"))) == []
    (received,) = peer.tells(2, 3, (2, chat("b")), (3, chat("c")))
    assert received.logged.sequence == 3
    assert peer.tells(1, 1, (1, chat("a"))) == []
    assert peer.client.position == 3, "it never goes back"
    assert peer.texts() == ["a", "b", "c"]


def test_an_unknown_type_moves_the_position(peer):
    (received,) = peer.tells(1, 1, (1, "weather.changed"))
    assert received.event is None
    assert peer.client.position == 1
    assert peer.client.state == State()


def test_data_that_is_not_of_its_type_is_malformed(peer):
    bad = codec.encode_event(
        sequence=1, kind="chat.posted", version=1, at=AT, by=ANN, key=None, data=b"{}"
    )
    with pytest.raises(MalformedFrameError):
        peer.client.receive(codec.encode_events(1, 1, [bad]))
    with pytest.raises(MalformedFrameError):
        peer.client.receive("{}")


def test_a_gap_is_asked_for_once(peer):
    peer.tells(1, 1, (1, chat("a")))
    assert peer.tells(3, 3, (3, chat("c"))) == ()
    assert peer.tells(4, 4, (4, chat("d"))) == ()
    assert peer.sent() == [Resync(1)]
    assert (peer.client.gaps, peer.client.position) == (1, 1)
    peer.tells(2, 4, (2, chat("b")), (3, chat("c")), (4, chat("d")))
    assert peer.texts() == ["a", "b", "c", "d"]
    peer.tells(6, 6)
    assert peer.sent() == [Resync(4)], "a new gap is a new question"
    peer.says(SnapshotFrame(9, State(status="live")))
    assert (peer.client.position, peer.client.state.status) == (9, "live")
    peer.tells(11, 11)
    assert peer.sent() == [Resync(9)]


def test_a_snapshot_replaces_whatever_there_was(peer):
    peer.tells(1, 8, (1, chat("a")))
    (frame,) = peer.says(SnapshotFrame(3, State(status="ended")))
    assert frame.sequence == 3
    assert peer.client.position == 3
    assert peer.client.state == State(status="ended")


# ---------------------------------------------------------------- connections


def test_a_connection_resumes_where_the_last_one_stopped(peer):
    peer.tells(1, 5)
    peer.client.disconnected()
    assert peer.client.phase == "closed"
    peer.client.hello()
    (hello,) = peer.sent()
    assert hello.resume == ResumePosition("log-1", 5, "student")
    peer.welcomes("replay", head=7)
    assert peer.client.phase == "live"
    assert (peer.client.position, peer.client.head) == (5, 7)
    peer.tells(6, 7, (7, chat("g")))
    assert peer.texts() == ["g"]
    assert peer.client.gaps == 0


def test_a_resync_of_a_lost_connection_is_not_waited_for(peer):
    peer.tells(5, 5)
    peer.client.disconnected()
    peer.client.hello()
    peer.welcomes("live", head=5)
    peer.sent()
    peer.tells(6, 6)
    assert peer.sent() == [Resync(0)]


def test_events_before_the_promised_snapshot_are_ignored():
    peer = Peer()
    peer.client.hello()
    peer.welcomes(head=4)
    assert peer.tells(1, 4, (4, chat("a"))) == ()
    peer.says(SnapshotFrame(4, State()))
    assert (peer.client.position, peer.texts()) == (4, [])
    assert peer.client.gaps == 0


def test_nothing_is_resumed_without_a_state_or_from_the_lobby():
    peer = Peer()
    peer.client.hello()
    peer.welcomes(view="lobby")
    peer.client.disconnected()
    peer.client.hello()
    assert peer.sent()[-1].resume is None
    peer.welcomes(view="lobby")
    peer.says(SnapshotFrame(0, State()))
    peer.client.disconnected()
    peer.client.hello()
    assert peer.sent()[-1].resume is None


def test_a_newer_mine_wins_and_another_log_has_its_own(peer):
    peer.says(mine(5))
    peer.says(mine(4))
    assert peer.client.mine.sequence == 5
    peer.says(mine(6))
    assert peer.client.mine.sequence == 6
    peer.client.disconnected()
    peer.client.hello()
    peer.welcomes("live")
    assert peer.client.mine.sequence == 6
    peer.client.disconnected()
    peer.client.hello()
    peer.welcomes(log="log-2")
    assert peer.client.mine is None
    peer.says(mine(1))
    assert peer.client.mine.sequence == 1


def test_pings_are_answered_with_the_position(peer):
    peer.tells(1, 3)
    peer.says(ServerPing(7, AT))
    assert peer.sent() == [ClientPong(3)]
    assert peer.client.head == 7
    peer.client.ping()
    assert [type(frame).__name__ for frame in peer.sent()] == ["ClientPing"]


def test_a_fresh_token_is_for_now_and_later(peer):
    peer.client.renew("token-2")
    assert peer.sent() == [TokenSent("token-2")]
    (taken,) = peer.says(TokenTaken(AT))
    assert taken == TokenTaken(AT)
    peer.client.disconnected()
    peer.client.renew("token-3")
    assert peer.sent() == []
    peer.client.hello()
    assert peer.sent()[0].token == "token-3"


@pytest.mark.parametrize(
    ("code", "returns"), [(1012, True), (4101, True), (4199, True), (4500, False), (4999, False)]
)
def test_a_goodbye_says_whether_to_come_back(peer, code, returns):
    assert peer.client.may_reconnect
    peer.says(Bye(code, "whatever"))
    assert peer.client.may_reconnect is returns
    peer.client.disconnected()
    peer.client.hello()
    assert peer.client.may_reconnect, "a new connection, a new chance"


# ---------------------------------------------------------------- commands


def test_answers_settle_commands(peer):
    assert peer.client.command(ChatPost("a")) == "k1"
    assert peer.client.command(HandRaise(), key="mine", expect=7) == "mine"
    first, second = peer.sent()
    assert (first.id, first.op, bytes(first.data)) == (
        1,
        "chat.post",
        b'{"text":"a","to":"everyone","reply_to":null}',
    )
    assert second == CommandFrame(2, "mine", "hand.raise", msgspec.Raw(b"{}"), 7)
    (answered,) = peer.says(Ack(1, "k1", (1, 1)))
    assert answered == Answered("k1", Ack(1, "k1", (1, 1)))
    refused = Nack(2, "mine", "conflict", "Changed.", False, detail={"touched": 8})
    assert peer.says(refused) == (Answered("mine", refused),)
    assert peer.client.unanswered == 0
    assert peer.says(refused) == (), "an answer that nobody waits for"
    assert peer.says(Ack(99, "k99", None)) == ()


def test_what_is_unavailable_goes_again_in_order_with_its_key_and_later_ones_after_it(peer):
    for text in "abc":
        peer.client.command(ChatPost(text))
    assert peer.commands() == [(1, "k1"), (2, "k2"), (3, "k3")]
    assert peer.says(Nack(1, "k1", "unavailable", "", True, 500)) == (RetryAfter(500),)
    assert peer.says(Nack(2, "k2", "overloaded", "", True)) == (RetryAfter(200),)
    peer.client.command(ChatPost("d"))
    assert peer.commands() == [], "it waits for its turn"
    assert peer.client.unanswered == 4
    peer.client.resend()
    assert peer.commands() == [(4, "k1"), (5, "k2"), (6, "k4")], "the third is under way"
    peer.client.resend()
    assert peer.commands() == []
    for number, key in ((3, "k3"), (4, "k1"), (5, "k2"), (6, "k4")):
        (answered,) = peer.says(Ack(number, key, (number, number)))
        assert answered.key == key
    assert peer.client.unanswered == 0


def test_an_unanswered_command_goes_again_on_the_next_connection(peer):
    peer.client.command(ChatPost("a"))
    peer.sent()
    peer.client.disconnected()
    peer.client.command(ChatPost("b"))
    peer.client.resend()
    assert peer.sent() == []
    peer.client.hello()
    peer.sent()
    peer.client.command(ChatPost("c"))
    assert peer.sent() == [], "not before the welcome"
    peer.welcomes("live")
    assert peer.commands() == [(2, "k1"), (3, "k2"), (4, "k3")]
    assert peer.says(Ack(1, "k1", (1, 1))) == (), "the answer to a number of the last connection"
    (answered,) = peer.says(Ack(2, "k1", (1, 1), True))
    assert answered.answer.duplicate
