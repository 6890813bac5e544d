"""Traces, for whoever asks for them: OpenTelemetry's, sent by OTLP over HTTP.

Off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set; then nothing of OpenTelemetry is imported, and
every function here returns at once. All other variables of OpenTelemetry hold as they are
documented there; one trace in twenty is taken unless ``OTEL_TRACES_SAMPLER`` says otherwise.

What a span carries is what a log may: ids, types, counts and codes, never a key, a token, an
address with one, or what somebody said.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Thread
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from server.errors import InvalidSettingsError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

SAMPLED = 0.05
FLUSH_SECONDS = 2.0
_WANTED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NOTHING: "nullcontext[None]" = nullcontext()

Value: TypeAlias = str | int | float | bool


class Origin(NamedTuple):
    """Where what happens later comes from: the trace it belongs to, and what is known of it."""

    context: "Context"
    attributes: Mapping[str, Value]


class _State:
    """What :func:`configure` has made; nothing, where nobody asked."""

    provider: "TracerProvider | None" = None
    tracer: "Tracer | None" = None


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Say whether the environment asks for traces."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_off and any(environ.get(name) for name in _WANTED)


def configure(environ: Mapping[str, str]) -> None:
    """Begin to trace, if the environment asks for it.

    Raises:
        InvalidSettingsError: If it does, and OpenTelemetry is not installed.

    """
    if not is_wanted(environ):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        text = f"{_WANTED[0]} is set, and OpenTelemetry is missing: pip install 'liveclass[otel]'"
        raise InvalidSettingsError(text) from error
    provider = TracerProvider(
        resource=Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME", "liveclass")}),
        sampler=(
            None if "OTEL_TRACES_SAMPLER" in environ else ParentBased(TraceIdRatioBased(SAMPLED))
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: "TracerProvider | None") -> None:
    """Trace with ``provider`` from now on, or with none."""
    _State.provider = provider
    _State.tracer = None if provider is None else provider.get_tracer("liveclass")


def shut_down() -> None:
    """Trace no more, and send what is not sent yet if that takes no longer than a moment."""
    provider = _State.provider
    use(None)
    if provider is not None:
        # It waits for a collector that is away for as long as it likes: not we for it.
        sending = Thread(target=provider.shutdown, name="traces", daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


def origin(headers: Mapping[str, str], **attributes: Value) -> Origin | None:
    """Return where something comes from that is recorded later; ``headers`` may name its trace.

    That is ``traceparent`` (W3C Trace Context); one that is malformed is ignored.
    """
    if _State.tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {name.lower(): value for name, value in headers.items()}
    return Origin(TraceContextTextMapPropagator().extract(carrier), attributes)


def record(
    name: str,
    seconds: float,
    *,
    of: Origin | None = None,
    error: str | None = None,
    **attributes: Value,
) -> None:
    """Note something that has just ended and took ``seconds``. ``error`` is a code."""
    if _State.tracer is None:
        return
    from opentelemetry.trace import Status, StatusCode

    now = time_ns()
    span = _State.tracer.start_span(
        name,
        context=None if of is None else of.context,
        attributes={**({} if of is None else of.attributes), **attributes},
        start_time=now - int(seconds * 1e9),
    )
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, error))
    span.end(now)


def span(
    name: str, *, of: Origin | None = None, **attributes: Value
) -> "AbstractContextManager[None]":
    """Note what the block does and how long it takes; an exception is its error, without text."""
    return _NOTHING if _State.tracer is None else _Span(_State.tracer, name, of, attributes)


class _Span:
    """A block that is traced; what it raises is named by its type alone: a text may quote."""

    def __init__(
        self, tracer: "Tracer", name: str, of: Origin | None, attributes: Mapping[str, Value]
    ) -> None:
        self._entered = tracer.start_as_current_span(
            name,
            context=None if of is None else of.context,
            attributes={**({} if of is None else of.attributes), **attributes},
            record_exception=False,
            set_status_on_exception=False,
        )

    def __enter__(self) -> None:
        self._span = self._entered.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from opentelemetry.trace import Status, StatusCode

        if kind is not None and issubclass(kind, Exception):
            self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
        self._entered.__exit__(kind, error, trace)


def note(**attributes: Value) -> None:
    """Add to what the present block of :func:`span` is said to be."""
    if _State.tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(attributes)


def outgoing() -> dict[str, str]:
    """Return the headers by which whoever is called goes on with the present trace."""
    if _State.tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return headers
