import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.commands import ChatPost
from protocol.errors import CloseCode, MalformedFrameError, Refusal, may_reconnect
from protocol.events import EVENTS, ChatPosted
from protocol.frames import ClientPing, CommandFrame, EventsFrame, ServerPong
from protocol.ids import view_of
from protocol.limits import FRAME_BYTES
from tests.strategies import identifier

ANN = identifier(4)


def command(data='{"text":"hello"}', *, op="chat.post", key="k-1", id_=17, more=""):
    text = f'{{"type":"command","id":{id_},"key":"{key}","op":"{op}","data":{data}{more}}}'
    return text.encode("utf-8", "surrogatepass")


def decoded(data):
    """Return the command of these bytes, as the socket gets to it."""
    return codec.decode_command(codec.decode_client(data))


# ---------------------------------------------------------------- frames that end a connection


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"not json",
        b"null",
        b"[]",
        b'"hello"',
        b"17",
        b"{}",
        b'{"type":"weather"}',
        b'{"type":7}',
        b'{"type":"welcome"}',
        b'{"type":"hello"}',
        b'{"type":"resync","sequence":-1}',
        b'{"type":"hello","token":"t","client":{"name":"\\u0000"}}',
        b'{"type":"hello","token":"\\ud800"}',
        b'{"type":"hello","token":"\xff"}',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"type":"ping","more":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"type":"command","op":"hand.raise","key":"k"}',
        b'{"type":"command","id":"1","op":"hand.raise","key":"k"}',
        b'{"type":"command","id":true,"op":"hand.raise","key":"k"}',
        b'{"type":"command","id":-1,"op":"hand.raise","key":"k"}',
        b'{"type":"command","id":9007199254740992,"op":"hand.raise","key":"k"}',
        b'{"type":"command","id":' + b"9" * 5_000 + b',"op":"hand.raise","key":"k"}',
        command("[" * 30_000 + "]" * 30_000),
        command('{"text":' * 6_000 + "1" + "}" * 6_000),
        b"\xef\xbb\xbf" + command("{}"),
        command("{}").decode().encode("utf-16"),
    ],
    ids=lambda data: data[:30].decode("latin-1"),
)
def test_what_is_no_frame_ends_the_connection(data):
    with pytest.raises(MalformedFrameError):
        codec.decode_client(data)


def test_a_frame_may_fill_the_limit_and_no_byte_more():
    frame = command(more=" " * 100)
    largest = frame + b" " * (FRAME_BYTES - len(frame))
    assert len(largest) == 65_536
    assert decoded(largest) == ChatPost("hello")
    with pytest.raises(MalformedFrameError, match="65536"):
        codec.decode_client(largest + b" ")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_bytes_of_any_kind_are_decoded_or_refused(data):
    with pytest.raises((MalformedFrameError, codec.RefusedFrame)):
        codec.decode_client(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"type": st.just("command"), "id": st.just(5)},
        optional=dict.fromkeys(("key", "op", "data", "expect", "other"), json_values),
    )
)
def test_a_command_with_an_id_always_gets_an_answer(frame):
    """Whatever else it holds: a command, or a refusal that can be sent."""
    key, number, refusal = "", 5, None
    try:
        decoded(json.dumps(frame).encode())
    except codec.RefusedFrame as refused:
        key, number, refusal = refused.key, refused.id, refused.refusal
    except Refusal as refused:
        refusal = refused
    assert number == 5
    if refusal is not None:
        assert refusal.code in ("bad_request", "unknown_op")
        assert refusal.field
        assert msgspec.json.encode([key, refusal.field, refusal.message])


# ---------------------------------------------------------------- commands that are refused


def refused(data):
    with pytest.raises((Refusal, codec.RefusedFrame)) as caught:
        decoded(data)
    error = caught.value
    return error.refusal if isinstance(error, codec.RefusedFrame) else error


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (command('{"text":"a\\u0000b"}'), "text"),
        (command('{"text":"\\ud800"}'), "text"),
        (command('{"text":"\\udc00\\ud800"}'), "text"),
        (command('{"text":"a","x\\u0000":1}'), "data"),
        (command('{"text":"a","x\\ud800":1}'), "data"),
        (command('{"text":["fine",{"deep":"\\u0000"}]}'), "text[1].deep"),
        (command('{"text":7}'), "text"),
        (command('{"text":"a","to":null}'), "to"),
        (command('{"text":"a","colour":"red"}'), "colour"),
        (command("{}"), "text"),
        (command("[]"), "data"),
        (command("null"), "data"),
        (command('"text"'), "data"),
        (command(key="two words"), "key"),
        (command(key="k\\n"), "key"),
        (command(key="k" * 65), "key"),
        (command(key=""), "key"),
        (command(op="x" * 65), "op"),
        (command(more=',"expect":-1'), "expect"),
        (command(more=',"expect":"1"'), "expect"),
        (b'{"type":"command","id":17,"key":"k","data":{}}', "op"),
        (b'{"type":"command","id":17,"op":"hand.raise"}', "key"),
        (b'{"type":"command","id":17,"op":"hand.raise","key":5}', "key"),
        (command('{"text":"\xff"}').replace(b"\xc3\xbf", b"\xff"), "data"),
    ],
    ids=lambda value: value[30:90].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_a_bad_command_is_refused_by_the_name_of_its_field(data, field):
    refusal = refused(data)
    assert (refusal.code, refusal.field) == ("bad_request", field)
    assert refusal.message.endswith(".")
    assert "regex" not in refusal.message


