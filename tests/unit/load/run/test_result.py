"""Verdicts, what they rest on, and the reports that tell them."""

import json
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from load.latencies import Latencies
from load.run.advice import advice
from load.run.charts import Line, chart
from load.run.costs import Part, Sample
from load.run.document import document, table
from load.run.messages import Recovered, Tick
from load.run.page import page
from load.run.result import Result, Storm
from load.run.run import Options
from load.run.thresholds import parse
from load.run.venue import Source

OPTIONS = Options(
    "http://127.0.0.1:1", Source(token="secret-token"), 2, 10, 100.0, 60.0, "quiz",
    words={"--profile": "quiz", "--threshold": "delivery_p99<250ms"},
)  # fmt: skip


def latencies(*milliseconds):
    some = Latencies()
    for each in milliseconds:
        some.add(each)
    return some.pack()


def tick(at, *, cpu=0.5, kinds=None, late=(1.0,), live=10, **counts):
    return Tick(
        float(at), live, live, counts, kinds or {},
        {"delivery": latencies(10, 20, 30), "ack": latencies(5), "lateness": latencies(*late)},
        cpu, 1.0,
    )  # fmt: skip


def result(*, seconds=20, workers=1, most_late_ms=50.0, **each):
    told = Result(workers, most_late_ms)
    for at in range(1, seconds + 1):
        for worker in range(workers):
            told.tick(worker, tick(at, **each))
    return told


def test_a_run_without_a_flaw_has_passed():
    told = result()
    assert (told.verdict, told.exit_code, told.void_because) == ("passed", 0, [])


def test_a_missed_threshold_is_99():
    told = result()
    told.judge([parse("delivery_p99<31ms"), parse("delivery_p99<29ms")])
    assert [each.is_met for each in told.outcomes] == [True, False]
    assert (told.verdict, told.exit_code) == ("threshold missed", 99)


def test_a_violation_is_worse_than_anything():
    told = result(kinds={"lost": 1}, cpu=0.99)
    told.judge([parse("delivery_p99<1ms")])
    assert (told.verdict, told.exit_code) == ("failed", 1)
    assert told.kinds == {"lost": 1}


def test_violations_of_workers_and_of_the_last_comparison_add_up():
    told = result(workers=2, kinds={"lost": 1})
    told.violate(Counter(mismatch=2), ["class 0: differs"])
    assert told.kinds == {"lost": 2, "mismatch": 2}


@pytest.mark.parametrize("field", ["unsettled", "unanswered"])
def test_whoever_was_not_served_fails_the_run(field):
    told = result()
    setattr(told, field, 1)
    assert told.exit_code == 1


def test_a_worker_that_used_its_core_up_voids_the_run():
    told = result(cpu=0.95)
    told.judge([parse("delivery_p99<1ms")])
    assert (told.verdict, told.exit_code) == ("void", 1)
    assert "95 % of a core" in told.void_because[0]


def test_a_peak_of_a_few_seconds_does_not():
    told = result(cpu=0.5)
    for at in (21, 22, 23):
        told.tick(0, tick(at, cpu=1.0))
    assert told.void_because == []


def test_a_worker_among_others_that_used_its_core_up_voids_the_run():
    told = Result(2, 50.0)
    for at in range(1, 21):
        told.tick(0, tick(at, cpu=0.1))
        told.tick(1, tick(at, cpu=0.95))
    assert told.verdict == "void"


def test_a_late_generator_voids_the_run():
    told = result(late=[1.0] * 90 + [80.0] * 10)
    assert "80 ms late at p99, 50 ms are allowed" in told.void_because[0]
    assert result(late=[1.0] * 999 + [80.0]).void_because == []


def test_a_storm_is_over_when_everybody_of_every_worker_is_back():
    told = result(workers=2)
    told.storms = {30.0: Storm(30.0)}
    told.judge([parse("storm_recovery<60min")])
    told.recovered(Recovered(30.0, 100, 800.0))
    told.judge([parse("storm_recovery<60min")])
    assert told.verdict == "threshold missed"
    told.recovered(Recovered(30.0, 50, 1200.0))
    told.judge([parse("storm_recovery<60min")])
    assert told.verdict == "passed"
    assert told.measured("storm_recovery") == 1200.0
    assert told.storms[30.0].people == 150


