"""What reaches the log."""

import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage, BadStatusLine

from server import logs


@pytest.fixture
def logged(capsys):
    """Configure the log, and give what it writes."""
    root = logging.getLogger()
    before = root.handlers, root.level
    logs.configure("json", "info")
    yield lambda: capsys.readouterr().err
    root.handlers, root.level = before


@pytest.mark.parametrize("error", [BadHttpMessage("no"), BadStatusLine("no")])
def test_bytes_that_are_no_http_are_no_error_of_ours(logged, error):
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)
    assert logged() == ""


def test_an_error_of_a_handler_is_logged_with_its_traceback(logged):
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=KeyError("x"))
    assert "KeyError" in logged()
