"""The fuzzer speaks the whole protocol, and the same for the same seed."""

import json
from random import Random

import msgspec
import pytest

from load.fuzz.mutate import mutate
from load.fuzz.rooms import Mint, Room
from load.fuzz.speech import Speech
from load.fuzz.values import Known, Values
from protocol.codec import decode_server, encode_event, encode_events
from protocol.commands import COMMANDS

TENANT = "01900000-0000-7000-9000-00000000000f"
SESSION = "01900000-0000-7000-9000-00000000000e"


def room():
    return Room(SESSION, Mint("s" * 40, TENANT), Random(1))


@pytest.mark.parametrize("op", COMMANDS)
def test_every_operation_can_be_said_rightly(op):
    values = Values(Random(op), Known())
    refused = []
    for _ in range(60):
        data = msgspec.json.encode(values.struct(COMMANDS[op]))
        try:
            msgspec.json.decode(data, type=COMMANDS[op])
        except msgspec.ValidationError as error:
            refused.append(str(error))
    assert len(refused) <= 20, refused


def test_the_same_seed_says_the_same():
    def said():
        place, rng = room(), Random(5)
        speech = Speech(rng, place, place.pick(rng))
        frames = [speech.command() for _ in range(50)] + [speech.other() for _ in range(20)]
        return [mutate(rng, frame) for frame in frames if frame["type"] != "token"]

    assert said() == said()


def test_what_is_known_changes_ids_and_nothing_else():
    def said(*, knows):
        place, rng = room(), Random(5)
        if knows:
            place.known.add("A poll.", SESSION)
        speech = Speech(rng, place, place.pick(rng))
        return [speech.command() for _ in range(200)]

    blind, knowing = json.dumps(said(knows=False)), json.dumps(said(knows=True))
    assert SESSION not in blind
    assert SESSION in knowing
    assert len(blind) == len(knowing)


def test_ids_are_learnt_from_events():
    known = Known()
    data = msgspec.json.encode({"poll": SESSION, "prompt": "?", "options": ["a", "b"]})
    event = encode_event(
        sequence=1, kind="poll.opened", version=1, at="x", by=None, key=None, data=data
    )
    frame = decode_server(encode_events(1, 1, [event]))
    known.hear(frame)
    assert known.pick("A poll.", 0.5) == SESSION
