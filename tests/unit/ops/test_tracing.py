"""Traces: off unless asked for, and without a word of anybody when on."""

import os
import socket
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.errors import InvalidSettingsError
from server.ops import tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"Traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter.get_finished_spans
    tracing.use(None)


def test_nothing_of_it_is_imported_unless_it_is_asked_for() -> None:
    code = (
        "import sys\n"
        "from server.ops import tracing\n"
        "tracing.configure({})\n"
        "with tracing.span('x'): tracing.note(a=1)\n"
        "tracing.record('y', 1.0); assert tracing.outgoing() == {} and not tracing.origin({})\n"
        "tracing.shut_down()\n"
        "print([name for name in sys.modules if 'opentelemetry' in name])\n"
        # The client of Redis looks for it by itself, where it is installed.
        "import server.app, server.media.worker\n"
        "ours = ('opentelemetry.sdk.trace', 'opentelemetry.exporter')\n"
        "print([name for name in sys.modules if name.startswith(ours)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n[]\n", done.stderr


def test_it_is_asked_for_by_its_own_variables() -> None:
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert tracing.is_wanted(there)
    assert not tracing.is_wanted(there | {"OTEL_SDK_DISABLED": "true"})
    assert not tracing.is_wanted({"OTEL_SERVICE_NAME": "x"})


def test_that_it_is_not_installed_is_said(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(InvalidSettingsError, match=r"liveclass\[otel\]"):
        tracing.configure({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})


def test_what_has_ended_is_noted_with_its_time_and_its_caller(spans) -> None:
    origin = tracing.origin(CALLER, session="s")
    tracing.record("command chat.post", 0.25, of=origin, outcome="committed")
    tracing.record("command poll.vote", 0.1, of=origin, error="forbidden")
    good, bad = spans()
    assert format(good.context.trace_id, "032x") == TRACE
    assert (good.end_time - good.start_time) / 1e9 == pytest.approx(0.25)
    assert dict(good.attributes) == {"session": "s", "outcome": "committed"}
    assert good.status.is_unset
    assert bad.status.description == "forbidden"


def test_a_traceparent_that_is_malformed_is_ignored(spans) -> None:
    tracing.record("x", 0.0, of=tracing.origin({"traceparent": "00-1-2-xx"}))
    (span,) = spans()
    assert span.parent is None


def test_what_a_block_raises_is_named_by_its_type_alone(spans) -> None:
    headers = {}

    def work():
        with tracing.span("work", of=tracing.origin(CALLER)):
            tracing.note(answer=42)
            headers.update(tracing.outgoing())
            with tracing.span("inner"):
                raise KeyError("a secret")

    with pytest.raises(KeyError):
        work()
    inner, outer = spans()
    assert headers["traceparent"].split("-")[1] == TRACE
    assert inner.parent.span_id == outer.context.span_id
    assert outer.attributes["answer"] == 42
    assert outer.status.description == inner.status.description == "KeyError"
    assert not outer.events
    assert "secret" not in outer.to_json() + inner.to_json()


DEAF = """
import os, time
from server.ops import tracing
tracing.FLUSH_SECONDS = 0.2
tracing.configure(os.environ)
tracing.record("work", 0.1)
began = time.monotonic()
tracing.shut_down()
assert tracing.outgoing() == {}
print(time.monotonic() - began)
"""


def test_a_collector_that_answers_nothing_does_not_keep_a_process() -> None:
    """In a process of its own: what still tries to send would go on into other tests."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        there = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{deaf.getsockname()[1]}"}
        done = subprocess.run(
            [sys.executable, "-c", DEAF],
            env=os.environ | there | {"OTEL_TRACES_SAMPLER": "always_on"},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5, "by itself it waits for ten seconds, and tries again"
