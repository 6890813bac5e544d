"""What is felt is gathered, bounded, and told to those in the class alone."""

import asyncio
import json

import pytest

from protocol.errors import Refusal
from protocol.frames import SignalSent
from server.classroom.state import Classroom
from server.hub import ephemeral as ephemeral_module
from server.hub.asks import Who
from server.hub.ephemeral import MOST_REACTIONS, MOST_SIGNALS, SIGNAL_BYTES, Ephemeral
from server.hub.followers import Followers
from server.hub.pauses import Pauses
from server.hub.roster import Roster
from tests.patience import eventually


class Told:
    """What a view was told."""

    def __init__(self):
        self.frames = []

    def tell(self, data):
        self.frames.append(json.loads(data))

    def of(self, kind):
        return [frame for frame in self.frames if frame["type"] == kind]


@pytest.fixture
def views():
    return {name: Told() for name in ("staff", "student", "lobby")}


@pytest.fixture
async def pauses():
    pauses = Pauses(lambda: 2)
    yield pauses
    pauses.close()


@pytest.fixture
async def lane(views, pauses, monkeypatch):
    for pause in ("PRESENCE_COALESCE_MS", "COUNTERS_COALESCE_MS", "SIGNAL_COALESCE_MS"):
        monkeypatch.setattr(ephemeral_module, pause, 1)
    roster = Roster()
    return Ephemeral(views, roster, lambda: (Classroom(), 7), Followers("s", roster), pauses)


def signal(kind="typing", **data):
    return SignalSent(kind, json.dumps(data).encode())


async def test_a_pause_gathers_a_bounded_number_of_signals_the_last_of_each(lane, views):
    for number in range(MOST_SIGNALS + 10):
        lane.signal(f"user-{number}", signal(at="first"))
    for number in range(MOST_SIGNALS + 10):
        lane.signal(f"user-{number}", signal(at="last"))
    await asyncio.sleep(0.02)
    told = views["student"].of("signal")
    assert len(told) == MOST_SIGNALS
    assert {frame["data"]["at"] for frame in told} == {"last"}
    lane.signal("user-200", signal())
    await asyncio.sleep(0.02)
    assert views["staff"].frames[-1]["by"] == "user-200"
    assert len(views["student"].frames) == MOST_SIGNALS + 1


async def test_only_so_many_different_reactions_are_counted(lane, views):
    emojis = [chr(0x1F600 + number) for number in range(MOST_REACTIONS + 5)]
    for emoji in (*emojis, *emojis):
        lane.signal("user", signal("reaction", emoji=emoji))
    await asyncio.sleep(0.02)
    (counters,) = views["student"].of("counters")
    assert counters["reactions"] == dict.fromkeys(emojis[:MOST_REACTIONS], 2)
    assert counters["sequence"] == 7


@pytest.mark.parametrize(
    "sent",
    [
        signal(text="x" * SIGNAL_BYTES),
        signal(nested={}),
        signal(real=0.5),
        SignalSent("typing", b"[]"),
        SignalSent("cursor", b"{"),
        signal("reaction", emoji="ok"),
        signal("reaction", emoji="👍 👍"),
        signal("reaction", emoji="👍" * 9),
        signal("reaction"),
    ],
)
async def test_a_signal_that_does_not_hold_is_refused_and_told_to_nobody(lane, views, sent):
    with pytest.raises(Refusal):
        lane.signal("user", sent)
    await asyncio.sleep(0.01)
    assert not any(told.frames for told in views.values())


async def test_the_lobby_hears_nothing_and_students_no_health(lane, views):
    lane.health({"state": "good"}, {"d": {"state": "live"}})
    lane.signal("user", signal())
    lane._roster.connect(Who("user", "Ann", "student"))
    lane.presence_changed()

    def kinds():
        return {name: {frame["type"] for frame in told.frames} for name, told in views.items()}

    felt = {"signal", "presence", "counters"}
    await eventually(
        lambda: kinds() == {"staff": {"health", *felt}, "student": felt, "lobby": set()}
    )


async def test_after_the_end_nothing_is_told(lane, pauses, views):
    lane.signal("user", signal())
    lane.counters_changed()
    pauses.close()
    await asyncio.sleep(0.02)
    assert not any(told.frames for told in views.values())
