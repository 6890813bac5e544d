"""One server for all tests of what fails around it: each leaves it as well as it was."""

import pytest_asyncio

from tests.directories import reachable_directory
from tests.faults.served import Served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served():
    """A server with everything that it needs; tests that use it run on its loop."""
    with reachable_directory() as directory:
        async with Served.start(directory) as served:
            yield served
