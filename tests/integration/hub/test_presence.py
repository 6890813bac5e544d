"""Who is told of whom, in small classes and in large ones, and when all is told again."""

import asyncio

import pytest

from server.hub import ephemeral as ephemeral_module
from server.hub import roster as roster_module
from server.ids import new_id
from tests.patience import Stopwatch, eventually

from .raw import Raw


class Listing:
    """What a client lists that follows the presence frames it hears, as the protocol says."""

    def __init__(self, raw):
        self.raw, self.people, self.count, self.revision, self.fulls = raw, {}, 0, 0, 0
        for frame in raw.heard:
            if frame["type"] == "presence":
                self.take(frame)

    def take(self, frame):
        if "full" in frame:
            self.people = {each["user"]: each for each in frame["full"]}
            self.fulls += 1
        else:
            assert frame["revision"] in (self.revision, self.revision + 1), "a revision is missing"
            for each in (*frame.get("joined", ()), *frame.get("changed", ())):
                self.people[each["user"]] = each
            for user in frame.get("left", ()):
                self.people.pop(user, None)
        self.revision, self.count = frame["revision"], frame["count"]

    async def until(self, holds):
        while not holds(self):
            self.take(await self.raw.hear("presence"))

    async def page(self):
        """The first page of the roster."""
        await self.raw.send({"type": "roster", "after": None})
        while (frame := await self.raw.hear("presence", "roster"))["type"] == "presence":
            self.take(frame)
        return frame["people"]

    @property
    def roles(self):
        return sorted(each["role"] for each in self.people.values())


@pytest.fixture
def bounds(monkeypatch):
    monkeypatch.setattr(roster_module, "ROSTER_FULL_PEOPLE", 6)
    monkeypatch.setattr(roster_module, "ROSTER_FULL_STAFF", 9)
    monkeypatch.setattr(roster_module, "DROPPED_SECONDS", 0.2)


async def test_who_is_listed_depends_on_how_many_there_are(lesson, bounds):
    student, staff = Listing(await lesson.raw()), Listing(await lesson.raw("assistant"))
    for each in (student, staff):
        await each.until(lambda each: each.count == len(each.people) == 5)
    more = [await lesson.raw() for _ in range(2)]
    await student.until(lambda each: each.count == 7 and each.roles == ["assistant", "teacher"])
    await staff.until(lambda each: each.count == len(each.people) == 7)
    more += [await lesson.raw() for _ in range(3)]
    await staff.until(lambda each: each.count == 10 and each.roles == ["assistant", "teacher"])
    # Whoever begins now lists the same, and staff find the others page by page.
    for role in ("student", "assistant"):
        late = Listing(await lesson.raw(role))
        assert set(late.roles) == {"assistant", "teacher"}
        await late.raw.socket.close()
    assert len(await staff.page()) >= 10
    assert {each["role"] for each in await student.page()} == {"assistant", "teacher"}
    for raw in more:
        await raw.socket.close()
    await student.until(lambda each: each.count == len(each.people) == 5)
    await staff.until(lambda each: each.count == len(each.people) == 5)
    assert student.people.keys() == staff.people.keys()


async def test_a_crowd_that_comes_at_once_is_told_in_few_frames(lesson):
    watcher = Listing(await lesson.raw())
    frames = len(watcher.raw.heard)
    begun = asyncio.get_running_loop().time()
    crowd = await asyncio.gather(*(lesson.raw() for _ in range(30)))
    await watcher.until(lambda each: each.count == len(each.people) == 34)
    took = asyncio.get_running_loop().time() - begun
    told = [frame for frame in watcher.raw.heard[frames:] if frame["type"] == "presence"]
    # One may have been on its way before, and one is told at either end.
    assert len(told) <= took / 0.5 + 2
    # … and a change is told when half a second is over, not earlier.
    begun, watch = asyncio.get_running_loop().time(), Stopwatch()
    await crowd[0].socket.close()
    await watcher.raw.hear("presence")
    assert ephemeral_module.PRESENCE_COALESCE_MS == 500
    assert asyncio.get_running_loop().time() - begun > 0.45
    assert watch.seconds < 2


async def test_a_late_goodbye_of_an_old_connection_removes_nobody(lesson, monkeypatch, node):
    monkeypatch.setattr(roster_module, "DROPPED_SECONDS", 0.3)
    user = new_id()
    watcher, old = await lesson.raw(), await lesson.raw(user=user)
    # Its end is not noticed yet, as when a telephone changes its network.
    back = await lesson.raw(user=user)
    (old_id, new) = (raw.heard[0]["connection"] for raw in (old, back))
    assert old_id != new
    assert node.hub.present()[lesson.session].items() >= {old_id: user, new: user}.items()
    await old.socket.close()
    await eventually(lambda: old_id not in node.hub.present()[lesson.session])
    await asyncio.sleep(1.2)  # longer than the grace, and a tick
    assert node.hub.present()[lesson.session][new] == user
    listing = Listing(watcher)
    await listing.until(lambda each: each.people.get(user, {}).get("connections") == 1)
    assert listing.people[user]["status"] == "online"
    assert user in lesson.room.seating.roster
    assert lesson.room.state.people[user].present


async def test_presence_comes_in_full_again_with_a_resync(lesson):
    raw = await lesson.raw()
    position = raw.heard[0]["head"]
    listing = Listing(raw)
    # A client that has missed a revision knows no better than to ask again.
    listing.people.clear()
    await raw.send({"type": "resync", "sequence": position})
    await listing.until(lambda each: each.fulls == 2)
    assert len(listing.people) == listing.count == 4


async def test_a_token_made_for_something_else_prolongs_nothing(lesson, school):
    user = new_id()
    raw = await lesson.raw(user=user)
    publishing = school.tokens.issue(
        subject=user, tenant=school.tenant, role="student", name="Ann", ttl_seconds=600,
        session=lesson.session, scope=("publish",),
    )  # fmt: skip
    await raw.send({"type": "token", "token": publishing})
    assert (await raw.farewell())[1] == 4500
    refused = await Raw.open(lesson._node, lesson.session)
    await refused.send({"type": "hello", "token": publishing})
    assert (await refused.farewell())[1] == 4507
