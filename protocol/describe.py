"""The protocol as others read it: an AsyncAPI 3.0 document and JSON Schemas (draft 2020-12).

All of it is computed from the types and constants of this package, docstrings included, and from
what names *mean* (``meanings.py``). ``python -m protocol.spec`` writes the files of
:func:`documents`.

The schemas say what may be sent today and stay open where the protocol grows: a client passes
over fields, event types and codes that it does not know, while an unknown ``op`` is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import cleandoc
from typing import Any, Final, TypeAlias, get_args

import msgspec

from protocol import limits
from protocol.commands import COMMANDS
from protocol.errors import RETRYABLE, CloseCode, ErrorCode
from protocol.events import EVENTS
from protocol.frames import ClientFrame, ServerFrame
from protocol.meanings import CLOSES, ERRORS, LEADS_TO, STATE

Json: TypeAlias = dict[str, Any]

FROM_CLIENT: Final[tuple[type[msgspec.Struct], ...]] = get_args(ClientFrame)
FROM_SERVER: Final[tuple[type[msgspec.Struct], ...]] = get_args(ServerFrame)

ADDRESS: Final = "/v1/sessions/{session}/live"

_OPERATIONS: Final[Mapping[str, tuple[str, Sequence[str], Sequence[str]]]] = {
    "join": ("receive", ("Hello",), ("Welcome", "Bye")),
    "command": ("receive", ("CommandFrame",), ("Ack", "Nack")),
    "resync": ("receive", ("Resync",), ("EventsFrame", "SnapshotFrame")),
    "roster": ("receive", ("Roster",), ("RosterPage",)),
    "signal": ("receive", ("SignalSent",), ()),
    "ping": ("receive", ("ClientPing",), ("ServerPong",)),
    "renew": ("receive", ("TokenSent",), ("TokenTaken",)),
    "heartbeat": ("send", ("ServerPing",), ("ClientPong",)),
    "log": ("send", ("SnapshotFrame", "EventsFrame", "Mine"), ()),
    "ephemera": ("send", ("Presence", "Signal", "Counters", "Health"), ()),
    "goodbye": ("send", ("Bye",), ()),
}
"""What the server receives or sends, and what it answers or awaits."""


def documents() -> Mapping[str, Json]:
    """Return the content of each file of the specification by its name."""
    anything = {"anyOf": [_ref(_DEFS, "ClientFrame"), _ref(_DEFS, "ServerFrame")]}
    return {
        "asyncapi.json": asyncapi(),
        "commands.schema.json": _schema("The commands", _ref(_DEFS, "Command")),
        "events.schema.json": _schema("The events", _ref(_DEFS, "Event")),
        "frames.schema.json": _schema("The frames of the live socket", anything),
    }


def asyncapi() -> Json:
    """Return the AsyncAPI document, told from the side of the server."""
    schemas = _components(_SCHEMAS)
    for union in ("ClientFrame", "ServerFrame"):
        schemas[union]["discriminator"] = "type"  # AsyncAPI: a name; OpenAPI: an object
    frames = (*FROM_CLIENT, *FROM_SERVER)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "liveclass",
            "version": limits.SUBPROTOCOL.split(".")[1].removeprefix("v"),
            "description": "The live socket of a class: one JSON object per text frame.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "live": {
                "address": ADDRESS,
                "description": "Ends with a close code: see the schema CloseCode.",
                "parameters": {"session": {"description": "The id of the session."}},
                "messages": {
                    kind.__name__: _ref("#/components/messages/", kind.__name__) for kind in frames
                },
                "bindings": {"ws": {"method": "GET", "headers": _HEADERS}},
            }
        },
        "operations": {name: _operation(*parts) for name, parts in _OPERATIONS.items()},
        "components": {
            "messages": {
                kind.__name__: {
                    "name": kind.__struct_config__.tag,
                    "title": kind.__name__,
                    "summary": schemas[kind.__name__]["description"],
                    "payload": _ref(_SCHEMAS, kind.__name__),
                }
                for kind in frames
            },
            "schemas": schemas,
        },
        "x-limits": {
            name.lower(): value
            for name, value in vars(limits).items()
            if name.isupper() and isinstance(value, int | float)
        },
    }


_DEFS: Final = "#/$defs/"
_SCHEMAS: Final = "#/components/schemas/"

_HEADERS: Final[Json] = {
    "type": "object",
    "properties": {"Sec-WebSocket-Protocol": {"const": limits.SUBPROTOCOL}},
}


def _operation(action: str, messages: Sequence[str], answers: Sequence[str]) -> Json:
    channel = _ref("#/channels/", "live")
    operation: Json = {"action": action, "channel": channel, "messages": _messages(messages)}
    if answers:
        operation["reply"] = {"channel": channel, "messages": _messages(answers)}
    return operation


def _messages(names: Iterable[str]) -> list[Json]:
    return [_ref("#/channels/live/messages/", name) for name in names]


def _schema(title: str, root: Json) -> Json:
    """Return a schema of its own: ``root``, with every definition that it leads to."""
    components = _components(_DEFS)
    reached: set[str] = set()
    ahead = list(_references(root))
    while ahead:
        name = ahead.pop().removeprefix(_DEFS)
        if name not in reached:
            reached.add(name)
            ahead.extend(_references(components[name]))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **root,
        "$defs": {name: components[name] for name in components if name in reached},
    }


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _components(at: str) -> dict[str, Json]:
    """Return the schema of every type by its name, for a document that keeps them under ``at``."""
    kinds = (*map(describable, (*FROM_CLIENT, *FROM_SERVER)), *COMMANDS.values(), *EVENTS.values())
    _, structs = msgspec.json.schema_components(kinds, ref_template=at + "{name}")
    components: dict[str, Json] = _markdown(structs)
    components["ErrorCode"] = {
        "description": "Why a command was not done. Switch on this, never on `message`.",
        "oneOf": [
            {"const": code, "description": ERRORS[code], "x-retryable": code in RETRYABLE}
            for code in get_args(ErrorCode)
        ],
    }
    components["CloseCode"] = {
        "description": "Why a connection ended. 4100-4499: come back; 4500-4999: do not.",
        "oneOf": [
            {
                "const": int(code),
                "title": code.reason,
                "description": CLOSES[code],
                "x-may-reconnect": code.may_reconnect,
            }
            for code in CloseCode
        ],
    }
    components["Command"] = {
        "description": "An operation and its data.",
        "oneOf": [
            {
                **_variant({"op": op}, kind, components, at, optional=True),
                "x-events": list(LEADS_TO[op]),
            }
            for op, kind in COMMANDS.items()
        ],
    }
    components["Event"] = {
        "description": "The type of an event, the version of its data, and its data.",
        "oneOf": [
            _variant({"type": name, "version": kind.version}, kind, components, at)
            for name, kind in EVENTS.items()
        ],
    }
    for name, meaning in STATE.items():
        components["State"]["properties"][name]["description"] = meaning
    components["CommandFrame"]["allOf"] = [_ref(at, "Command")]
    unknown = {"properties": {"type": {"not": {"enum": list(EVENTS)}}}}
    components["LogEvent"]["anyOf"] = [_ref(at, "Event"), unknown]
    components["Nack"]["properties"]["code"]["anyOf"] = [_ref(at, "ErrorCode"), {}]
    components["Bye"]["properties"]["code"]["anyOf"] = [_ref(at, "CloseCode"), {}]
    for union, frames in (("ClientFrame", FROM_CLIENT), ("ServerFrame", FROM_SERVER)):
        components[union] = {"oneOf": [_ref(at, kind.__name__) for kind in frames]}
    return components


def _variant(
    constants: Mapping[str, Any],
    kind: type[msgspec.Struct],
    components: Mapping[str, Json],
    at: str,
    *,
    optional: bool = False,
) -> Json:
    """Return the schema of what carries ``kind`` as its ``data``.

    ``optional``: the data may be absent where none of its fields is required.
    """
    struct = components[kind.__name__]
    absent = optional and not struct["required"]
    return {
        "title": next(iter(constants.values())),
        "description": struct["description"],
        "type": "object",
        "properties": {
            **{name: {"const": value} for name, value in constants.items()},
            "data": _ref(at, kind.__name__),
        },
        "required": [*constants, *(() if absent else ("data",))],
    }


def describable(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return ``kind`` with an object where it has raw JSON by default: msgspec describes no Raw."""
    raw: list[tuple[str, type, Any]] = [
        (field.name, Json, msgspec.field(default_factory=dict))
        for field in msgspec.structs.fields(kind)
        if isinstance(field.default, msgspec.Raw)
    ]
    if not raw:
        return kind
    namespace = {"__doc__": kind.__doc__}
    return msgspec.defstruct(kind.__name__, raw, bases=(kind,), namespace=namespace, frozen=True)


def _markdown(value: Any) -> Any:
    """Return ``value`` with its docstrings without indentation, and literals as in Markdown."""
    if isinstance(value, dict):
        return {key: _markdown(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_markdown(part) for part in value]
    return cleandoc(value).replace("``", "`") if isinstance(value, str) else value


def _ref(at: str, name: str) -> Json:
    return {"$ref": at + name}
