"""The generated tables of ``docs/protocol.md``: ``make spec`` writes them anew.

Between ``<!-- table: name -->`` and ``<!-- end -->`` stands what the types, the access table and
the views say; everything else on the page is written by hand.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import inspect

from protocol import describe, limits, meanings
from protocol.commands import COMMANDS
from protocol.errors import RETRYABLE, CloseCode, ErrorCode
from protocol.events import EVENTS
from protocol.messages import Event
from server.classroom import (
    artifacts,
    assets,
    chat,
    destinations,
    marks,
    polls,
    questions,
    scenes,
)
from server.classroom.access import RULES, TEACHER, Rule
from server.classroom.view import Rewritten, view

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"
SCHEMAS = describe.asyncapi()["components"]["schemas"]
STATUSES = ("scheduled", "live", "ended")
FEATURES = tuple(dict.fromkeys(name.split(".")[0] for name in (*COMMANDS, *EVENTS)))

_TABLE = re.compile(r"(<!-- table: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """Return ``page`` with each of its tables as it should be today."""
    return _TABLE.sub(lambda found: f"{found[1]}{table(found[2])}\n{found[3]}", page)


def examples() -> Iterator[tuple[str, Any]]:
    """Yield what each example on the page is, and the example itself.

    It is what a ``client`` or the ``server`` sends, or an HTTP ``request`` or ``response``.
    """
    decoder = json.JSONDecoder()
    page = PAGE.read_text(encoding="utf-8")
    for block in re.findall(r"```jsonc\n(.*?)```", page, re.DOTALL):
        for side, text in re.findall(r"// ([a-z]+)\n(.*?)(?=// |\Z)", block, re.DOTALL):
            value, end = decoder.raw_decode(text)
            if text[end:].strip():
                raise ValueError(f"more than one frame under a comment: {text}")
            yield side, value


def table(name: str) -> str:
    """Return the table of this name, as Markdown."""
    match name:
        case "errors":
            return _markdown(("code", "try again", "meaning"), _errors())
        case "closes":
            return _markdown(("code", "reason", "come back", "what to do"), _closes())
        case "limits":
            return _markdown(("name", "value", "meaning"), _limits())
        case "state":
            return _markdown(("field", "made of", "what it holds"), _state())
        case "uplink":
            return _markdown(("field", "made of", "what it says"), _health("UplinkHealth"))
        case "health":
            columns = ("field", "made of", "what it says of a destination")
            return _markdown(columns, _health("DestinationHealth"))
        case _:
            return "\n\n".join(_features(name.split()))


def _features(features: list[str]) -> Iterator[str]:
    """Yield the table of the features' operations, if they have any, and that of their events."""
    operations = [
        (f"`{op}`", _who(RULES[op]), _when(RULES[op]), _data(kind), _makes(op))
        for op, kind in COMMANDS.items()
        if op.split(".")[0] in features
    ]
    if operations:
        yield _markdown(("operation", "who", "when", "data", "makes"), operations)
    events = [
        (f"`{name}`", _seen(kind), _data(kind), _promise(kind))
        for name, kind in EVENTS.items()
        if name.split(".")[0] in features
    ]
    yield _markdown(("event", "seen by", "data", "meaning"), events)


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# ---------------------------------------------------------------- operations


def _who(rule: Rule) -> str:
    if rule.roles == TEACHER:
        return "teacher"
    if "student" not in rule.roles:
        return "staff"
    return "everyone but the muted" if rule.speaks else "everyone"


def _when(rule: Rule) -> str:
    """Say in which statuses, as ``access.check`` has it: students act in a live class only."""
    staff = [status for status in STATUSES if status in rule.in_status]
    if "student" not in rule.roles or staff == ["live"]:
        return ", ".join(staff)
    more = ", ".join(status for status in staff if status != "live")
    others = "; all, if `before_start`" if rule.may_precede else ""
    return f"live; staff also {more}{others}"


def _makes(op: str) -> str:
    return ", ".join(f"`{name}`" for name in meanings.LEADS_TO[op])


# ---------------------------------------------------------------- events


