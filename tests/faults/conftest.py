"""One server for all tests of what fails around it: each leaves it as well as it was."""

from pathlib import Path

import pytest
import pytest_asyncio

from tests.directories import reachable_directory
from tests.faults.served import Served


def pytest_collection_modifyitems(items):
    """Leave tests that start servers, and wait for several things, more time than others have."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(300), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served():
    """A server with everything that it needs; tests that use it run on its loop."""
    with reachable_directory() as directory:
        async with Served.start(directory) as served:
            yield served
