"""What we say to an RTMP server, and what follows from what it says: pure, byte by byte."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.codes import Code
from server.media.rtmp import amf
from server.media.rtmp.chunks import MessageType
from server.media.rtmp.conversation import NONCE, Conversation, Stage
from server.media.rtmp.reader import Message, Reader
from server.media.rtmp.refusals import refusal
from server.secrets.secret import Secret
from tests.media.scripted_server import command, control, status

KEY = "canary-51-key"
S0S1S2 = b"\x03" + bytes(1536) + bytes(1536)
CONNECTED = command("_result", 1, None, {"code": "NetConnection.Connect.Success"})
CREATED = command("_result", 4, None, 1)
START = status("NetStream.Publish.Start", level="status")


class Told:
    """A conversation, and what it said after the handshake."""

    def __init__(self, url: str = "rtmp://live.example/app") -> None:
        self.conversation = Conversation(Secret(KEY), app="app", url=url, nonce=bytes(NONCE))
        assert self.conversation.begin() == b"\x03" + bytes(1536)
        self._reader = Reader()
        self.said: list[Message] = []

    def tell(self, *data: bytes) -> "Told":
        for each in data:
            answer = self.conversation.receive(each)
            if each is S0S1S2:
                assert answer[:1536] == each[1:1537]
                answer = answer[1536:]
            self.said += self._reader.feed(answer)
        return self

    def published(self) -> "Told":
        self.tell(S0S1S2, CONNECTED, CREATED, START)
        assert self.conversation.stage is Stage.PUBLISHED
        return self

    @property
    def commands(self) -> list[list[amf.Value]]:
        return [amf.decode(m.body) for m in self.said if m.type == MessageType.COMMAND]

    @property
    def controls(self) -> list[tuple[int, bytes]]:
        return [(m.type, m.body) for m in self.said if m.type < MessageType.AUDIO]


def test_a_stream_is_published_step_by_step() -> None:
    told = Told()
    seen = []
    for each in (S0S1S2, CONNECTED, CREATED, START):
        told.tell(each)
        seen.append((told.conversation.stage, [values[0] for values in told.commands]))
    assert seen == [
        (Stage.CONNECTING, ["connect"]),
        (Stage.CREATING, ["connect", "releaseStream", "FCPublish", "createStream"]),
        (Stage.PUBLISHING, ["connect", "releaseStream", "FCPublish", "createStream", "publish"]),
        (Stage.PUBLISHED, ["connect", "releaseStream", "FCPublish", "createStream", "publish"]),
    ]
    assert told.commands[0][2]["tcUrl"] == "rtmp://live.example/app"
    assert told.commands[0][2]["capsEx"] == 1
    assert told.commands[4] == ["publish", 5.0, None, KEY, "live"]
    assert told.said[-1].stream == 1
    assert told.controls == [(MessageType.SET_CHUNK_SIZE, b"\0\0\x10\0")]


@given(st.integers(1, 700))
def test_it_does_not_matter_how_the_bytes_arrive(size: int) -> None:
    data = S0S1S2 + CONNECTED + CREATED + START
    conversation = Conversation(Secret(KEY), app="a", url="rtmp://h/a", nonce=bytes(NONCE))
    for at in range(0, len(data), size):
        conversation.receive(data[at : at + size])
    assert conversation.stage is Stage.PUBLISHED


def test_goodbye_names_the_key_and_the_stream() -> None:
    told = Told().published()
    goodbye = [amf.decode(m.body) for m in told._reader.feed(told.conversation.goodbye())]
    assert goodbye == [["FCUnpublish", 6.0, None, KEY], ["deleteStream", 7.0, None, 1.0]]
    assert Told().conversation.goodbye() == b""
    ended = Told().published().tell(status("NetStream.Failed", level="error"))
    assert ended.conversation.goodbye() == b""


def test_a_start_that_nobody_asked_for_starts_nothing() -> None:
    told = Told().tell(S0S1S2, START, CONNECTED)
    assert told.conversation.stage is Stage.CREATING
    assert told.conversation.ended is None


def test_what_is_only_news_ends_nothing() -> None:
    told = Told().tell(S0S1S2, CONNECTED, CREATED)
    told.tell(
        status("NetStream.Publish.Reset", level="status"),
        command("_error", 2, None, {"code": "NetConnection.Call.Failed"}),
        command("onFCPublish", 0, None, {"code": "NetStream.Publish.Start"}),
        command("onBWDone", 0, None),
    )
    assert told.conversation.ended is None
    assert told.tell(START).conversation.stage is Stage.PUBLISHED


def info(code: str, description: str = "", level: str = "error") -> dict[str, Any]:
    return {"level": level, "code": code, "description": description}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (info("NetConnection.Connect.Rejected"), Code.AUTH_REJECTED),
        (info("NetConnection.Connect.InvalidApp", "no such application"), Code.AUTH_REJECTED),
        (
            info(
                "NetConnection.Connect.Rejected",
                "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ",
            ),
            Code.AUTH_REJECTED,
        ),
        (info("NetConnection.Connect.Failed", "authmod=llnw"), Code.AUTH_REJECTED),
        (info("NetConnection.Connect.AppShutdown"), Code.PROVIDER_CLOSE),
        (info("", "Stream is already publishing"), Code.NAME_IN_USE),
        (info("Anything.Else"), Code.AUTH_REJECTED),
        (None, Code.AUTH_REJECTED),
    ],
)
def test_a_refusal_to_connect(said: amf.Value, code: Code) -> None:
    told = Told().tell(S0S1S2, command("_error", 1, None, said))
    assert told.conversation.ended is code
    assert told.conversation.redirect is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (info("NetStream.Publish.BadName", "Already publishing"), Code.NAME_IN_USE),
        (info("NetStream.Publish.BadName"), Code.NAME_IN_USE),
        (info("NetStream.Publish.Denied", "stream busy: live/x"), Code.NAME_IN_USE),
        (info("NetStream.Publish.Denied"), Code.PUBLISH_DENIED),
        (info("NetStream.Publish.Failed", "State TERMINAL_ENT_STATE"), Code.PUBLISH_DENIED),
        (info("NetStream.Publish.BadName", "TERMINAL_ENT_STATE"), Code.PUBLISH_DENIED),
        (info("NetStream.Publish.Failed", "Authentication failed."), Code.AUTH_REJECTED),
        (info("NetStream.Publish.Unauthorized"), Code.AUTH_REJECTED),
        (info("NetStream.Failed"), Code.PROVIDER_CLOSE),
        (info("Who.Knows"), Code.PUBLISH_DENIED),
        (info("Who.Knows", level=""), Code.PUBLISH_DENIED),
        ("nonsense", Code.PUBLISH_DENIED),
    ],
)
@pytest.mark.parametrize("answer", ["onStatus", "_error"])
def test_a_refusal_to_publish(said: amf.Value, code: Code, answer: str) -> None:
    call = 0 if answer == "onStatus" else 5
    told = Told().tell(S0S1S2, CONNECTED, CREATED, command(answer, call, None, said))
    assert told.conversation.ended is code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (status("NetStream.Unpublish.Success", level="status"), Code.PROVIDER_CLOSE),
        (status("NetStream.Publish.BadName", level="error"), Code.NAME_IN_USE),
        (status("NetConnection.Connect.Closed", level="error"), Code.PROVIDER_CLOSE),
        (command("close", 0, None), Code.PROVIDER_CLOSE),
        (command("onStatus", 0, None, info("x", "TERMINAL_ENT_STATE")), Code.PUBLISH_DENIED),
        (control(MessageType.SET_CHUNK_SIZE, bytes(4)), Code.HANDSHAKE),
        (control(MessageType.COMMAND, b"\x02\x00\xffshort"), Code.HANDSHAKE),
        (START, None),
        (status("NetStream.Something.New", level="status"), None),
        (control(MessageType.USER_CONTROL, b"\x00\x00\x00\x00\x00\x01"), None),
    ],
)
def test_what_ends_a_stream_that_runs(said: bytes, code: Code | None) -> None:
    assert Told().published().tell(said).conversation.ended is code


def test_a_long_saying_is_read_only_so_far() -> None:
    said = "x" * 100_000 + "already publishing"
    assert refusal("", said, Code.PUBLISH_DENIED) is Code.PUBLISH_DENIED


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400", b"\x06" + bytes(3000)])
def test_who_greets_otherwise_speaks_no_rtmp(greeting: bytes) -> None:
    assert Told().tell(greeting).conversation.ended is Code.HANDSHAKE


@pytest.mark.parametrize("stream", [0, -1, 1 << 24, "1", None, float("nan")])
def test_a_stream_must_have_a_number(stream: amf.Value) -> None:
    told = Told().tell(S0S1S2, CONNECTED, command("_result", 4, None, stream))
    assert told.conversation.ended is Code.HANDSHAKE


def test_a_ping_is_answered_with_its_time() -> None:
    told = Told().published().tell(control(MessageType.USER_CONTROL, b"\0\x06\1\2\3\4"))
    assert told.controls[-1] == (MessageType.USER_CONTROL, b"\0\x07\1\2\3\4")


def test_what_a_window_holds_is_acked() -> None:
    told = Told().tell(S0S1S2, control(MessageType.WINDOW_SIZE, (3500).to_bytes(4, "big")))
    assert (MessageType.ACKNOWLEDGEMENT, (3500).to_bytes(4, "big")) not in told.controls
    told.tell(control(MessageType.DATA, bytes(600)))
    # 3,073 of the handshake, 16 and 12 + 600 since.
    assert told.controls[-1] == (MessageType.ACKNOWLEDGEMENT, (3701).to_bytes(4, "big"))
    told.tell(control(MessageType.DATA, bytes(600)))
    assert len([kind for kind, _ in told.controls if kind == MessageType.ACKNOWLEDGEMENT]) == 1


def test_limits_on_bandwidth_are_confirmed_when_they_change() -> None:
    hard, soft, dynamic = range(3)
    told = Told().published()

    def limit(window: int, kind: int) -> list[int]:
        before = len(told.said)
        told.tell(control(MessageType.PEER_BANDWIDTH, window.to_bytes(4, "big") + bytes((kind,))))
        return [int.from_bytes(m.body, "big") for m in told.said[before:]]

    assert limit(2_500_000, dynamic) == [2_500_000]
    assert limit(2_500_000, hard) == []
    assert limit(1_000_000, soft) == [1_000_000]
    assert limit(9_000_000, soft) == []  # the smaller one holds
    assert limit(5_000_000, dynamic) == []  # only after a hard one
    assert limit(5_000_000, hard) == [5_000_000]
    assert limit(6_000_000, dynamic) == [6_000_000]


@pytest.mark.parametrize(
    ("ours", "theirs", "redirect"),
    [
        ("rtmp://a.example/app", "rtmp://b.example:1936/new", "rtmp://b.example:1936/new"),
        ("rtmp://a.example/app", "//b.example/new", "rtmp://b.example/new"),
        ("rtmp://a.example:1936/app", "/new", "rtmp://a.example:1936/new"),
        ("rtmps://a.example/app", "/new", "rtmps://a.example/new"),
        ("rtmp://a.example/app", "//[::1", "rtmp://a.example/app"),
        ("rtmps://a.example/app", None, "rtmps://a.example/app"),
        ("rtmps://a.example/app", "rtmps://b.example/app", "rtmps://b.example/app"),
        # The key would go where everybody on the way can read it.
        ("rtmps://a.example/app", "rtmp://b.example/app", "rtmps://a.example/app"),
        ("rtmps://a.example/app", "http://b.example/app", "rtmps://a.example/app"),
    ],
)
def test_a_request_to_reconnect(ours: str, theirs: str | None, redirect: str) -> None:
    told = Told(ours).published()
    more = {} if theirs is None else {"tcUrl": theirs}
    told.tell(status("NetConnection.Connect.ReconnectRequest", level="status", **more))
    assert told.conversation.redirect == redirect
    assert told.conversation.ended is None, "it goes on until somebody follows"


def test_a_refusal_may_redirect() -> None:
    elsewhere = {"code": 302.0, "redirect": "rtmp://b.example/app"}
    said = info("NetConnection.Connect.Rejected") | {"ex": elsewhere}
    told = Told().tell(S0S1S2, command("_error", 1, None, said))
    assert told.conversation.redirect == "rtmp://b.example/app"
    assert told.conversation.ended is Code.PROVIDER_CLOSE


@given(st.binary(max_size=400))
def test_nonsense_ends_it_or_is_waited_for(data: bytes) -> None:
    Told().tell(S0S1S2).conversation.receive(data)


def test_what_is_broken_off_is_begun_anew() -> None:
    whole = command("onStatus", 0, None, info("NetStream.Publish.BadName", "y" * 400))
    abort = control(MessageType.ABORT, (3).to_bytes(4, "big"))
    # The message again, behind a header of type 3: it has the length and type of the one before.
    again = b"\xc3" + whole[12:]
    told = Told().tell(S0S1S2, CONNECTED, CREATED, whole[: 12 + 128], abort)
    assert told.conversation.ended is None
    assert told.tell(again).conversation.ended is Code.NAME_IN_USE
