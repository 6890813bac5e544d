"""The golden vectors are fresh, whole, and hold the JavaScript twins to the Python types."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.errors import CloseCode
from protocol.events import EVENTS
from protocol.vectors import vectors

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "protocol" / "vectors"


@pytest.mark.parametrize("name", list(vectors()))
def test_the_committed_vectors_are_fresh(name):
    committed = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    computed = json.loads(json.dumps(vectors()[name]))
    assert committed == computed, "stale: run python -m protocol.vectors, look, commit"


def test_every_event_type_has_a_vector():
    cases = json.loads((VECTORS / "fold.json").read_text(encoding="utf-8"))
    folded = {event["type"] for case in cases for event in case["events"]}
    assert set(EVENTS) - folded == set()


def test_every_close_code_has_a_vector():
    text = (VECTORS / "client.json").read_text(encoding="utf-8")
    said = {
        step["frame"]["code"]
        for case in json.loads(text)
        for step in case["steps"]
        if step.get("frame", {}).get("type") == "bye"
    }
    assert said == {int(code) for code in CloseCode}


def test_javascript_gives_the_same_answers():
    node = Path(sys.executable).with_name("node")  # comes with the developers' packages
    files = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.js"))
    run = subprocess.run(  # the reporter of failures goes to standard output
        [node, "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-2_000:]
