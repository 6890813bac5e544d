"""The published specification is fresh, whole and valid, and agrees with the golden vectors."""

import contextlib
import json
import subprocess
import sys
from inspect import getdoc
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from protocol import codec, limits
from protocol.commands import COMMANDS
from protocol.describe import FROM_CLIENT, FROM_SERVER, documents
from protocol.errors import RETRYABLE, CloseCode, ErrorCode, Refusal
from protocol.events import EVENTS
from protocol.frames import CommandFrame
from protocol.meanings import LEADS_TO, STATE

PROTOCOL = Path(__file__).parents[2] / "protocol"
SCHEMAS = [name for name in documents() if name.endswith(".schema.json")]
FRAMES = (*FROM_CLIENT, *FROM_SERVER)


def spec(name):
    return json.loads((PROTOCOL / "spec" / name).read_text(encoding="utf-8"))


def validator(name, *, of=None):
    schema = spec(name)
    if of is not None:
        schema = {"$ref": f"#/$defs/{of}", "$defs": schema["$defs"]}
    return Draft202012Validator(schema)


def vectors(name):
    return json.loads((PROTOCOL / "vectors" / name).read_text(encoding="utf-8"))


def constants(schema, of):
    return [variant["properties"][of]["const"] for variant in schema["oneOf"]]


def references(value):
    if isinstance(value, dict):
        yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references(part)


