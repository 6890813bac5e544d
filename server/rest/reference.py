"""The reference of the REST interface for people: Markdown from the OpenAPI document. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from server.rest.schemas import Json

_ANYWHERE = {"unauthorized", "forbidden", "not_acceptable", "unavailable", "internal"}

_HEAD = """\
# The REST interface

{introduction}
This page is generated from the table of routes and the types of their bodies (`make spec`). For
machines there is the same as [OpenAPI 3.1](../server/rest/openapi.json), which every server also
serves at `/v1/openapi.json`. What happens inside a class has a page of its own: [the live
protocol](protocol.md).

## What holds everywhere

**Who is asking.** `Authorization: Bearer <token>`, a JWT that your application signs or that a join
link holds. What a token opens depends on the roles of its person, which each route names.

**Bodies** are JSON (`Content-Type: application/json`) of at most 64 KiB, unless a route says
otherwise. A `PATCH` changes the fields that it names (RFC 7396). What you do not accept (`Accept`)
is not sent: `not_acceptable`. Where there is `GET`, there is `HEAD`.

**Lists** come in pages: `limit` says how many, `next` of the answer goes into `after` of the next
request, and is null at the end.

**Again, without harm.** Where a route takes `Idempotency-Key`, the same key from the same person is
the same request: for 24 hours it is answered as it was the first time, with
`Idempotency-Replayed: true`. The same key on another request is `idempotency_conflict`.

**Nobody's change is lost.** Each JSON answer has an `ETag`. With `If-None-Match` it is sent again
only if it has changed (304); with `If-Match` a change is made only if nothing has changed since you
read it, else `precondition_failed`.

**After a command.** Commands answer with a `sequence`, and what happened is shown a moment later.
With `after_sequence` a `GET` waits for that moment, up to a second; then it is `unavailable`.

**Problems** are `application/problem+json` (RFC 9457):

```json
{problem}
```

`code` says what to do, `field` what is at fault, `detail` explains it to people. After
`rate_limited`, `overloaded` and `unavailable`, try again: `Retry-After` says when. `X-Request-Id`
of any answer, yours if you send one, finds it in the log of the server.

| code | status | meaning |
|---|---|---|
{codes}

Any route may answer `unauthorized`, `forbidden`, `not_acceptable`, `unavailable` and `internal`;
what else it may answer, it names. `bad_request` is 422 instead of 400 where the form is right and
what it asks for is not possible.

## Contents

