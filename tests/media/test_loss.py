"""A publisher on a bad network (MEDIA §7 rows 11 and 13); ``make soak`` has the longer runs."""

import asyncio

import aiortc
import pytest

from tests.media.uplink import LargeKeyframes, uplink


async def test_what_a_bad_network_takes_is_asked_for_until_it_is_there() -> None:
    async with uplink(seed=4) as up:
        up.relay.impairment.loss = 0.03
        up.relay.impairment.delay_ms = 20
        up.relay.impairment.jitter_ms = 30
        up.relay.impairment.reorder = 0.01
        await asyncio.sleep(6)
        outcome = up.outcome()
        assert up.relay.up.dropped > 10
    assert outcome.damaged == 0
    assert outcome.loss <= 0.03
    assert outcome.longest_gop <= 4
    assert outcome.skew_ms <= 80
    assert outcome.silent_ms <= 22
    assert outcome.figures["repaired"] > 5


async def test_after_a_blackout_whole_pictures_follow_within_a_second() -> None:
    async with uplink(seed=5) as up:
        up.relay.impairment.delay_ms = 20
        await asyncio.sleep(0.5)
        up.relay.impairment.blackout = True
        await asyncio.sleep(1)
        up.relay.impairment.blackout = False
        over = asyncio.get_running_loop().time()
        await asyncio.sleep(2)
        outcome = up.outcome()
        keys = [at for unit, at in up.units if unit.key and at > over]
    assert outcome.damaged == 0
    assert outcome.silent_ms <= 22
    assert keys[0] - over <= 1


@pytest.mark.parametrize("loss", [0, 0.01])
async def test_large_keyframes_arrive_byte_for_byte(
    loss: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Browsers keep at least 600 packets, and those of the last second; aiortc's sender 128.
    monkeypatch.setattr(aiortc.rtcrtpsender, "RTP_HISTORY_SIZE", 4096)
    async with uplink(seed=6, picture=LargeKeyframes(128, 160, 400, 1500), burst=8) as up:
        up.relay.impairment.loss = loss
        up.relay.impairment.delay_ms = 10
        await asyncio.sleep(3)
        outcome = up.outcome(decode=False)
    assert outcome.damaged == 0
    assert outcome.lost == 0
    assert outcome.sent >= 8
    if loss:
        assert outcome.figures["repaired"] > 10
