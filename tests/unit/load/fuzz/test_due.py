"""What the fuzzer holds to be lawful after a frame."""

import pytest

from load.fuzz.due import ENDS, Due, due
from protocol.limits import FRAME_BYTES


def command(**changes):
    import json

    return json.dumps({"type": "command", "id": 7, "key": "k", "op": "hand.raise", **changes})


@pytest.mark.parametrize(
    "text",
    [
        command(),
        command(key=None),
        command(op=["x"]),
        command(data="\ud800"),
        command(extra=1),
        '{"type":"command","id":7}',
    ],
)
def test_a_command_with_an_id_is_answered_whatever_else_is_wrong(text):
    assert due(text.encode()) == Due(ids=frozenset((7,)))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b'{"type":"ping"',
        b"\xef\xbb\xbf" + command().encode(),
        command().encode() + b"x",
        command(id=True).encode(),
        command(id=-1).encode(),
        command(id=2**53).encode(),
        command(id="7").encode(),
        b'{"type":"hello","token":"x"}',
        b'{"type":"welcome"}',
        b'{"type":"resync","sequence":-1}',
        command(pad="x" * FRAME_BYTES).encode(),
    ],
)
def test_what_is_no_frame_ends_the_connection(payload):
    assert due(payload) == ENDS


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type":"command","id":7,"data":NaN}',
        b'{"type":"command","id":7,"id":7}',
        b'{"type":"command","id":7,"key":"\xff"}',
        b'{"type":"command","id":7,"data":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_where_parsers_differ_an_answer_and_the_end_are_both_right(payload):
    assert due(payload) == Due(ids=frozenset((7,)), codes=ENDS.codes, silence=True)


def test_other_frames_have_their_own_consequences():
    assert due(b'{"type":"ping"}').pongs == 1
    assert due(b'{"type":"resync","sequence":5}').claims == 5
    assert due(b'{"type":"token","token":"x"}').codes == {4500}
