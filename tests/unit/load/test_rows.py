"""The table of ``make bench``: what counts as reached, and what as no figure at all."""

import pytest

from load.bench import rows
from load.bench.fanout import Measured, Scenario, summarize

TOLD = {
    "people": 5000, "rate": 10, "expected": 1000, "deliveries": 1000, "lost": 0, "extra": 0,
    "gaps": 0, "misordered": 0, "unanswered": 0, "disconnected": 0, "snapshots": 0, "refused": {},
    "delivery_ms": {"p50": 50.0, "p99": 119.0}, "ack_ms": {"p50": 2.0, "p99": 19.0},
    "late_ms": {"p99": 0.5}, "talk_cpu": 0.3, "generator_cpu": 0.3, "hub_cpu": 0.5,
    "deliveries_per_hub_second": 100_000,
}  # fmt: skip


def test_a_class_that_is_told_in_time_and_loses_nothing_reaches_both_rows():
    assert [row.is_met for row in rows.of_path(TOLD)] == [True, True]


@pytest.mark.parametrize(
    "name", ["lost", "extra", "gaps", "misordered", "unanswered", "disconnected", "snapshots"]
)
def test_one_thing_wrong_is_not_reached(name):
    late, wrong = rows.of_path(TOLD | {name: 1})
    assert (late.is_met, wrong.is_met) == (True, False)
    assert f"{name} 1" in wrong.reached


def test_a_refusal_is_wrong_too():
    assert not list(rows.of_path(TOLD | {"refused": {"overloaded": 2}}))[1].is_met


def test_who_comes_late_is_not_in_time():
    assert not next(rows.of_path(TOLD | {"delivery_ms": {"p50": 50, "p99": 121}})).is_met


@pytest.mark.parametrize("saturated", [{"talk_cpu": 0.95}, {"late_ms": {"p99": 6.0}}])
def test_a_generator_that_cannot_keep_up_is_said_to(saturated):
    row = next(rows.of_path(TOLD | saturated))
    assert row.is_saturated
    assert "SATURATED" in rows.table([row])


def step(rate, acked, sent=1000):
    return {"rate": rate, "acked_per_second": acked, "sent": sent, "acked": 1000,
            "acked_per_hub_second": 6000, "talk_cpu": 0.2}  # fmt: skip


def commands(*steps, **run):
    return {"rate": 1000, "classes": 100, "runs": [TOLD | run] * 3, "climb": {"steps": steps}}


@pytest.mark.parametrize(
    ("ack", "is_met"), [({"p50": 2, "p99": 19}, True), ({"p50": 2, "p99": 21}, False)]
)
def test_acks_are_in_time_by_median_and_tail(ack, is_met):
    row, _ = rows.of_commands(commands(step(2000, 2000), ack_ms=ack))
    assert row.is_met is is_met


def test_the_hub_keeps_up_with_the_last_rate_that_was_acked_in_its_time():
    _, row = rows.of_commands(commands(step(4000, 4000), step(5000, 5000), step(6000, 5300)))
    assert row.is_met
    assert "keeps up with 5,000/s" in row.reached
    _, row = rows.of_commands(commands(step(2000, 1700)))
    assert not row.is_met
    assert "not with 2,000/s" in row.reached


def storm(seconds, sources):
    return TOLD | {"seconds": seconds, "caught_up_from": sources, "hub_cpu_seconds": 2.0,
                   "recoveries": {"replay": 5000}}  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "is_met"),
    [({"ring": 5000}, True), ({"ring": 4999, "log": 1}, False), ({"snapshot": 1}, False),
     ({}, False)],
)  # fmt: skip
def test_a_storm_is_caught_up_from_the_ring_alone(sources, is_met):
    times, reads = rows.of_storm([storm(2.9, sources)])
    assert times.is_met
    assert reads.is_met is is_met


def fanned(server, ours_is, peers=1000, wrong=None):
    return {"scenario": "4 outstanding", "peers": peers, "server": server, "ours_is": ours_is,
            "spread": [ours_is, ours_is], "messages_per_cpu_second": 100_000, "p99_ms": 1.0,
            "messages_per_second": 1, "server_cpu": 1.0, "generator_cpu": 0.5,
            "generator_saturated": False, "wrong": wrong or {}}  # fmt: skip


def promises(*results):
    """What is said of four outstanding, beside Nchan and beside a naive loop."""
    return [row.is_met for row in rows.of_fanout(results) if "4 outstanding" in row.what]


def test_the_fan_out_is_promised_at_a_thousand_peers():
    assert promises(fanned("ours", 1.0), fanned("Nchan", 2.1), fanned("naive", 2.2)) == [
        True,
        False,
    ]
    few = promises(fanned("ours", 1.0, 100), fanned("Nchan", 2.1, 100), fanned("naive", 9, 100))
    assert few == [None, None]


def test_a_peer_that_is_not_here_or_loses_something_has_no_figure():
    gone = {"peers": 1000, "server": "Nchan", "missing": "not here: apt-get install nginx"}
    results = [fanned("ours", 1.0), gone, fanned("naive", 9.0, wrong={"lost": 1})]
    assert promises(*results) == [None, None]
    assert "apt-get install nginx" in rows.fanout_table(results)
    assert "WRONG" in rows.fanout_table(results)


def test_ours_has_to_start_and_to_lose_nothing():
    assert promises(fanned("ours", 1.0, wrong={"lost": 3}), fanned("naive", 9.0)) == [False, False]
    gone = {"peers": 1000, "server": "ours", "missing": "it let 0 of 1000 in"}
    assert promises(gone, fanned("naive", 9.0)) == [False, False]


def run(delivered, cpu, **wrong):
    told = {"delivered": delivered, "seconds": 2.0, "generator_cpu": 0.5,
            "delivery_ms": {"p99": 10.0}, "lost": 0, "repeated": 0, "changed": 0,
            "disconnected": 0}  # fmt: skip
    return Measured(told | wrong, cpu)


def test_a_ratio_is_the_median_of_those_of_the_rounds():
    results = {
        "ours": [run(1000, 1.0), run(900, 1.0), run(4000, 1.0)],
        "theirs": [run(500, 1.0), run(300, 1.0), run(1000, 1.0)],
    }
    mine, theirs = summarize(Scenario("s", 1, 4), 10, "ours", results)
    assert (mine["ours_is"], theirs["ours_is"]) == (1.0, 3.0)
    assert theirs["spread"] == [2.0, 4.0]
    assert theirs["messages_per_cpu_second"] == 500


def test_a_slow_server_is_compared_by_the_rounds_it_had():
    results = {"ours": [run(1000, 1.0), run(1, 1.0)], "theirs": [run(10, 1.0, lost=2)]}
    _, theirs = summarize(Scenario("s", 1, 4), 10, "ours", results)
    assert theirs["ours_is"] == 100.0
    assert theirs["wrong"] == {"lost": 2}
