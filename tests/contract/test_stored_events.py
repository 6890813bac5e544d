"""What the log has ever held can still be read: ``stored_events.ndjson`` has one of each.

A line is an event as it was stored, of one type and version; an old one also says what it
``becomes`` today. Lines are added and never changed. Whoever changes the shape of an event's data
raises its version, and is asked here for a line of that version and for the step to it
(``protocol/upcast.py``). A field that is new and has a default needs neither.
"""

import json
from pathlib import Path

import msgspec
import pytest

from protocol import codec, upcast
from protocol.events import EVENTS

LINES = (Path(__file__).parent / "stored_events.ndjson").read_text(encoding="utf-8").splitlines()
STORED = {(line["type"], line["version"]): line for line in map(json.loads, LINES)}
EVER = [(name, v) for name, kind in EVENTS.items() for v in range(1, kind.version + 1)]


def test_there_is_one_of_every_type_and_version():
    assert sorted(STORED) == sorted(EVER)
    assert len(LINES) == len(STORED)


@pytest.mark.parametrize(("name", "version"), EVER)
def test_it_is_read(name, version):
    line = STORED[name, version]
    event = codec.decode_event(name, msgspec.json.encode(line["data"]), version)
    today = json.loads(msgspec.json.encode(event))
    is_old = version < EVENTS[name].version
    assert ("becomes" in line) == is_old
    if is_old:
        assert today == line["becomes"]
    else:  # nothing of it is dropped, and what is not in it yet has a default
        assert today | line["data"] == today


def test_a_step_leads_on_from_every_old_version():
    assert set(upcast.STEPS) == {(name, v) for name, v in EVER if v < EVENTS[name].version}
