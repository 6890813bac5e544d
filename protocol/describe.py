"""The protocol as others read it: an AsyncAPI 3.0 document and JSON Schemas (draft 2020-12).

All of it is computed from the types and constants of this package, docstrings included; only what
a code *means* is written here. ``python -m protocol.spec`` writes the files of :func:`documents`.

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

Json: TypeAlias = dict[str, Any]

FROM_CLIENT: Final[tuple[type[msgspec.Struct], ...]] = get_args(ClientFrame)
FROM_SERVER: Final[tuple[type[msgspec.Struct], ...]] = get_args(ServerFrame)

ADDRESS: Final = "/v1/sessions/{session}/live"

ERRORS: Final[Mapping[ErrorCode, str]] = {
    "bad_request": "The data does not hold; `field` names what is at fault.",
    "unknown_op": "There is no such operation.",
    "too_large": "Over HTTP: the body is longer than the server takes.",
    "unauthorized": "Over HTTP: the token does not hold.",
    "forbidden": "This person may not do this, or not to that person.",
    "muted": "This person may not speak now.",
    "locked": "The chat is closed, open to staff alone, or slow: `retry_ms` then says how slow.",
    "not_found": "What the command is about does not exist.",
    "conflict": "It does not go with how things are now, or not before the class starts. Where it"
    " has changed since `expect`, `detail.touched` is the sequence of the last change.",
    "idempotency_conflict": "The key belongs to a command with another `op` or `data`.",
    "rate_limited": "Too many in too short a time.",
    "overloaded": "Too many commands are unanswered, or the server has too much to do.",
    "session_ended": "The class is over.",
    "unavailable": "Nothing was stored, or the outcome is unknown: resend with the same key.",
    "internal": "A defect of the server.",
}
"""What each error code means."""

CLOSES: Final[Mapping[CloseCode, str]] = {
    CloseCode.SERVICE_RESTART: "The server restarts: reconnect after `retry_ms`.",
    CloseCode.DRAINING: "The server is about to stop: reconnect after `retry_ms`.",
    CloseCode.TOKEN_EXPIRED: "The token has expired: get a fresh one, then reconnect.",
    CloseCode.TOO_SLOW: "The client took nothing for too long: reconnect and resume.",
    CloseCode.NO_PONG: "No pong came in time: reconnect and resume.",
    CloseCode.OVERLOADED: "The server or the room is full, or cannot be opened right now: reconnect"
    " after `retry_ms`.",
    CloseCode.TOKEN_INVALID: "The token does not hold, was revoked, or is another person's.",
    CloseCode.PROTOCOL_ERROR: "The client sent what is no frame of this protocol.",
    CloseCode.NO_HELLO: "The first frame was no `hello`, or none came in time.",
    CloseCode.REMOVED: "The person was taken out of the class.",
    CloseCode.BANNED: "The person may not come back to the class.",
    CloseCode.DENIED: "The person was not let in from the lobby.",
    CloseCode.ORIGIN_NOT_ALLOWED: "Pages of this origin may not connect.",
    CloseCode.NOT_FOUND: "There is no such session for this person.",
    CloseCode.SESSION_OVER: "The class is over; its last events were sent. Go to the replay.",
    CloseCode.ABUSE: "The client went on far beyond its rate.",
    CloseCode.NO_COMMON_VERSION: "Client and server share no version of the protocol.",
}
"""What each close code means."""

STATE: Final[Mapping[str, str]] = {
    "status": "scheduled, live, ended or archived.",
    "started_at": "When the class started.",
    "ended_at": "When it ended.",
    "title": "The title of the session, in the lobby only.",
    "teacher": "The name of the teacher, in the lobby only.",
    "locked": "Whether newcomers wait in the lobby.",
    "people": "Staff only: who has ever come, by user.",
    "hands": "The raised hands, in the order of raising.",
    "chat": "How the chat works: what `chat.configured` said last.",
    "messages": "The last messages; a removed one stays, `removed` and with an empty `text`.",
    "pinned": "The pinned messages, whole, in the order of pinning.",
    "questions": "The questions, in the order of asking; their votes are in `counters`.",
    "presented": "The question on the stage, by its id.",
    "polls": "The polls, in the order of opening; until published, votes are in `counters`.",
    "scenes": "The scenes of the studio, in the order of creation.",
    "scene": "The scene on air, by its id.",
    "assets": "Slides, whiteboards and media, in the order of adding.",
    "shown": "The asset that everybody sees, and its page.",
    "strokes": "The strokes on all boards, in the order of drawing.",
    "feedback": "Staff only: how often each kind of feedback was given.",
    "captions": "The last captions.",
    "destinations": "Staff only: where the class is streamed to, by destination.",
    "publisher": "The teacher's picture and sound; null before they first came.",
    "recording": "The newest recording.",
    "artifacts": "What the class leaves behind, without the content.",
    "replay": "The replay, once there is one.",
}
"""What each field of a snapshot's state holds."""

