"""Servers with one mistake in them: what their people tell must give each away, within a minute.

What is broken is in ``tests.faults.node``; the server itself has no place for it.
"""

import time
from collections import Counter

import pytest

from tests.faults.ordeal import Plan, endure
from tests.faults.two_owners import two_owners
from tests.faults.workload import Crowd

BOUND_SECONDS = 60.0
STUDENTS = Crowd(students=2, more_devices=22, newcomers=0)
"""A few people with many devices: they meet themselves in one batch."""
HANDS = frozenset(("hand.raise", "hand.lower"))


@pytest.mark.parametrize(
    ("variant", "how", "kind"),
    [
        ("astray", ("unfenced_append",), "untrue"),
        ("stale", ("unfenced_answers",), "untrue"),
        ("astray", (), None),
        ("stale", (), None),
    ],
)
async def test_two_owners(data_dir, report, variant, how, kind):
    begun = time.monotonic()
    verdict = await two_owners(data_dir / "cluster", variant, how)
    took = round(time.monotonic() - begun, 1)
    report(kinds=dict(verdict.kinds), seconds=took)
    if kind is None:
        assert not verdict.found, "\n".join(verdict.found)
    else:
        assert verdict.kinds[kind], verdict.kinds
        assert took < BOUND_SECONDS


@pytest.mark.parametrize(
    ("how", "faults", "signs"),
    [
        ("ack_before_commit", {"kill a node", "cut a node from the database"}, {"lost", "untrue"}),
        ("null_ack_of_a_tentative_state", {"wear a node's database out"}, {"untrue"}),
    ],
)
async def test_answers_that_come_too_early(data_dir, report, how, faults, signs):
    begun, seed, kinds = time.monotonic(), 0, Counter()
    # What it takes is a batch in flight when the fault comes: with one seed perhaps there is none.
    while not signs & kinds.keys() and time.monotonic() - begun < BOUND_SECONDS:
        seed += 1
        plan = Plan(
            seed=seed, seconds=14, tenants=1, lessons=1, nodes=1, crowd=STUDENTS, pace=0.15,
            ops=HANDS, how=(how,), faults=frozenset(faults), pause=(1.5, 3.0), fast=True,
        )  # fmt: skip
        verdict = await endure(data_dir / f"cluster-{seed}", plan)
        kinds += verdict.kinds
    took = round(time.monotonic() - begun, 1)
    report(kinds=dict(kinds), seconds=took, seeds=seed)
    assert signs & kinds.keys(), kinds
    assert took < BOUND_SECONDS
