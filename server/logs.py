"""Structured logs: the event is snake_case and past, the values are fields.

Every line of a worker carries its ``node`` or ``worker``; what is about a request also ``request``
(and ``trace``, if the caller named one), what is about a live socket its ``session`` and
``connection``.

Never logged: tokens, stream keys, the text of people.
"""

import logging
import sys

import orjson
import structlog
from aiohttp.http_exceptions import BadHttpMessage


def configure(form: str = "auto", level: str = "info") -> None:
    """Send every logger, ours and the libraries', to standard error as ``console`` or ``json``.

    ``auto`` is for people in a terminal, and for machines elsewhere.
    """
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "json"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(
            serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
        )
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # Tracebacks without locals: a local may hold a key.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    before_render: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info] if form == "json" else []
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *before_render,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiortc", "aioice", "botocore", "aiobotocore", "asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("aiohttp.server").addFilter(_is_no_bad_request)
    logging.getLogger("asyncpg.pool").addFilter(_is_no_outage)


def _is_no_outage(record: logging.LogRecord) -> bool:
    """Whether a record is about more than a database that is away, which is told by us, once."""
    return record.exc_info is None or not isinstance(record.exc_info[1], OSError)


def _is_no_bad_request(record: logging.LogRecord) -> bool:
    """Whether a record is about more than bytes that are no HTTP: anybody may send those."""
    return record.exc_info is None or not isinstance(record.exc_info[1], BadHttpMessage)
