"""AMF and chunks, without I/O."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.rtmp import amf, chunks
from server.media.rtmp.chunks import ChunkStream, MessageType
from server.media.rtmp.reader import MalformedChunkError, Message, Reader

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=5))
def test_amf_values_survive_the_way_there_and_back(values: list[amf.Value]) -> None:
    assert amf.decode(amf.encode(*values)) == values


@given(st.binary(max_size=60))
def test_amf_that_is_none_is_refused(data: bytes) -> None:
    with suppress(amf.MalformedAmfError):
        amf.decode(data)


def test_text_from_the_environment_is_sent_as_the_bytes_it_was() -> None:
    assert amf.encode(b"key-\xff".decode(errors="surrogateescape"))[3:] == b"key-\xff"


def test_an_object_of_a_class_is_an_object() -> None:
    assert amf.decode(b"\x10\x00\x01C\x00\x01a\x05\x00\x00\x09\x0d") == [{"a": None}, None]


def test_amf_that_nests_without_end_is_refused() -> None:
    with pytest.raises(amf.MalformedAmfError):
        amf.decode((b"\x0a\x00\x00\x00\x01") * 1000)


def test_connect_is_encoded_as_the_specification_says() -> None:
    assert amf.encode("connect", 1, {"app": "live"}).hex() == (
        "020007636f6e6e656374" + "003ff0000000000000" + "030003617070" + "0200046c697665" + "000009"
    )


def read(data: bytes, *, size: int = 0) -> list[Message]:
    """Read what a publisher wrote, which has chunks of 4096 bytes."""
    reader = Reader()
    hello = chunks.payload(
        MessageType.SET_CHUNK_SIZE, ChunkStream.CONTROL, chunks.OUT_CHUNK.to_bytes(4, "big")
    )
    data = chunks.message(hello, 0, 0) + data
    step = size or len(data)
    messages = []
    for at in range(0, len(data), step):
        messages += reader.feed(data[at : at + step])
    return messages[1:]


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, (1 << 32) - 1)), max_size=4),
    st.integers(0, 700),
)
def test_messages_survive_however_they_are_cut(wanted: list[tuple[int, int]], size: int) -> None:
    data = b""
    bodies = []
    for length, timestamp in wanted:
        body = bytes(n * 7 % 256 for n in range(length))
        bodies.append(body)
        part = chunks.payload(MessageType.VIDEO, ChunkStream.VIDEO, body)
        data += chunks.message(part, timestamp, 1)
    assert [m.body for m in read(data, size=size)] == bodies


@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=5))
def test_timestamps_are_read_as_they_were_written(times: list[int]) -> None:
    part = chunks.payload(MessageType.VIDEO, ChunkStream.VIDEO, b"v" * 9000)
    data = b"".join(chunks.message(part, time, 1) for time in times)
    assert [m.timestamp for m in read(data)] == times


def test_deltas_are_added_and_repeated() -> None:
    """As other senders do, and ours never."""
    body = b"0123456789"
    data = chunks.message(chunks.payload(MessageType.AUDIO, ChunkStream.AUDIO, body), 0xFFFFFE, 1)
    data += b"\x44\x00\x00\x14\x00\x00\x0a\x08" + body  # type 1: 20 ms later
    data += b"\x84\x00\x00\x28" + body  # type 2: 40 ms later
    data += b"\xc4" + body  # type 3: the same again
    data += b"\x84\xff\xff\xff\x01\x00\x00\x00" + body  # type 2, extended
    expected = [0xFFFFFE + later for later in (0, 20, 60, 100, 100 + 0x1000000)]
    assert [(m.timestamp, m.body) for m in read(data)] == [(time, body) for time in expected]


@pytest.mark.parametrize("timestamp", [0, 0xFFFFFE])
def test_a_timestamp_that_fits_is_in_three_bytes(timestamp: int) -> None:
    part = chunks.payload(MessageType.AUDIO, ChunkStream.AUDIO, b"x" * 10)
    data = chunks.message(part, timestamp, 1)
    assert data[:12] == b"\x04" + timestamp.to_bytes(3, "big") + b"\x00\x00\x0a\x08\x01\x00\x00\x00"
    assert data[12:] == b"x" * 10


@pytest.mark.parametrize("timestamp", [0xFFFFFF, 0x1000000, 0xFFFFFFFF])
def test_a_large_timestamp_is_repeated_in_every_chunk(timestamp: int) -> None:
    part = chunks.payload(MessageType.VIDEO, ChunkStream.VIDEO, b"y" * 9000)
    data = chunks.message(part, timestamp, 1)
    extended = timestamp.to_bytes(4, "big")
    assert data[1:4] == b"\xff\xff\xff"
    assert data[12:16] == extended
    assert data.count(b"\xc6" + extended) == 2
    assert [m.body for m in read(data)] == [b"y" * 9000]


def test_the_chunks_of_a_message_are_the_same_for_every_destination() -> None:
    part = chunks.payload(MessageType.VIDEO, ChunkStream.VIDEO, b"z" * 9000)
    one, two = chunks.message(part, 5, 1), chunks.message(part, 99, 1)
    assert one[12:] == two[12:] == part.chunks


@pytest.mark.parametrize(
    "data",
    [
        b"\x03\x00\x00\x00\xff\xff\xff\x14\x00\x00\x00\x00",
        chunks.message(
            chunks.payload(MessageType.SET_CHUNK_SIZE, ChunkStream.CONTROL, bytes(4)), 0, 0
        ),
        b"".join(bytes((0, n)) + bytes(7) + bytes(4) for n in range(1, 100)),
        b"".join(
            bytes((3 + n,))
            + bytes(3)
            + b"\x00\xff\xff\x14"
            + bytes(4)
            + bytes(128)
            + (bytes((0xC3 + n,)) + bytes(128)) * 60
            for n in range(20)
        ),
    ],
    ids=["too_long", "chunk_size_zero", "too_many_streams", "too_much_unfinished"],
)
def test_a_server_that_breaks_the_bounds_is_left(data: bytes) -> None:
    with pytest.raises(MalformedChunkError):
        list(Reader().feed(data))


@given(st.binary(max_size=200))
def test_nonsense_is_refused_or_waited_for(data: bytes) -> None:
    with suppress(MalformedChunkError):
        list(Reader().feed(data))
