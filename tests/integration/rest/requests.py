"""Requests made from the table of routes: a plausible one for each, with the ids one chooses."""

import re
from urllib.parse import urlencode

import msgspec

from protocol.commands import COMMANDS
from protocol.rest import CommandRequest
from server.ids import new_id
from server.rest import reading
from server.rest.samples import sample

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Parts of a path that are no ids.
NAMES = dict.fromkeys(reading.NAMES, "x") | {"file": "index.m3u8", "language": "en"}
TOKEN = re.compile(r"eyJ[\w.-]+|lc(pub|join)_[\w-]+")


# Where a plausible value is none that holds.
HOLDING = {
    "NewWebhookEndpoint": {"url": "https://1.1.1.1/x", "events": ["session.ended"]},
    "WebhookEndpointChange": {"url": "https://1.1.1.1/x", "events": ["session.ended"]},
    "ParticipantSetGrants": {"grants": {"hand.raise": False}},
    "PollOpen": {"options": ["a", "b"]},
    "BoardDraw": {"stroke": {"points": [1, 2]}},
}


class Ids(dict):
    """Ids by the names that paths and bodies have for them; without one, it is a random one."""

    def __missing__(self, name):
        return NAMES[name] if name in NAMES else self.setdefault(name, new_id())


def path_of(route, ids):
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], route.path)


def names_in(path):
    """The names of ids in a path."""
    return [name for name in re.findall(r"\{(\w+)\}", path) if name not in NAMES]


def body_of(kind, ids):
    """A body of this type, with all its fields; ids are those of their fields' names."""
    if kind is CommandRequest:
        return command_of("destination.enable", ids, new_id())
    schema = msgspec.json.schema(kind)
    whole = sample(schema, schema["$defs"])
    whole = {name: value for name, value in whole.items() if name not in ("type", "after")}
    whole = _with_ids(whole, ids) | HOLDING.get(kind.__name__, {})
    msgspec.convert(whole, kind)  # or only the refusal of a body would be tried
    return whole


def query_of(route):
    """The parameters that a route needs, as the end of its path."""
    if route.query is None:
        return ""
    schema = msgspec.json.schema(route.query)
    needed = schema["$defs"][schema["$ref"].rpartition("/")[2]].get("required", ())
    return "?" + urlencode(dict.fromkeys(needed, "x"))


def command_of(op, ids, key):
    """The body of ``POST …/commands`` for an operation."""
    data = body_of(COMMANDS[op], ids)
    return {"key": key, "op": op, "data": data}


def _with_ids(value, ids, name=""):
    match value:
        case dict():
            return {each: _with_ids(inner, ids, each) for each, inner in value.items()}
        case list() | tuple():
            return [_with_ids(inner, ids, name) for inner in value]
        case str() if UUID.fullmatch(value):
            return ids[name]
    return value


async def ask(api, route, who, ids, body=None):
    """Send a request of ``route``."""
    if body is None and route.body is not None:
        body = body_of(route.body, ids)
    return await api.send(
        route.method,
        who,
        path_of(route, ids) + query_of(route),
        body,
        headers={"X-Request-Id": "same"} | ({"Content-Type": route.takes} if route.takes else {}),
        raw=b"v=0" if route.takes else None,
    )


def blurred(answer):
    """What can be told of an answer, but for ids and the time."""
    headers = {name: text for name, text in answer.headers.items() if name not in ("Date", "Etag")}
    text = TOKEN.sub("-", answer.raw.decode(errors="replace"))
    return answer.status, UUID.sub("-", str(headers)), UUID.sub("-", text)
