"""Two classes of two tenants on three nodes, and a little of everything that can go wrong."""

from tests.faults.ordeal import Plan, endure
from tests.faults.workload import Crowd


async def test_classes_on_nodes_that_break_for_a_moment(data_dir):
    crowd = Crowd(students=10, more_devices=4, newcomers=2)
    plan = Plan(
        seed=4, seconds=7, lessons=2, crowd=crowd, pace=1.0, pause=(0.2, 1.0), fast=True, acked=50
    )  # fmt: skip
    verdict = await endure(data_dir / "cluster", plan)
    assert not verdict.found, "\n".join(verdict.found)
    # It is worth something only if something happened.
    assert sum(verdict.faults.values()) >= 3, verdict.faults
    assert verdict.did.total("acked") >= 50, verdict.figures
