"""What :mod:`tests.rest_fuzz` adds to schemathesis: refusals are problems, and what SDP is."""

import msgspec
import schemathesis

from protocol.rest import Problem

PROBLEM = "application/problem+json"


@schemathesis.check
def refusals_are_problems(ctx, response, case):
    """Every 4xx and 5xx is a problem document of our own that says what its status says."""
    if response.status_code < 400 or case.method.upper() == "HEAD":
        return
    (kind,) = response.headers.get("content-type", ("none",))
    assert kind == PROBLEM, f"{response.status_code} comes as {kind}"
    problem = msgspec.json.decode(response.content, type=Problem)
    assert problem.status == response.status_code
    assert problem.code != "internal", "a defect of the server"
    if response.status_code in (429, 503):
        assert "retry-after" in response.headers


@schemathesis.hook
def map_body(context, body):
    """Send 1 where 1.0 was drawn: for JSON Schema they are the same, for us 1.0 is no integer."""
    match body:
        case dict():
            return {name: map_body(context, value) for name, value in body.items()}
        case list():
            return [map_body(context, value) for value in body]
        case float() if body.is_integer():
            return int(body)
        case _:
            return body


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag", "text/vtt")
def as_text(ctx, value):
    """Send text as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
