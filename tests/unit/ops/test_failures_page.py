"""What the page of failures names is what the server says."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from server import outages
from server.ops import metrics

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/operations/failures.md").read_text()
SOURCES = "\n".join(path.read_text() for path in (ROOT / "server").rglob("*.py"))


def test_every_metric_exists():
    assert metrics
    known = {
        sample for family in REGISTRY.collect() for sample in (family.name, f"{family.name}_total")
    }
    named = set(re.findall(r"liveclass_[a-z_]+", PAGE))
    assert len(named) > 10
    assert named <= known


@pytest.mark.parametrize(
    "event",
    sorted(
        {
            word
            for word in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE)
            if not word.startswith("liveclass_")
        }
        - {"session_hubs", "pg_stat_database", "retry_ms", "disk_full"}
    ),
)
def test_every_line_of_the_log_exists(event):
    assert f'"{event}"' in SOURCES


def test_every_part_is_told_of():
    named = set(re.findall(r"`part_away` `([a-z]+)`", PAGE))
    assert named == outages.TO_DO.keys()
