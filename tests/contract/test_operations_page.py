"""``docs/operations/`` names every setting and metric, as it is; so do dashboard and alerts."""

import json
import re

import pytest
import yaml
from msgspec.structs import fields

from server.config import Settings, variable
from tests.contract.test_docs import anchors
from tests.operations_reference import FOLDER, TABLES, refreshed, shown_metrics

OF_THE_CLIENT = {
    "up", "process_open_fds", "process_max_fds", "process_cpu_seconds_total",
    "process_resident_memory_bytes",
}  # fmt: skip
"""What Prometheus and its client add."""
ALWAYS = {"instance", "job", "le"}

LABELS = {
    sample: {*shown.labels} | ALWAYS for shown in shown_metrics() for sample in shown.samples
} | dict.fromkeys(OF_THE_CLIENT, ALWAYS)


def read(file):
    return (FOLDER / file).read_text(encoding="utf-8")


DASHBOARD = json.loads(read("grafana.json"))
RULES = [rule for group in yaml.safe_load(read("alerts.yaml"))["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in PANELS for target in panel["targets"]
]
FUNCTIONS = {"sum", "max", "rate", "increase", "deriv", "histogram_quantile", "by"}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_fresh(name) -> None:
    page = read(TABLES[name][0])
    assert f"<!-- table: {name} -->" in page
    assert refreshed(page, name) == page, "stale: run make spec, look, commit"


def test_every_setting_has_a_row() -> None:
    for field in fields(Settings):
        assert f"\n| `{variable(field.name)}` |" in read("settings.md")


def test_every_metric_says_what_it_is() -> None:
    for shown in shown_metrics():
        assert re.fullmatch(r"liveclass_[a-z_]+", shown.name)
        assert shown.text.endswith("."), shown.name
        assert not {"session", "user", "tenant", "connection", "url"} & {*shown.labels}, shown.name
        if shown.kind == "histogram" and "_events" not in shown.name:
            assert shown.name.endswith("_seconds"), "base units"


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_asks_for_what_there_is(query) -> None:
    assert query.count("(") == query.count(")")
    bare = re.sub(r'"[^"]*"', "", query)
    for name in re.findall(r"[a-z_]{2,}", re.sub(r"\{[^}]*\}|\[[^]]*\]|by \([^)]*\)", "", bare)):
        assert name in LABELS or name in FUNCTIONS, name
    names = [name for name in re.findall(r"[a-z_]+", bare) if name in LABELS]
    assert names
    for name, matchers in re.findall(r"([a-z_]+)\{([^}]*)\}", query):
        assert {*re.findall(r"([a-z_]+)=~?\"", matchers)} <= LABELS[name], query
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        assert {*grouped.split(", ")} <= set.union(*(LABELS[name] for name in names)), query


def test_every_alert_says_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 8
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        page, _, section = rule["annotations"]["runbook"].partition("#")
        assert section in anchors(read(page))


def test_the_dashboard_shows_most_of_it() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        units = {"s", "ops", "reqps", "short", "bytes", "bps", "percentunit"}
        assert panel["fieldConfig"]["defaults"]["unit"] in units
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    asked = {name for query in QUERIES for name in re.findall(r"[a-z_]+", query)}
    shown = [each for each in shown_metrics() if each.samples & asked]
    assert len(shown) > len([*shown_metrics()]) * 0.7


def test_what_media_workers_count_is_named_for_them() -> None:
    """Else their sum would replace what a hub worker counts."""
    from server.media import metrics as media_metrics

    for family in media_metrics.registry.collect():
        assert family.name.startswith("liveclass_media_")


def test_the_page_names_no_metric_that_there_is_not() -> None:
    for file in ("monitoring.md", "../operations.md"):
        for name in re.findall(r"`(liveclass_[a-z_]+)`", read(file)):
            family = {name, f"{name}_bucket", f"{name}_total"}
            assert family & LABELS.keys(), name
