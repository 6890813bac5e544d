"""What the REST interface takes: no text that breaks a line passes for one that does not."""

import msgspec
import pytest

from protocol import rest
from server.ids import new_id

KEY = "a-very-secret-key"
DESTINATION = {"integration": new_id(), "name": "Ours", "url": "rtmp://a.example/live"}


def read(kind, **fields):
    return msgspec.convert(fields, kind)


@pytest.mark.parametrize(
    ("kind", "fields", "name", "text"),
    [
        (rest.NewSession, {"title": "One"}, "language", "pt-BR"),
        (rest.NewIntegration, {}, "provider", "youtube"),
        (rest.NewDestination, DESTINATION, "url", "rtmps://b.example:443/live?x=1"),
        (rest.NewDestination, DESTINATION, "backup_url", "rtmp://b.example/live"),
        (rest.NewDestination, DESTINATION, "stream_key", KEY),
        (rest.NewStreamKey, {}, "stream_key", KEY),
        (rest.NewStreamKey, {}, "stream_key_ref", "env:STREAM_KEY"),
        (rest.NewStreamKey, {}, "stream_key_ref", "file:/run/secrets/key of a"),
        (rest.NewStreamKey, {}, "stream_key_ref", "aws-sm:arn:aws:secretsmanager:x"),
        (rest.CommandRequest, {"op": "hand.raise"}, "key", "k.1"),
        (rest.PageQuery, {}, "after", new_id()),
    ],
)
def test_a_line_does_not_end_in_a_line_feed(kind, fields, name, text) -> None:
    assert getattr(read(kind, **fields | {name: text}), name) == text
    for wrong in (text + "\n", "\n" + text, text[:3] + "\n" + text[3:], text + "\0", ""):
        with pytest.raises(msgspec.ValidationError):
            read(kind, **fields | {name: wrong})


def test_a_body_never_shows_its_key() -> None:
    for body in (
        read(rest.NewDestination, **DESTINATION, stream_key=KEY),
        read(rest.NewStreamKey, stream_key=KEY),
    ):
        assert KEY not in f"{body} {body!r} {[body]}"
    assert "Ours" in repr(read(rest.NewDestination, **DESTINATION))