def objects(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from objects(part)


# ---------------------------------------------------------------- fresh


@pytest.mark.parametrize("name", list(documents()))
def test_the_committed_specification_is_fresh(name):
    text = json.dumps(documents()[name], ensure_ascii=False, indent=1) + "\n"
    committed = (PROTOCOL / "spec" / name).read_text(encoding="utf-8")
    assert committed == text, "stale: run make spec, look, commit"


def test_nothing_else_is_published():
    assert {path.name for path in (PROTOCOL / "spec").glob("*.json")} == set(documents())


def test_the_specification_does_not_depend_on_the_order_of_hashing():
    program = "import json, protocol.describe as d; print(json.dumps(d.documents()))"
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=PROTOCOL.parent,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


# ---------------------------------------------------------------- whole


def test_every_operation_and_event_appears():
    assert constants(spec("commands.schema.json")["$defs"]["Command"], "op") == list(COMMANDS)
    assert constants(spec("events.schema.json")["$defs"]["Event"], "type") == list(EVENTS)
    schemas = spec("asyncapi.json")["components"]["schemas"]
    assert constants(schemas["Command"], "op") == list(COMMANDS)
    assert constants(schemas["Event"], "type") == list(EVENTS)


def test_every_frame_is_a_message_of_some_operation():
    document = spec("asyncapi.json")
    names = {kind.__name__ for kind in FRAMES}
    assert set(document["channels"]["live"]["messages"]) == names
    sides = {"receive": set(), "send": set()}
    for operation in document["operations"].values():
        action = operation["action"]
        back = "send" if action == "receive" else "receive"
        sides[action] |= {ref.rpartition("/")[2] for ref in references(operation["messages"])}
        answers = operation.get("reply", {}).get("messages", [])
        sides[back] |= {ref.rpartition("/")[2] for ref in references(answers)}
    assert sides["receive"] == {kind.__name__ for kind in FROM_CLIENT}
    assert sides["send"] == {kind.__name__ for kind in FROM_SERVER}


def test_every_error_code_appears_with_what_it_means():
    for schemas in (
        spec("asyncapi.json")["components"]["schemas"],
        spec("frames.schema.json")["$defs"],
    ):
        codes = schemas["ErrorCode"]["oneOf"]
        assert [code["const"] for code in codes] == list(get_args(ErrorCode))
        assert {code["const"] for code in codes if code["x-retryable"]} == RETRYABLE
        assert all(code["description"] for code in codes)


def test_every_close_code_says_whether_to_come_back():
    for schemas in (
        spec("asyncapi.json")["components"]["schemas"],
        spec("frames.schema.json")["$defs"],
    ):
        said = {
            code["const"]: (code["title"], code["x-may-reconnect"])
            for code in schemas["CloseCode"]["oneOf"]
            if code["description"]
        }
        assert said == {int(code): (code.reason, code.may_reconnect) for code in CloseCode}


def test_the_limits_appear():
    said = spec("asyncapi.json")["x-limits"]
    assert said["frame_bytes"] == limits.FRAME_BYTES
    assert said["hello_seconds"] == limits.HELLO_SECONDS


def test_what_operations_lead_to_appears():
    for variant in spec("asyncapi.json")["components"]["schemas"]["Command"]["oneOf"]:
        op = variant["properties"]["op"]["const"]
        assert variant["x-events"] == list(LEADS_TO[op])
        assert set(variant["x-events"]) <= set(EVENTS)


def test_each_field_of_the_state_says_what_it_holds():
    fields = spec("frames.schema.json")["$defs"]["State"]["properties"]
    assert {name: field["description"] for name, field in fields.items()} == STATE


def test_docstrings_are_the_descriptions():
    schemas = spec("asyncapi.json")["components"]["schemas"]
    for kind in (*FRAMES, *COMMANDS.values(), *EVENTS.values()):
        assert schemas[kind.__name__]["description"] == getdoc(kind).replace("``", "`")


# ---------------------------------------------------------------- valid


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid_and_stand_alone(name):
    schema = spec(name)
    Draft202012Validator.check_schema(schema)
    reached = {ref.removeprefix("#/$defs/") for ref in references(schema)}
    assert reached == set(schema["$defs"])


ASYNCAPI = json.loads((Path(__file__).parent / "schemas" / "asyncapi-3.0.0.json").read_bytes())
"""What an AsyncAPI 3.0 document is, as its authors publish it."""


def test_the_asyncapi_document_is_one():
    Draft7Validator(ASYNCAPI).validate(spec("asyncapi.json"))


@pytest.mark.parametrize(
    "breaking",
    [
        lambda document: document.pop("info"),
        lambda document: document["operations"]["join"].update(action="listen"),
        lambda document: document["channels"]["live"]["messages"].update(Hello=1),
        lambda document: document["components"]["schemas"]["Hello"].update(type="thing"),
    ],
)
def test_a_document_that_is_none_is_noticed(breaking):
    document = spec("asyncapi.json")
    breaking(document)
    assert not Draft7Validator(ASYNCAPI).is_valid(document)


def test_each_reference_of_the_asyncapi_document_leads_somewhere():
    document = spec("asyncapi.json")
    for ref in references(document):
        place = document
        for part in ref.removeprefix("#/").split("/"):
            place = place[part]


def test_a_discriminator_is_a_name_as_asyncapi_has_it():
    said = [
        each["discriminator"]
        for each in objects(spec("asyncapi.json"))
        if "oneOf" in each and "discriminator" in each
    ]
    assert said == ["type", "type"]


# ---------------------------------------------------------------- in agreement with the vectors


def test_the_golden_events_and_states_are_accepted():
    event = validator("events.schema.json")
    frames = validator("frames.schema.json")
    state = validator("frames.schema.json", of="State")
    for case in vectors("fold.json"):
        for logged in case["events"]:
            assert event.is_valid(logged) == (logged["type"] in EVENTS)
        sequences = [logged["sequence"] for logged in case["events"]]
        frames.validate(
            {
                "type": "events",
                "from": min(sequences),
                "to": max(sequences),
                "events": case["events"],
            }
        )
        state.validate(case["before"])
        state.validate(case["after"])


def test_the_golden_conversations_are_accepted():
    ours = validator("frames.schema.json", of="ClientFrame")
    theirs = validator("frames.schema.json", of="ServerFrame")
    command = validator("commands.schema.json")
    for case in vectors("client.json"):
        for step in case["steps"]:
            for frame in step["sends"]:
                ours.validate(frame)
            if step["do"] == "command":
                command.validate(step)
            if "frame" in step:
                theirs.validate(step["frame"])


FRAME = {"type": "command", "id": 1, "key": "k"}


@pytest.mark.parametrize(
    ("frame", "holds"),
    [
        ({**FRAME, "op": "hand.raise"}, True),
        ({**FRAME, "op": "hand.raise", "data": {}}, True),
        ({**FRAME, "op": "hand.raise", "data": {"user": None}}, False),
        ({**FRAME, "op": "hand.wave", "data": {}}, False),
        ({**FRAME, "op": "chat.post", "data": {"text": "hello"}}, True),
        ({**FRAME, "op": "chat.post", "data": {"text": " "}}, False),
        ({**FRAME, "op": "chat.post"}, False),
        ({**FRAME, "op": "chat.post", "data": {"text": "hello"}, "key": "two words"}, False),
    ],
)
def test_a_command_is_held_to_the_data_of_its_operation(frame, holds):
    assert validator("frames.schema.json", of="ClientFrame").is_valid(frame) == holds


BOARD = {"asset": "01900000-0000-7000-8000-000000000030"}
LINE = {"points": [0, 0, 10_000, 10_000]}
CHAPTER = {"title": "One", "start_ms": 0}
PERSON = {"user": "01900000-0000-7000-8000-0000000000a1"}


@pytest.mark.parametrize(
    ("op", "data", "holds"),
    [
        ("board.draw", {**BOARD, "stroke": LINE}, True),
        ("board.draw", {**BOARD, "stroke": {**LINE, "colour": "#00cc99", "tool": "eraser"}}, True),
        ("board.draw", {**BOARD, "stroke": {**LINE, "colour": "red"}}, False),
        ("board.draw", {**BOARD, "stroke": {"points": [0]}}, False),
        ("board.draw", {**BOARD, "stroke": {"points": [0, 10_001]}}, False),
        ("board.draw", {**BOARD, "stroke": {"points": [0, 0.5]}}, False),
        ("artifact.add", {"artifact_type": "chapter", "payload": CHAPTER}, True),
        ("artifact.add", {"artifact_type": "poem", "payload": CHAPTER}, False),
        ("artifact.add", {"artifact_type": "chapter", "payload": {"name": "One"}}, False),
        ("participant.set_grants", {**PERSON, "grants": {"board.draw": True}}, True),
        ("participant.set_grants", {**PERSON, "grants": {}}, False),
        ("participant.set_grants", {**PERSON, "grants": {"board.draw": "yes"}}, False),
        ("participant.mute", {**PERSON, "until": "2026-11-22T09:30:00.000Z"}, True),
        ("participant.mute", {**PERSON, "until": "2026-11-22T09:30:00Z"}, False),
        ("caption.add", {"text": "a", "start_ms": 0, "end_ms": 1, "language": "pt-BR"}, True),
        ("caption.add", {"text": "a", "start_ms": 0, "end_ms": 1, "language": "?"}, False),
    ],
)
def test_schema_and_codec_agree_on_what_holds(op, data, holds):
    schema = validator("frames.schema.json", of="ClientFrame")
    assert schema.is_valid({**FRAME, "op": op, "data": data}) == holds
    frame = CommandFrame(1, "k", op, msgspec.Raw(json.dumps(data).encode()))
    with contextlib.nullcontext() if holds else pytest.raises(Refusal, match=r"."):
        codec.decode_command(frame)


LOGGED = {"sequence": 1, "version": 1, "at": "2026-11-22T09:00:00.123Z", "by": None}


@pytest.mark.parametrize(
    ("event", "known", "bearable"),
    [
        ({**LOGGED, "type": "poll.voted", "data": {}}, False, False),
        ({**LOGGED, "type": "session.started", "data": {}}, True, True),
        ({**LOGGED, "type": "session.started", "data": {"later": 1}}, True, True),
        ({**LOGGED, "type": "of.another.day", "data": {"x": 1}}, False, True),
    ],
)
def test_an_event_is_held_to_the_data_of_its_type_if_that_is_known(event, known, bearable):
    assert validator("events.schema.json").is_valid(event) == known
    assert validator("frames.schema.json", of="LogEvent").is_valid(event) == bearable


def test_a_code_of_another_day_is_bearable():
    frames = validator("frames.schema.json", of="ServerFrame")
    assert frames.is_valid({"type": "bye", "code": 4199, "reason": "new"})
    assert not frames.is_valid({"type": "bye", "code": "4101", "reason": "draining"})
