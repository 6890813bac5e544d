"""Loss of 1, 3 and 5 %, 30 ms of jitter, one packet in a hundred reordered."""

import asyncio
from collections.abc import Callable

import pytest

from tests.media.uplink import uplink

# How much of the pictures may be lost, at which loss of packets.
ALLOWED = {0.01: 0.005, 0.03: 0.03, 0.05: 0.1}


@pytest.mark.parametrize("delay_ms", [5, 50])
@pytest.mark.parametrize("loss", list(ALLOWED))
async def test_loss(
    loss: float, delay_ms: int, seconds: float, report: Callable[..., None]
) -> None:
    async with uplink(seed=round(loss * 100) + delay_ms) as up:
        up.relay.impairment.loss = loss
        up.relay.impairment.delay_ms = delay_ms
        up.relay.impairment.jitter_ms = 30
        up.relay.impairment.reorder = 0.01
        await asyncio.sleep(min(40.0, seconds / 4))
        outcome = up.outcome()
        missing = up.relay.up.dropped
        assert up.publisher.pc.connectionState == "connected"
    report(
        pictures=outcome.sent,
        lost=outcome.lost,
        longest_gop_s=round(outcome.longest_gop, 2),
        skew_ms=outcome.skew_ms,
        silent_ms=outcome.silent_ms,
        dropped=missing,
        **outcome.figures,
    )
    assert outcome.damaged == 0
    assert outcome.loss <= ALLOWED[loss]
    assert outcome.longest_gop <= 4
    assert outcome.skew_ms <= 80
    assert outcome.silent_ms <= 22
    assert outcome.events == ["publisher.connected"]
