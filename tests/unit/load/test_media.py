"""What the media benchmark counts, and when it does not believe itself."""

import struct
from types import SimpleNamespace

from load.media import clip, platforms, viewers
from load.media.rows import Sinks, _Judged, latencies
from server.media.rtmp import amf, chunks

MILLISECOND = 1_000_000


def test_a_latency_is_the_distance_to_the_nearest_sending_of_that_picture():
    turn = 10_000 * MILLISECOND
    sent = [(1, 0), (2, 33 * MILLISECOND), (1, turn), (2, turn + 33 * MILLISECOND), (3, 2 * turn)]
    arrived = {
        "a": [(2, 34 * MILLISECOND), (1, turn + 5 * MILLISECOND)],
        "b": [(7, turn), (1, -1)],  # of no picture that was sent; from before
    }
    found = latencies(sent, arrived)
    assert len(found) == 2
    assert 0.99 <= found.percentile(50) <= 1.01
    assert 4.9 <= found.percentile(100) <= 5.1


def _watched(at, *viewers):
    return {
        "at": at,
        "viewers": [dict(zip(("pictures", "packets", "gaps"), v, strict=True)) for v in viewers],
    }


def _void(before, after, **sinks):
    return _Judged(before, after, Sinks(**sinks)).void


def test_a_row_counts_only_if_every_viewer_got_everything():
    before = {"viewers": _watched(0.0, (0, 0, 0), (0, 0, 0))}
    sinks = {"viewers": object(), "watching": 2}
    good = {"viewers": _watched(10.0, (300, 3000, 0), (301, 3010, 1))}
    assert _void(before, good, **sinks) == []
    slow = {"viewers": _watched(10.0, (300, 3000, 0), (280, 2800, 0))}
    assert _void(before, slow, **sinks) == ["viewer 1: 28.0 pictures/s"]
    lossy = {"viewers": _watched(10.0, (300, 3000, 0), (300, 3000, 9))}
    assert _void(before, lossy, **sinks) == ["viewer 1: 9 gaps in 3000 packets"]
    fewer = {"viewers": _watched(10.0, (300, 3000, 0))}
    assert _void(before, fewer, **sinks) == ["1 watch instead of 2"]


def test_a_row_counts_only_if_every_destination_got_everything():
    def counted(at, **streams):
        return {"platforms": {"at": at, "streams": {
            key: {"pictures": pictures, "backwards": backwards}
            for key, (pictures, backwards) in streams.items()
        }}}  # fmt: skip

    sinks = {"platforms": object(), "keys": ["a", "b"]}
    before = counted(0.0, a=(0, 0), b=(0, 0))
    assert _void(before, counted(10.0, a=(300, 0), b=(299, 0)), **sinks) == []
    assert _void(before, counted(10.0, a=(300, 0), b=(0, 0)), **sinks) == ["b: 0.0 pictures/s"]
    assert _void(before, counted(10.0, a=(300, 0)), **sinks) == ["b has no stream"]
    assert _void(before, counted(10.0, a=(300, 2), b=(300, 0)), **sinks) == [
        "a: 2 timestamps do not increase"
    ]


def test_the_platform_counts_what_a_publisher_sends_however_it_is_cut():
    def command(name, call, *values, stream=0):
        body = amf.encode(name, call, *values)
        part = chunks.payload(chunks.MessageType.COMMAND, chunks.ChunkStream.COMMAND, body)
        return chunks.message(part, 0, stream)

    def media(kind, timestamp, body):
        stream = chunks.ChunkStream.VIDEO if kind == 9 else chunks.ChunkStream.AUDIO
        part = chunks.payload(chunks.MessageType(kind), stream, body)
        return chunks.message(part, timestamp, 1)

    key = b"\x17\x01\0\0\0" + bytes(range(256)) * 40  # some chunks
    delta = b"\x27\x01\0\0\0" + bytes(300)
    sent = b"".join(
        (
            b"\x03" + bytes(1536),
            bytes(1536),
            b"\x02\0\0\0\0\0\x04\x01\0\0\0\0" + chunks.OUT_CHUNK.to_bytes(4),
            command("connect", 1, {"app": "live"}),
            command("createStream", 2, None),
            command("publish", 3, None, "the-key", "live", stream=1),
            media(9, 0, b"\x17\x00\0\0\0header"),
            media(8, 0, b"\xaf\x00header"),
            media(9, 0, key),
            media(8, 0, b"\xaf\x01sound"),
            media(9, 33, delta),
            media(9, 33, delta),
        )
    )
    for size in (1, 7, 1000, len(sent)):
        streams, answers = {}, []
        publisher = platforms.Publisher(streams, answers.append)
        for at in range(0, len(sent), size):
            publisher.feed(sent[at : at + size], at)
        stream = streams["the-key"]
        assert (stream.pictures, stream.keyframes, stream.sounds) == (3, 1, 1)
        assert stream.backwards == 1
        assert stream.arrived[0][0] == clip.identity(key)
        assert b"NetStream.Publish.Start" in b"".join(answers)


def test_a_viewer_counts_media_by_its_header_and_passes_everything_else_on():
    passed = []
    viewer = viewers.Viewer(SimpleNamespace(), None)
    receive = viewer._counting(lambda data, address: passed.append(data))

    def rtp(sequence, *, marker=0, ssrc=1, size=100):
        return struct.pack("!BBHII", 0x80, marker << 7 | 100, sequence, 0, ssrc) + bytes(size)

    for sequence in (65534, 65535, 0, 2):
        receive(rtp(sequence, marker=sequence % 2), ("", 0))
    receive(rtp(5, ssrc=2, size=10), ("", 0))
    rtcp, stun = struct.pack("!BBH", 0x80, 200, 1), b"\x00\x01"
    receive(rtcp, ("", 0))
    receive(stun, ("", 0))
    assert passed == [rtcp, stun]
    counted = viewer.counted()
    assert (counted["pictures"], counted["packets"], counted["gaps"]) == (1, 5, 1)
