"""Servers that are restarted while classes go on: nobody loses anything, nobody waits."""

import signal

import pytest

from tests.faults.rolling import Rolling, restart_all
from tests.faults.served import children
from tests.faults.servers import READY_SECONDS, serving
from tests.patience import Stopwatch, eventually

LIVE_AGAIN_SECONDS = 4.0
"""Two, and as many for a machine that starts servers meanwhile."""


@pytest.fixture
async def servers(data_dir):
    async with serving(data_dir, 3, drain_seconds="5") as servers:
        yield servers


async def test_three_servers_are_restarted_one_by_one_and_nobody_loses_anything(servers):
    rolling = Rolling(servers, classes=4, students=15)
    watch = Stopwatch()
    found = await rolling.run(restart_all)
    assert found == []
    returns = rolling.returns
    assert returns.away == 0
    assert len(returns.seconds) >= 60, "everybody sat on a server that was restarted"
    assert max(returns.seconds) <= LIVE_AGAIN_SECONDS + watch.lost
    assert {bye["code"] for bye in returns.byes} == {4101}
    for server in servers.all:
        assert not server.said("worker_killed"), server.name
        assert len(server.said("handed_over")) == 1
        assert sum(each["kept"] for each in server.said("handed_over")) == 0
    assert sum(each["sessions"] for s in servers.all for each in s.said("handed_over")) >= 4


async def test_the_workers_of_one_server_are_restarted_one_by_one(data_dir):
    async with serving(data_dir, 1, drain_seconds="5", hub_workers="2") as servers:
        (server,) = servers.all
        rolling = Rolling(servers, classes=2, students=12)
        before = set(children(server.process.pid))

        async def reload(_):
            server.signal(signal.SIGHUP)
            await eventually(lambda: server.said("hub_workers_restarted"), READY_SECONDS)

        watch = Stopwatch()
        found = await rolling.run(reload)
        assert found == []
        assert rolling.returns.away == 0
        assert len(rolling.returns.seconds) >= len(rolling.classes) * 13
        assert max(rolling.returns.seconds) <= LIVE_AGAIN_SECONDS + watch.lost
        assert len(before & set(children(server.process.pid))) == 1, "the media worker stays"
        assert not server.said("worker_ended")
