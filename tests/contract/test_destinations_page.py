"""``docs/destinations.md`` is fresh and whole."""

import re

from prometheus_client import REGISTRY

from protocol.health import DestinationHealth
from server.media.codes import Code
from server.media.destinations.destination import NEXT, WORKING, Phase
from server.media.destinations.providers import PROVIDERS
from server.ops import metrics
from tests import destination_reference, reference

PAGE = destination_reference.PAGE.read_text(encoding="utf-8")


def test_the_generated_parts_are_fresh() -> None:
    assert destination_reference.refreshed(PAGE) == PAGE, "stale: run make spec, look, commit"


def test_every_transition_is_in_the_diagram() -> None:
    arrows = re.findall(r"^ +([a-z]+) --> ([a-z]+): (.+)$", PAGE, re.MULTILINE)
    drawn = {
        (phase, signal): after
        for start, after, signals in arrows
        for phase in ([each.value for each in WORKING] if start == "working" else [start])
        for signal in signals.split(", ")
    }
    assert drawn == {(p.value, s.value): after.value for (p, s), after in NEXT.items()}


def test_every_phase_code_and_provider_has_a_row() -> None:
    for name in (*(each.value for each in Phase), *Code, *PROVIDERS):
        assert f"\n| `{name}`" in PAGE


def test_every_metric_of_destinations_is_named() -> None:
    assert metrics.destinations
    for family in REGISTRY.collect():
        if family.name.startswith("liveclass_destination"):
            assert f"`{family.name}" in PAGE


def test_every_figure_of_health_has_a_row() -> None:
    page = reference.PAGE.read_text(encoding="utf-8")
    for name in DestinationHealth.__struct_fields__:
        assert f"\n| `{name}" in page
