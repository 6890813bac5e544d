"""Old data takes its steps, one after the other, before it is decoded; a type of our own here."""

from typing import ClassVar

import msgspec
import pytest

from protocol import codec, upcast
from protocol.errors import MalformedFrameError
from protocol.events import EVENTS
from protocol.messages import Event
from protocol.upcast import NoStepError


class Measured(Event, frozen=True):
    """Version 1 had ``warm``, version 2 ``celsius``."""

    type = "weather.measured"
    version: ClassVar[int] = 3
    kelvin: int
    place: str


STEPS = {
    ("weather.measured", 1): lambda data: {"celsius": 25 if data["warm"] else 5},
    ("weather.measured", 2): lambda data: {"kelvin": data["celsius"] + 273, "place": "here"},
}


@pytest.fixture
def weather(monkeypatch):
    monkeypatch.setitem(EVENTS, Measured.type, Measured)
    monkeypatch.setitem(codec._events, Measured.type, msgspec.json.Decoder(Measured))
    for step, take in STEPS.items():
        monkeypatch.setitem(upcast.STEPS, step, take)


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (1, b'{"warm":true}'),
        (2, b'{"celsius":25}'),
        (3, b'{"kelvin":298,"place":"here"}'),
        (None, b'{"kelvin":298,"place":"here"}'),
    ],
)
def test_data_of_every_version_becomes_todays(weather, version, data):
    assert codec.decode_event(Measured.type, data, version) == Measured(298, "here")
    assert codec.decode_event(Measured.type, msgspec.Raw(data), version) == Measured(298, "here")


def test_data_that_is_not_of_its_version_is_malformed(weather, monkeypatch):
    for version, data in [(1, b"[]"), (1, b"{"), (2, b'{"celsius":0.5}'), (3, b'{"warm":true}')]:
        with pytest.raises(MalformedFrameError, match="weather"):
            codec.decode_event(Measured.type, data, version)
    monkeypatch.delitem(upcast.STEPS, (Measured.type, 2))
    with pytest.raises(MalformedFrameError, match="from version 2 to 3"):
        codec.decode_event(Measured.type, b'{"celsius":25}', 2)


def test_only_the_steps_in_between_are_taken():
    steps = {("a", n): lambda data, n=n: {"steps": [*data["steps"], n]} for n in range(1, 6)}
    assert upcast.upcast("a", 2, 5, {"steps": []}, steps) == {"steps": [2, 3, 4]}
    assert upcast.upcast("a", 5, 5, {"steps": []}, steps) == {"steps": []}
    with pytest.raises(NoStepError):
        upcast.upcast("b", 1, 2, {}, steps)
