"""A class in memory, and people to come to it."""

import pytest

from server.hub import fanout
from server.tasks import Supervisor
from tests.unit.hub.hall import Hall, people


@pytest.fixture
async def hall(monkeypatch):
    monkeypatch.setattr(fanout, "LONG_SECONDS", 10)  # judging takes its time, and nobody rests
    async with Supervisor("test") as tasks:
        hall = Hall(tasks)
        yield hall
        hall.seating.close()


@pytest.fixture
def persons():
    return people("teacher", "assistant", "student", "student", "student")
