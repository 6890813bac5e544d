"""Tests that take minutes: ``make soak``. They end by themselves, after ``SECONDS`` each at most.

What each measured is reported as figures; the last line of the run is all of them, in JSON.
"""

import json
import os
from collections.abc import Callable

import pytest

from tests.media.conftest import media, rtmp, tls

__all__ = ["media", "rtmp", "tls"]

_figures = pytest.StashKey[dict[str, dict[str, object]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_figures] = {}


@pytest.fixture
def seconds() -> float:
    """How long a test may take: ``SECONDS``, 120 unless told."""
    return float(os.environ.get("SECONDS", "120"))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Report figures under the name of the test."""

    def report(**figures: object) -> None:
        name = request.node.name.removeprefix("test_")
        request.config.stash[_figures].setdefault(name, {}).update(figures)

    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = terminalreporter.config.stash[_figures]
    for name, found in figures.items():
        terminalreporter.write_line(f"{name}: " + ", ".join(f"{k} {v}" for k, v in found.items()))


def pytest_unconfigure(config: pytest.Config) -> None:
    # After pytest's own closing line.
    print(json.dumps(config.stash[_figures]))