{contents}
"""


def markdown(document: Json, codes: Iterable[tuple[str, int, str]]) -> str:
    """Return the reference of ``document``; ``codes`` are those of problems, with their meaning."""
    return "\n".join(_Reference(document).lines(codes)).rstrip() + "\n"


class _Reference:
    """Walks through an OpenAPI document of :mod:`server.rest.openapi`."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: dict[str, Json] = document["components"]["schemas"]

    def lines(self, codes: Iterable[tuple[str, int, str]]) -> Iterator[str]:
        """Give the page line by line."""
        problem = self._document["components"]["responses"]["404-not_found"]
        yield _HEAD.format(
            introduction=self._document["info"]["description"],
            problem=json.dumps(problem["content"]["application/problem+json"]["example"], indent=1),
            contents="\n".join(self._contents()),
            codes="\n".join(f"| `{code}` | {status} | {text} |" for code, status, text in codes),
        )
        for tag in self._document["tags"]:
            yield f"## {_title(tag)}\n"
            yield tag["description"] + "\n"
            for method, path, operation in self._of(tag):
                yield from self._route(method, path, operation)
        yield "## Types\n"
        for name, schema in self._schemas.items():
            yield from self._type(name, schema)

    def _of(self, tag: Json) -> Iterator[tuple[str, str, Json]]:
        """Give method, path and operation of each route of a chapter."""
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag["name"]]:
                    yield method.upper(), path, operation

    def _contents(self) -> Iterator[str]:
        for tag in self._document["tags"]:
            title = _title(tag)
            yield f"- [{title}](#{title.lower().replace(' ', '-')})"
            for method, path, operation in self._of(tag):
                anchor = re.sub(r"[^\w -]", "", f"{method} {path}".lower()).replace(" ", "-")
                yield f"  - [`{method} {path}`](#{anchor}): {operation['summary']}"
        yield "- [Types](#types)"

    def _route(self, method: str, path: str, operation: Json) -> Iterator[str]:
        yield f"### {method} {path}\n"
        yield "\n\n".join(filter(None, (operation["summary"], operation["description"]))) + "\n"
        parameters = [self._resolved(each) for each in operation["parameters"]]
        rows = [
            f"| `{each['name']}` | {each['in']} | {self._shape(each['schema'])} "
            f"| {_cell(each['description'])} |"
            for each in parameters
        ]
        if rows:
            yield "| parameter | in | type | |\n|---|---|---|---|"
            yield "\n".join(rows) + "\n"
        if "requestBody" in operation:
            yield f"Body: {self._content(operation['requestBody']['content'])}\n"
        problems = []
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                problems += [code for code in _codes(answer["$ref"]) if code not in _ANYWHERE]
            elif status != "304":
                kind = self._content(answer["content"]) if "content" in answer else "no body"
                yield f"Answer: {status}, {kind}\n"
        if problems:
            yield f"Problems: {', '.join(f'`{each}`' for each in dict.fromkeys(problems))}\n"
        yield f"```sh\n{_curl(method, path, parameters, operation)}\n```\n"
        if (example := self._example(operation)) is not None:
            yield f"```json\n{json.dumps(example, ensure_ascii=False, indent=1)}\n```\n"

    def _content(self, content: Json) -> str:
        (kind, media), *more = content.items()
        schema = media.get("schema", {})
        if kind != "application/json" and "$ref" not in schema:
            return f"`{kind}`"
        others = "".join(f" (also as `{name}`)" for name, _ in more)
        return self._shape(schema) + others

    def _example(self, operation: Json) -> Any:
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                for media in answer.get("content", {}).values():
                    return media.get("example")
        return None

    def _type(self, name: str, schema: Json) -> Iterator[str]:
        if name.startswith("PageOf"):
            return
        yield f"### {name}\n"
        if description := schema.get("description"):
            yield description + "\n"
        if fields := schema.get("properties"):
            required = schema.get("required", ())
            yield "| field | type | |\n|---|---|---|"
            for each, field in fields.items():
                optional = "" if each in required else "optional; "
                text = _cell(_description(field))
                note = (optional + text).removesuffix("; ")
                yield f"| `{each}` | {self._shape(field)} | {note} |"
            yield ""

    def _shape(self, schema: Json) -> str:
        """Return in few words what ``schema`` allows."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name.startswith("PageOf"):
                inner = self._schemas[name]["properties"]["items"]["items"]
                return f"a page of {self._shape(inner)}"
            return f"[{name}](#{name.lower()})"
        if "const" in schema:
            return f"`{schema['const']}`"
        if "enum" in schema:
            return ", ".join(f"`{each}`" for each in schema["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return " or ".join(dict.fromkeys(map(self._shape, schema[choice])))
        if schema.get("type") == "array":
            if "prefixItems" in schema:
                return f"[{', '.join(map(self._shape, schema['prefixItems']))}]"
            return f"list of {self._shape(schema.get('items', {}))}"
        return _plain_shape(schema)

    def _resolved(self, parameter: Json) -> Json:
        if "$ref" in parameter:
            found: Json = self._document["components"]["parameters"][
                parameter["$ref"].rpartition("/")[2]
            ]
            return found
        return parameter


def _title(tag: Json) -> str:
    return str(tag["name"]).replace("_", " ").capitalize()


def _plain_shape(schema: Json) -> str:
    kind = schema.get("type", "any JSON")
    if str(schema.get("pattern", "")).startswith("^[0-9a-f]{8}-"):
        return "id"
    if schema.get("format") == "date-time" or "2026-11-22T" in schema.get("description", ""):
        return "time"
    bounds = []
    for least, most in (("minLength", "maxLength"), ("minimum", "maximum")):
        if least in schema and most in schema:
            bounds.append(f"{schema[least]:,}–{schema[most]:,}")
        elif most in schema:
            bounds.append(f"≤ {schema[most]:,}")
        elif least in schema:
            bounds.append(f"≥ {schema[least]:,}")
    if schema.get("default") not in (None, [], {}):
        bounds.append(f"default {schema['default']}")
    return " ".join((str(kind), f"({', '.join(bounds)})")) if bounds else str(kind)


def _description(field: Json) -> str:
    if "description" in field:
        return str(field["description"])
    return next(
        (each["description"] for each in field.get("anyOf", ()) if "description" in each), ""
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _codes(reference: str) -> list[str]:
    return reference.rpartition("/")[2].split("-")[1:]


def _curl(method: str, path: str, parameters: Iterable[Json], operation: Json) -> str:
    for each in parameters:
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", f"${each['name'].upper()}")
    parts = [f'curl "$SERVER{path}"' if method == "GET" else f'curl -X {method} "$SERVER{path}"']
    if operation.get("security") != []:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if "requestBody" in operation:
        kind, media = next(iter(operation["requestBody"]["content"].items()))
        parts.append(f'-H "Content-Type: {kind}"')
        if "example" in media:
            parts.append(f"-d '{json.dumps(media['example'], ensure_ascii=False)}'")
        else:
            parts.append("--data-binary @-")
    return " \\\n     ".join(parts)
