"""What messages say: what the documentation shows, and never more than staff see."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from protocol.errors import MalformedFrameError
from protocol.events import EVENTS
from protocol.rest.webhooks import PERSONAL, USUAL, WebhookEvent
from server.store.heads import find_fault, parse
from server.store.installation import Installation
from server.store.log import StoredEvent
from server.webhooks import payload

DOCS = Path(__file__).parents[3] / "docs" / "webhooks.md"
TENANT, SESSION, LOG, PERSON = (f"01900000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3, 4))
IDENTITY = Installation(LOG, bytes(range(32)))
AT_MS = 1_795_338_000_000


def message(kind: str, data: dict[str, Any], *, sequence: int = 812, at_ms: int = AT_MS) -> Any:
    stored = StoredEvent(
        sequence, PERSON, kind, 1, json.dumps(data).encode(), "k", PERSON, at_ms, b"\x01" * 32
    )
    body = payload.of_event(stored, tenant=TENANT, session=SESSION, identity=IDENTITY)
    return None if body is None else json.loads(body)


def examples() -> dict[str, Any]:
    found = map(json.loads, re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL))
    return {each["type"]: each for each in found}


def test_messages_are_as_the_documentation_shows_them() -> None:
    shown = examples()
    assert set(shown) == {"session.ended", "participant.joined"}
    ended = message("session.ended", {}, at_ms=AT_MS + 3_600_000)
    head = ended["data"]["head"]
    assert find_fault(parse(json.dumps(head)), head["public_key"]) is None
    for field, text in shown["session.ended"]["data"]["head"].items():
        if isinstance(text, str) and text.endswith("…"):
            head[field] = text
    assert ended == shown["session.ended"]
    sam = {"user": PERSON, "name": "Sam", "role": "student"}
    assert message("participant.joined", sam, sequence=3) == shown["participant.joined"]


def test_the_table_of_the_documentation_is_whole() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| [^|]+ \|([^|]*)\|$", DOCS.read_text(), re.MULTILINE)
    told = {kind: set(re.findall(r"`(\w+)`", fields)) - {"head"} for kind, fields in rows}
    assert list(told) == list(get_args(WebhookEvent))
    for kind, names in told.items():
        assert names == set(EVENTS[kind].__struct_fields__), kind


def test_people_are_told_of_only_to_who_asks() -> None:
    assert {*USUAL, *PERSONAL} == set(get_args(WebhookEvent))
    for kind in USUAL:
        names = {field.name for field in msgspec.structs.fields(EVENTS[kind])}
        assert not names & {"user", "name", "text", "by"}, kind


def test_what_cannot_be_read_is_no_message() -> None:
    assert message("class.of_tomorrow", {}) is None
    with pytest.raises(MalformedFrameError):
        message("recording.failed", {"recording": 1})


def test_a_ping_names_the_tenant_and_nothing_else() -> None:
    assert json.loads(payload.ping(AT_MS, tenant=TENANT)) == {
        "type": "webhook.ping",
        "timestamp": "2026-11-22T09:00:00.000Z",
        "data": {"tenant": TENANT},
    }