def _promise(kind: type[Event]) -> str:
    return (kind.__doc__ or "").replace("``", "`").split("\n\n")[0].replace("\n", " ")


def _seen(kind: type[Event]) -> str:
    """Say what the views show of all samples of ``kind``."""
    events = samples(kind)
    shown = [(event, what) for event in events if (what := view(event, "student")) != "hidden"]
    if not shown:
        anonymous = any(isinstance(view(event, "staff"), Rewritten) for event in events)
        return "staff, without `by` if `anonymous`" if anonymous else "staff"
    if len(shown) < len(events):
        return f"all; staff if {_what_hides(events, [event for event, _ in shown])}"
    without: set[str] = set()
    for event, what in shown:
        if isinstance(what, Rewritten):
            fields = event.__struct_fields__
            without |= {
                name for name in fields if getattr(event, name) != getattr(what.event, name)
            }
            without |= set() if what.has_author else {"by"}
    names = " and ".join(f"`{name}`" for name in sorted(without))
    return f"all; students without {names}" if without else "all"


def _what_hides(events: list[Any], shown: list[Any]) -> str:
    """Return the field, and its value, that tell those that are hidden from those that are not."""
    for name in events[0].__struct_fields__:
        hiding = {getattr(event, name) for event in events if event not in shown}
        if len(hiding) == 1 and hiding.isdisjoint({getattr(event, name) for event in shown}):
            return f'`{name}` is "{hiding.pop()}"'
    raise ValueError(events)


def samples(kind: type[msgspec.Struct]) -> list[Any]:
    """Return instances of ``kind`` with every combination of what a rule could look at."""
    fields = inspect.type_info(kind).fields
    values = [_samples(field.type) for field in fields]
    return [kind(*each) for each in product(*values)]


def _samples(kind: inspect.Type) -> list[Any]:
    match kind:
        case inspect.Metadata(type=bare):
            return _samples(bare)
        case inspect.LiteralType(values=values):
            return list(values)
        case inspect.UnionType(types=types):
            return [value for each in types for value in _samples(each)[:1]]
        case inspect.BoolType():
            return [False, True]
        case inspect.NoneType():
            return [None]
        case inspect.IntType():
            return [1]
        case inspect.StrType():
            return ["text"]
        case inspect.VarTupleType(item_type=item):
            return [tuple(_samples(item)[:1])]
        case inspect.DictType():
            return [{}]
        case inspect.StructType(cls=cls):
            return samples(cls)[:1]
        case _:
            raise TypeError(kind)


# ---------------------------------------------------------------- data


def _data(kind: type[msgspec.Struct]) -> str:
    return _fields(SCHEMAS[kind.__name__]) or "–"


def _fields(schema: dict[str, Any], *, all_there: bool = False) -> str:
    """Return the fields of a struct; ``all_there``: the server leaves none out."""
    fields = []
    for name, each in schema["properties"].items():
        if all_there or name in schema["required"]:
            fields.append(f"`{name}`{shape(each)}")
        else:  # absent and null are the same
            fields.append(f"`{name}?`{shape(each).removesuffix(' or null')}")
    return ", ".join(fields)


def shape(schema: dict[str, Any]) -> str:
    """Return in a word or two what a value may be, with a space before; "" for text of any kind."""
    match schema:
        case {"anyOf": [one, {"type": "null"}]}:
            said = shape(one)
            return f"{said} or null" if said else " or null"
        case {"$ref": ref}:
            name = ref.rpartition("/")[2]
            return f" [{name}](#{name.lower()})"
        case {"enum": values}:
            return " " + " · ".join(f'"{value}"' for value in sorted(values))
        case {"pattern": pattern} if "[0-9a-f]{8}-" in pattern:
            return " id"
        case {"pattern": pattern} if r"\d{4}-\d\d" in pattern:
            return " time"
        case {"description": about} if about.startswith("RFC 3339"):
            return " time"
        case {"type": "string", "maxLength": most}:
            return f" ≤ {most}"
        case {"type": "integer", "minimum": least, "maximum": most} if most < 2**53 - 1:
            return f" {least}–{most}"
        case {"type": "array", "items": item, **bounds}:
            most, least = bounds.get("maxItems"), bounds.get("minItems", 0)
            many = f" × {least}–{most}" if most else ""
            return f" [{shape(item).strip() or 'text'}{many}]"
        case {"type": "boolean"}:
            return " bool"
        case {"type": "integer"}:
            return " int"
        case {"type": "number"}:
            return " number"
        case {"type": "object"}:
            return " {operation: bool}"
        case _:
            return ""