def test_a_refused_frame_keeps_what_pairs_the_answer():
    with pytest.raises(codec.RefusedFrame) as caught:
        codec.decode_client(command(key="not \\u0007 a key" + "y" * 99, id_=2**53 - 1))
    assert caught.value.id == 2**53 - 1
    assert caught.value.key == ("not � a key" + "y" * 99)[:40]


@pytest.mark.parametrize("op", ["chat.shout", "", "__proto__"])
def test_an_unknown_operation_is_refused(op):
    refusal = refused(command(op=op))
    assert (refusal.code, refusal.field) == ("unknown_op", "op")
    assert op in refusal.message


def test_data_nested_beyond_the_stack_is_refused_like_any_other():
    frame = CommandFrame(1, "k", "chat.post", msgspec.Raw(b"[" * 99_999 + b"]" * 99_999))
    with pytest.raises(Refusal) as caught:
        codec.decode_command(frame)
    assert (caught.value.code, caught.value.field) == ("bad_request", "data")


@pytest.mark.timeout(30)
def test_many_bad_characters_cost_no_time():
    """A pattern that goes back over the text for each character would take minutes here."""
    pattern = msgspec.inspect.type_info(ChatPost).fields[0].type.pattern
    assert re.search(pattern, "a" * 200_000 + "\0") is None
    assert re.search(pattern, " " * 200_000) is None
    assert re.search(pattern, " \n a " + "b" * 50_000 + "\n")


# ---------------------------------------------------------------- what goes out


def test_events_are_spliced_unparsed():
    stored = b'{"message": "m",  "name": "Ann"}'
    one = codec.encode_event(
        sequence=3, kind="chat.posted", version=1, at="…Z", by=ANN, key="k", data=stored
    )
    other = codec.encode_event(
        sequence=5, kind="x", version=2, at="…Z", by=None, key=None, data=b"{}"
    )
    assert stored in one
    frame = codec.decode_server(codec.encode_events(3, 5, [one, other]))
    assert isinstance(frame, EventsFrame)
    assert (frame.from_, frame.to) == (3, 5)
    assert [(each.sequence, each.by, each.key) for each in frame.events] == [
        (3, ANN, "k"),
        (5, None, msgspec.UNSET),
    ]
    assert b'"key"' not in other
    assert b'"by":null' in other
    assert codec.encode_events(6, 9, []) == b'{"type":"events","from":6,"to":9,"events":[]}'


def test_frames_survive_the_wire():
    for frame in (ClientPing(), CommandFrame(1, "k", "hand.raise")):
        assert codec.decode_client(codec.encode(frame)) == frame
    pong = ServerPong(3, codec.timestamp(0))
    assert codec.decode_server(codec.encode(pong)) == pong
    assert codec.decode_server(codec.encode(pong).decode()) == pong


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"type":"weather"}', b"\xff", b'{"type":"bye","code":1,"reason":"\xff"}']
)
def test_what_is_no_server_frame_is_malformed(data):
    with pytest.raises(MalformedFrameError):
        codec.decode_server(data)


def test_events_are_decoded_by_type():
    posted = ChatPosted(identifier(1), "Ann", "hello", "everyone")
    assert codec.decode_event("chat.posted", msgspec.json.encode(posted)) == posted
    assert codec.decode_event("weather.changed", b"{}") is None
    for data in (b"{}", b"[", b'{"message":7}'):
        with pytest.raises(MalformedFrameError, match=r"chat\.posted"):
            codec.decode_event("chat.posted", data)


def test_names_of_events_are_unique_and_dotted():
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in EVENTS)
    assert len({kind.type for kind in EVENTS.values()}) == len(EVENTS)


# ---------------------------------------------------------------- small things


def test_a_timestamp_has_one_form():
    assert codec.timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert codec.timestamp(1_795_338_000_123) == "2026-11-22T09:00:00.123Z"
    assert codec.timestamp(1_795_338_000_999) == "2026-11-22T09:00:00.999Z"


moments = st.integers(0, 253_402_300_799_999)


@given(moments, moments)
def test_timestamps_compare_like_their_times(one, other):
    assert (codec.timestamp(one) < codec.timestamp(other)) == (one < other)
    assert len(codec.timestamp(one)) == 24


def test_what_is_shown_of_input_is_short_and_printable():
    assert codec.printable("chat.\n\x1b[31m\ud800" + "x" * 99) == ("chat.��[31m�" + "x" * 99)[:40]


def test_the_range_of_a_close_code_says_whether_to_come_back():
    for code in CloseCode:
        assert code.may_reconnect == (code == 1012 or 4100 <= code < 4500)
    assert may_reconnect(4199)
    assert not may_reconnect(4999)
    assert CloseCode.TOO_SLOW.reason == "too_slow"


def test_a_role_has_a_view():
    assert view_of("student") == "student"
    assert {view_of("teacher"), view_of("assistant"), view_of("admin")} == {"staff"}
