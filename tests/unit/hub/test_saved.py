"""Whatever happens in a class: what is saved of it is what is read again."""

import hashlib
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from protocol.codec import encode
from protocol.frames import SnapshotFrame
from protocol.snapshot import State
from protocol.state import people
from server.classroom import evolve
from server.classroom.state import Classroom
from server.hub import history, saved
from server.hub.draft import Head
from server.hub.keys import KeyHashes
from server.hub.saved import DamagedError, Image, pack, unpack
from server.hub.views import AUDIENCES
from tests.unit.classroom.test_machine import Class


def image(head, state, views, keys=b""):
    frames = {audience: encode(SnapshotFrame(head, views[audience])) for audience in AUDIENCES}
    return Image(Head(head, bytes(32), 7), state, frames, keys)


class SavedClass(Class):
    @invariant()
    def is_saved(self):
        lesson = self.lesson
        past = unpack("session", pack(image(lesson.head, lesson.state, lesson.views)))
        assert past.state == lesson.state
        assert past.head == (lesson.head, bytes(32), 7)
        assert past.saved == lesson.head
        assert past.views == {audience: lesson.views[audience] for audience in AUDIENCES}
        # And goes on as it would have: the order of things is part of what they are.
        assert encode(SnapshotFrame(1, past.views["staff"])) == encode(
            SnapshotFrame(1, lesson.views["staff"])
        )
        assert list(past.state.people) == list(lesson.state.people)
        assert list(past.state.messages) == list(lesson.state.messages)


TestSavedClass = SavedClass.TestCase
TestSavedClass.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


@pytest.fixture
def packed():
    keys = KeyHashes()
    for number in range(5_000):
        keys.add(f"key {number}")
    views = {audience: State() for audience in AUDIENCES}
    return pack(image(3, Classroom(status="live"), views, keys.pack()))


@pytest.mark.parametrize("at", [0, 31, 32, 40, -1])
def test_every_bit_counts(packed, at):
    data = bytearray(packed)
    data[at] ^= 1
    with pytest.raises(DamagedError):
        unpack("session", bytes(data))


@pytest.mark.parametrize(
    "body",
    [b"", b"\x80", b"\x01", b"\xc1", b"\x81\xa8sequence\x01"],
    ids=["nothing", "no field", "a number", "no MessagePack", "one field"],
)
def test_what_is_whole_but_something_else_is_damaged(body):
    with pytest.raises(DamagedError):
        unpack("session", hashlib.sha256(body).digest() + body)


def test_a_view_or_half_a_key_that_is_missing_is_damage():
    views = {audience: State() for audience in AUDIENCES}
    good = image(3, Classroom(), views)
    with pytest.raises(DamagedError):
        unpack("session", pack(good._replace(frames={"staff": good.frames["staff"]})))
    with pytest.raises(DamagedError):
        unpack("session", pack(good._replace(keys=b"1234567")))
    with pytest.raises(DamagedError):
        unpack("session", pack(good._replace(frames=dict.fromkeys(AUDIENCES, b"{}"))))


@pytest.mark.parametrize("count", [0, 1, 4_095, 4_096, 4_097, 10_000])
def test_keys_are_known_again(count):
    keys = KeyHashes()
    for number in range(count):
        keys.add(f"key {number}")
        keys.add(f"key {number}")
    packed = keys.pack()
    assert len(packed) == 8 * count
    again = KeyHashes(packed)
    assert all(f"key {number}" in again for number in range(count))
    assert not any(f"other {number}" in again for number in range(count))
    again.add("one more")
    assert again.pack()[: len(packed)] == packed
    assert KeyHashes(again.pack()).pack() == again.pack()
    assert "one more" not in keys


def test_another_rule_is_another_version(monkeypatch):
    code = {"protocol": [b"a", b"b"], "server.classroom": [b"c"], "server.hub": [b"d"]}
    monkeypatch.setattr(saved, "files", lambda package: package)
    monkeypatch.setattr(saved, "_sources", lambda package: code[package])
    before = saved._version()
    assert saved._version() == before < 2**31
    for package in code:
        with monkeypatch.context() as changed:
            changed.setitem(code, package, [b"something else"])
            assert saved._version() != before


@pytest.mark.parametrize("module", [evolve, history, people], ids=lambda module: module.__name__)
def test_the_code_that_folds_is_what_makes_the_version(module):
    package = ".".join(module.__name__.split(".")[:2]).removesuffix(".state")
    assert Path(module.__file__).read_bytes() in list(saved._sources(files(package)))