def test_rates_are_those_of_the_time_in_which_something_was_asked_for():
    told = result(seconds=10, acks=4, **{"events applied": 100})
    told.ended_at = 10
    for at in (11, 12, 13):  # everybody comes to rest
        told.tick(0, tick(at))
    assert told.measured("deliveries_per_second") == 100
    assert told.measured("acks_per_second") == 4


def test_refusals_are_a_share_of_the_answers():
    assert result(acks=9, refused=1).measured("refused") == pytest.approx(0.1)
    assert result().measured("refused") is None


def test_the_server_is_the_sum_of_its_parts():
    told, parts = result(), [Part("hub"), Part("media")]
    for second in range(15):
        for part in parts:
            part.add(Sample(second * 0.4, 100e6 + second), 1.0 if second else 0.0)
    told.parts = parts
    assert told.measured("server_cpu") == pytest.approx(0.8)
    assert told.measured("server_rss") == pytest.approx(200e6, rel=1e-3)


def test_a_part_that_was_started_again_has_used_nothing_less_than_nothing():
    part = Part("hub")
    part.add(Sample(9.0, 1.0), 0.0)
    part.add(Sample(0.5, 1.0), 1.0)
    part.add(Sample(0.7, 1.0), 1.0)
    assert part.cpu == [None, pytest.approx(0.2)]


# ------------------------------------------------------------ reports


def whole():
    told = result(seconds=30, acks=4, **{"events applied": 100})
    told.ended_at = 25
    told.started_at = "2026-11-23T09:00:00+00:00"
    told.storms = {12.0: Storm(12.0, 20, 900.0, 1)}
    part = Part("server.app")
    for second in range(31):
        part.add(Sample(second * 0.3, 150e6), 1.0 if second else 0.0)
    told.parts = [part]
    told.judge([parse("delivery_p99<250ms"), parse("resume_p99<1s")])
    return told


def test_the_json_report_is_what_was_measured_and_holds_no_token():
    told = document(whole(), OPTIONS)
    text = json.dumps(told, allow_nan=False)
    assert "secret-token" not in text
    assert told["format"] == "liveclass-load/1"
    assert (told["verdict"], told["exit_code"]) == ("threshold missed", 99)
    assert told["thresholds"][1] == {"text": "resume_p99<1s", "reached": None, "is_met": False}
    assert told["latencies_ms"]["delivery"]["count"] == 90
    assert len(told["series"]) == 30
    assert told["storms"] == [{"at_seconds": 12.0, "people": 20, "recovered_ms": 900.0}]


def test_the_page_is_one_well_formed_file_that_fetches_nothing():
    told = document(whole(), OPTIONS)
    told["violations_told"] = ["<script>alert(1)</script>"]
    text = page(told)
    assert "<script" not in text
    assert "Threshold missed" in text
    assert all(word not in text for word in ("src=", "@import", "url(", "<link"))
    figures = text.split("<figure>")[1:]
    assert len(figures) >= 5
    for figure in figures:
        ET.fromstring("<figure>" + figure.partition("</figure>")[0] + "</figure>")


def test_the_table_names_every_threshold_and_the_verdict():
    shown = table(whole())
    assert "✓ delivery_p99<250ms" in shown
    assert "✗ resume_p99<1s  (not measured)" in shown
    assert shown.endswith("THRESHOLD MISSED")


def test_a_run_that_ended_before_its_first_second_can_be_told():
    told = document(Result(1, 50.0), OPTIONS)
    assert "Passed" in page(told)
    assert table(Result(1, 50.0)).endswith("PASSED")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"violations": {"lost": 1}}, "A promise was broken"),
        ({"void_because": ["late"]}, "The generator was the bottleneck"),
        ({"unsettled": 3}, "3 people were not in their class"),
        ({"counts": {"acks": 90, "refused": 10}}, "10.0% of the answers were refusals"),
        ({}, "Nothing stands out"),
    ],
)
def test_advice_is_about_what_happened(change, says):
    told = result()
    told.judge([])
    given = advice(document(told, OPTIONS) | change)
    assert says in " ".join(given)


def test_a_chart_leaves_out_what_is_not_known_and_keeps_every_peak():
    values = [1.0] * 1000
    values[500], values[700] = 90.0, None
    drawn = chart("Peaks", [Line("p99", values, 1)], 1000, lambda value: f"{value:.0f}")
    assert "p99: 90" in drawn
    assert chart("Nothing", [Line("p99", [None] * 5, 1)], 5, str) == ""
