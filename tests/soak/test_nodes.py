"""Classes on three nodes that are killed, stopped, drained and cut off, for as long as told."""

import json
import os

from tests.faults.ordeal import Plan, endure
from tests.faults.workload import Crowd

SHARE = 0.75
"""Of the time: starting, becoming whole and checking take the rest."""


async def test_classes_on_nodes_that_break(data_dir, seconds, report):
    seed = int(os.environ.get("SEED", "2028"))
    crowd = Crowd(students=40, more_devices=10, newcomers=4)
    plan = Plan(seed, seconds * SHARE, lessons=4, briefs=int(seconds / 30), crowd=crowd, pace=4.0)
    verdict = await endure(data_dir / "cluster", plan)
    report(seed=seed, **verdict.figures)
    print(json.dumps({op: dict(counts) for op, counts in verdict.did.outcomes.items()}))
    assert not verdict.found, "\n".join(verdict.found)
