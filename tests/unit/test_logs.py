"""What reaches the log."""

import json
import logging

import pytest
import structlog
from aiohttp.http_exceptions import BadHttpMessage, BadStatusLine

from server import logs
from server.tasks import Supervisor


@pytest.fixture
def logged(capsys):
    """Configure the log, and give what it writes."""
    logs.configure("json", "info")
    return lambda: capsys.readouterr().err


@pytest.mark.parametrize("error", [BadHttpMessage("no"), BadStatusLine("no")])
def test_bytes_that_are_no_http_are_no_error_of_ours(logged, error):
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)
    assert logged() == ""


def test_an_error_of_a_handler_is_logged_with_its_traceback(logged):
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=KeyError("x"))
    assert "KeyError" in logged()


def test_where_nobody_reads_it_is_one_object_of_json_a_line(capsys) -> None:
    logs.configure("auto", "info")
    log = structlog.get_logger("x")
    with structlog.contextvars.bound_contextvars(request="r1", trace="t1"):
        log.info("made", session="s1")
    log.info("made")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["session"]) == ("made", "info", "s1")
    assert (first["request"], first["trace"]) == ("r1", "t1")
    assert "request" not in second


async def test_what_runs_in_the_background_is_not_about_the_request_that_began_it(
    capsys,
) -> None:
    logs.configure("json", "info")

    async def work():
        structlog.get_logger("x").info("worked")

    with structlog.contextvars.bound_contextvars(node="n1"):
        async with Supervisor("test") as tasks:
            with structlog.contextvars.bound_contextvars(request="r1"):
                await tasks.start("work", work())
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["node"] == "n1"
    assert "request" not in line