LIMITS: Final[Mapping[str, str]] = {
    "HELLO_SECONDS": "Until `hello` must have come, in seconds.",
    "CONNECTIONS_WITHOUT_HELLO": "Connections of one address that have not said `hello`.",
    "FRAME_BYTES": "The longest frame of a client.",
    "WEBSOCKET_BYTES": "Longer messages are closed with 1009 by the WebSocket layer.",
    "EVENTS_PER_FRAME": "Events in one `events` frame.",
    "EVENTS_FRAME_BYTES": "The longest `events` frame.",
    "SNAPSHOT_BYTES": "The longest `snapshot`.",
    "COMMANDS_PER_SECOND": "Commands of one class per second, on average.",
    "COMMAND_BURST": "Commands of one class at once.",
    "IN_FLIGHT": "Commands without an answer.",
    "SIGNALS_PER_SECOND": "Signals per second, on average.",
    "SIGNAL_BURST": "Signals at once.",
    "ABUSE_FACTOR": "This many times over a rate is abuse.",
    "HEARTBEAT_INTERVAL_MS": "Between two pings of the server, in milliseconds.",
    "HEARTBEAT_TIMEOUT_MS": "Until the pong must have come, in milliseconds.",
    "TOKEN_GRACE_SECONDS": "Between the end of a token and that of its connection, in seconds.",
    "STALLED_SECONDS": "Taking nothing for so long ends a connection, in seconds.",
    "END_GRACE_SECONDS": "Between the end of the class and that of students' connections.",
    "DROPPED_SECONDS": "How long one is `dropped` before one has left, in seconds.",
    "PRESENCE_COALESCE_MS": "Changes of presence are gathered for so long, in milliseconds.",
    "SIGNAL_COALESCE_MS": "Signals are gathered for so long, in milliseconds.",
    "COUNTERS_COALESCE_MS": "Changes of counters are gathered for so long, in milliseconds.",
    "ROSTER_FULL_PEOPLE": "In larger classes students are shown numbers and staff only.",
    "ROSTER_FULL_STAFF": "In larger classes staff, too, page through the roster.",
    "ROSTER_PAGE": "People in one page of the roster.",
    "SNAPSHOT_MESSAGES": "Messages in a snapshot.",
    "SNAPSHOT_QUESTIONS": "Questions in a snapshot.",
    "SNAPSHOT_FINISHED_POLLS": "Polls in a snapshot that are not open.",
    "SNAPSHOT_STROKES": "Strokes in a snapshot.",
    "SNAPSHOT_CAPTIONS": "Captions in a snapshot.",
}
"""What a client has to know of the numbers in ``protocol.limits``; the rest is for the fold."""

LEADS_TO: Final[Mapping[str, Sequence[str]]] = {
    "session.start": ("session.started",),
    "session.archive": ("session.archived",),
    "session.end": ("recording.stopped", "session.ended"),
    "session.lock": ("session.locked",),
    "session.unlock": ("session.unlocked", "participant.admitted", "participant.joined"),
    "participant.admit": ("participant.admitted", "participant.joined"),
    "participant.deny": ("participant.denied",),
    "participant.remove": ("participant.removed",),
    "participant.ban": ("participant.banned",),
    "participant.unban": ("participant.unbanned",),
    "participant.mute": ("participant.muted",),
    "participant.unmute": ("participant.unmuted",),
    "participant.set_role": ("participant.role_changed",),
    "participant.set_grants": ("participant.grants_changed",),
    "hand.raise": ("hand.raised",),
    "hand.lower": ("hand.lowered",),
    "hand.lower_all": ("hand.all_lowered",),
    "chat.post": ("chat.posted",),
    "chat.remove": ("chat.removed",),
    "chat.restore": ("chat.restored",),
    "chat.pin": ("chat.pinned",),
    "chat.unpin": ("chat.unpinned",),
    "chat.configure": ("chat.configured",),
    "question.ask": ("question.asked",),
    "question.upvote": ("question.upvoted",),
    "question.unvote": ("question.unvoted",),
    "question.present": ("question.presented",),
    "question.answer": ("question.answered",),
    "question.dismiss": ("question.reopened", "question.dismissed"),
    "question.reopen": ("question.reopened",),
    "poll.open": ("poll.opened",),
    "poll.vote": ("poll.voted",),
    "poll.close": ("poll.closed",),
    "poll.publish": ("poll.closed", "poll.published"),
    "scene.create": ("scene.created",),
    "scene.update": ("scene.updated",),
    "scene.remove": ("scene.removed",),
    "scene.switch": ("scene.changed",),
    "asset.add": ("asset.added",),
    "asset.remove": ("asset.hidden", "asset.removed"),
    "asset.show": ("asset.shown",),
    "asset.hide": ("asset.hidden",),
    "board.draw": ("board.drawn",),
    "board.undo": ("board.undone",),
    "board.clear": ("board.cleared",),
    "feedback.mark": ("feedback.marked",),
    "caption.add": ("caption.added",),
    "chapter.mark": ("chapter.marked",),
    "highlight.mark": ("highlight.marked",),
    "note.add": ("note.added",),
    "destination.enable": ("destination.enabled",),
    "destination.disable": ("destination.disabled",),
    "destination.retry": ("destination.retry_requested",),
    "recording.start": ("recording.started",),
    "recording.stop": ("recording.stopped",),
    "artifact.add": ("artifact.created",),
    "artifact.edit": ("artifact.edited",),
    "artifact.remove": ("artifact.removed",),
    "replay.schedule": ("replay.scheduled",),
    "replay.publish": ("replay.published",),
    "replay.unpublish": ("replay.unpublished",),
}
"""The events that an operation can lead to, in the order in which they happen."""

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
