"""The wall clock of a node is set while a class goes on."""

import pytest

from protocol import commands as cmd
from protocol.errors import CloseCode
from protocol.frames import Ack
from server import outages
from server.auth.tokens import Tokens
from server.clock import SystemClock
from server.hub import turn
from server.outages import Outage
from server.store.log import LogReader
from server.store.nodes import find_owner
from tests.faults.away import class_on_way_to, school, services
from tests.integration.hub.conftest import SECRET
from tests.patience import PATIENCE

__all__ = ["school", "services"]

HOUR_MS = 3_600_000


class SetClock(SystemClock):
    """The machine's clocks, of which somebody has set the one on the wall."""

    def __init__(self):
        self.off_ms = 0

    def now_ms(self):
        return super().now_ms() + self.off_ms


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
async def test_a_class_goes_on_when_the_clock_is_set(
    services, school, jump_ms, outage_lines, monkeypatch
):
    monkeypatch.setattr(turn, "_outage", Outage("clock"))  # or it was told just now
    monkeypatch.setattr(outages, "QUIET_SECONDS", 3600)  # however long this takes
    clock = SetClock()
    issuer = school.tokens
    school.tokens = Tokens(SECRET, "liveclass", clock)
    async with class_on_way_to(services, school, clock=clock) as (_, lesson, node):
        sockets = [each.client.welcome.connection for each in lesson.everybody]
        before = await find_owner(node.pools, lesson.session)
        for off_ms in (0, jump_ms, 0, -jump_ms, 0):
            clock.off_ms = off_ms
            for each in lesson.everybody:
                assert isinstance(await each.say(cmd.ChatPost(f"{off_ms}")), Ack)
            await node.lease._membership.beat()
        # One line when times begin to stand still, and one when the clock has caught up, if ever.
        lines = [line for line in outage_lines if line.get("part") == "clock"]
        told = [line["event"] for line in lines]
        assert told == (["part_away"] if jump_ms > 0 else ["part_away", "part_back"])
        assert "behind the log" in lines[0]["reason"]
        await lesson.caught_up()
        # Leases run on the database's clock and on beats: nobody has lost anything.
        assert await find_owner(node.pools, lesson.session) == before
        assert [each.client.welcome.connection for each in lesson.everybody] == sockets
        reader = LogReader(node.pools)
        stored = await reader.read(lesson.session, 0)
        times = [event.at_ms for event in stored]
        assert times == sorted(times)
        assert times[-1] - times[0] >= HOUR_MS
        assert (await reader.verify(lesson.session)).broken is None

        # Tokens hold by the wall clock: who comes with one of another hour is told that.
        clock.off_ms = HOUR_MS
        school.tokens = issuer
        late = lesson.person(name="Late")
        assert await late.until(lambda client: client.bye is not None, PATIENCE)
        assert late.client.bye.code == CloseCode.TOKEN_EXPIRED
        clock.off_ms = 0
        assert await late.until(lambda client: client.state is not None, PATIENCE)