# ---------------------------------------------------------------- codes and numbers


def _errors() -> Iterator[tuple[str, ...]]:
    for code in get_args(ErrorCode):
        yield f"`{code}`", "yes" if code in RETRYABLE else "no", meanings.ERRORS[code]


def _closes() -> Iterator[tuple[str, ...]]:
    for code in CloseCode:
        back = "yes" if code.may_reconnect else "no"
        yield str(int(code)), f"`{code.reason}`", back, meanings.CLOSES[code]


def _limits() -> Iterator[tuple[str, ...]]:
    for name, meaning in meanings.LIMITS.items():
        yield f"`{name.lower()}`", f"{getattr(limits, name):,}".removesuffix(".0"), meaning
    for name, (number, meaning) in HOLDS.items():
        yield f"`{name}`", f"{number:,}", meaning


HOLDS = {
    "messages_known": (chat.MESSAGES_KNOWN, "Messages back that one may reply to, remove or pin."),
    "most_pinned": (chat.MOST_PINNED, "Pinned messages."),
    "staff_messages_kept": (chat.STAFF_MESSAGES_KEPT, "Own messages to staff in `mine`."),
    "most_questions": (questions.MOST_QUESTIONS, "Questions of a class."),
    "most_polls": (polls.MOST_POLLS, "Polls of a class."),
    "most_scenes": (scenes.MOST_SCENES, "Scenes of a class."),
    "most_assets": (assets.MOST_ASSETS, "Assets of a class."),
    "most_artifacts": (artifacts.MOST_ARTIFACTS, "Artifacts of a class."),
    "notes_kept": (marks.NOTES_KEPT, "Own notes in `mine`."),
    "most_enabled": (destinations.MOST_ENABLED, "Destinations that are enabled at once."),
    "enables": (destinations.ENABLES, "How often one destination is enabled in a minute."),
}
"""What a class holds: the numbers of the rules."""


def _state() -> Iterator[tuple[str, ...]]:
    for name, schema in SCHEMAS["State"]["properties"].items():
        yield f"`{name}`", _parts(schema), meanings.STATE[name]


def _health(of: str) -> Iterator[tuple[str, ...]]:
    schema = SCHEMAS[of]
    for name, each in schema["properties"].items():
        shown = f"`{name}`" if name in schema["required"] else f"`{name}?`"
        made = each if "description" not in each else {**each, "description": ""}
        if refs := re.findall(r"schemas/(\w+)", json.dumps(each)):
            about = SCHEMAS[refs[0]]["description"]
            many = "list of " if each.get("type") == "array" else ""
            yield shown, f"{many}{{{_fields(SCHEMAS[refs[0]], all_there=True)}}}", about
        else:
            yield shown, shape(made).strip().removesuffix(" or null") or "text", _about(each)


def _about(schema: dict[str, Any]) -> str:
    """Return the description of a field, wherever an optional one has it."""
    for each in (schema, *schema.get("anyOf", ())):
        if "description" in each:
            return str(each["description"])
    raise ValueError(schema)


def _parts(schema: dict[str, Any]) -> str:
    """Return what a field of the state is made of: the fields of its items, one level deep."""
    match schema:
        case {"anyOf": [one, {"type": "null"}]}:
            return f"{_parts(one)} or null"
        case {"$ref": ref}:
            return f"{{{_fields(SCHEMAS[ref.rpartition('/')[2]], all_there=True)}}}"
        case {"type": "array", "items": item}:
            return f"list of {_parts(item)}"
        case {"type": "object", "additionalProperties": {**each}}:
            return f"map of id → {_parts(each)}" if "$ref" in each else "map of kind → int"
        case _:
            return shape(schema).strip() or "text"


def main() -> int:
    """Write the tables anew."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(refreshed(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
