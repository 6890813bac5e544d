"""What holds for every test: a clean environment, and a budget of time for each part.

Budgets are for two cores; a part that takes longer fails the run, because tests that are slow are
tests that are not run. On a machine that others keep busy a second counts for less.
"""

import logging
import os
import time
from collections import defaultdict
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog.testing import capture_logs

from server import outages
from tests.directories import reachable_directory
from tests.patience import share

BUDGET_SECONDS = {
    ("unit", "contract"): 150,
    ("integration",): 720,
    ("media",): 240,
    ("pages",): 720,
    ("faults",): 660,
}
ROOT = Path(__file__).parent
ORDER = [part for parts in BUDGET_SECONDS for part in parts] + ["soak"]

_spent: defaultdict[str, float] = defaultdict(float)

# Everywhere as in CI: the same examples each time, however long this machine takes over them.
settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same")


def pytest_configure(config):
    for name in [name for name in os.environ if name.startswith("LIVECLASS_")]:
        del os.environ[name]


def _part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def pytest_collection_modifyitems(items):
    """Run the quick parts first."""
    items.sort(key=lambda item: ORDER.index(_part(item.path)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    started = time.monotonic()
    try:
        return (yield)
    finally:
        _spent[_part(item.path)] += (time.monotonic() - started) * share()


def pytest_terminal_summary(terminalreporter):
    for parts, budget in BUDGET_SECONDS.items():
        spent = sum(_spent[part] for part in parts)
        if spent:
            over = "  OVER BUDGET" if spent > budget else ""
            name = " + ".join(parts)
            terminalreporter.write_line(f"{name}: {spent:.0f} s of {budget} s{over}")


@pytest.fixture
def data_dir():
    """A directory for the data of embedded services."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(autouse=True)
def _log_as_it_was():
    """Undo what a test does to the log: a command configures it, and its process is ours."""
    root = logging.getLogger()
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**config)


@pytest.fixture
def outage_lines(monkeypatch):
    """What is told of outages, however an earlier test configured the log."""
    monkeypatch.setattr(outages, "log", structlog.get_logger())
    with capture_logs() as lines:
        yield lines


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and any(
        sum(_spent[part] for part in parts) > budget for parts, budget in BUDGET_SECONDS.items()
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
