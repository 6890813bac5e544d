"""What describes the REST interface is fresh, whole and valid, and so is the page for people."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from protocol.rest import Problem
from server.rest.__main__ import PAGE, files
from server.rest.conventions import Conventions
from server.rest.problems import STATUS
from server.rest.routes import ROUTES

FILES = files()
DOCUMENT = next(json.loads(text) for path, text in FILES.items() if path.suffix == ".json")
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "openapi-3.1.json").read_bytes())
"""What an OpenAPI 3.1 document is, as its authors publish it."""
OPERATIONS = [
    pytest.param(operation, id=f"{method.upper()} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
CONVENTIONS = Conventions(ROUTES)


def whole(schema):
    return {**schema, "components": DOCUMENT["components"]}


def objects(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from objects(part)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_committed_is_fresh(path):
    assert path.read_text(encoding="utf-8") == FILES[path], "stale: run make spec, look, commit"


# ---------------------------------------------------------------- valid


def test_it_is_an_openapi_document():
    Draft202012Validator(SCHEMA).validate(DOCUMENT)


@pytest.mark.parametrize(
    "breaking",
    [
        lambda document: document.pop("info"),
        lambda document: document.update(openapi="3.0.0"),
        lambda document: document["paths"].update(courses={}),
        lambda document: document["paths"]["/v1/courses"]["post"].update(requestBody={}),
        lambda document: document["components"]["parameters"]["IfMatch"].update(schema=1, name=2),
    ],
)
def test_a_document_that_is_none_is_noticed(breaking):
    document = json.loads(json.dumps(DOCUMENT))
    breaking(document)
    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_each_schema_is_one_and_each_reference_leads_somewhere():
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for each in objects(DOCUMENT):
        if isinstance(ref := each.get("$ref"), str):
            place = DOCUMENT
            for part in ref.removeprefix("#/").split("/"):
                place = place[part]


def test_nothing_is_described_that_no_route_leads_to():
    text = json.dumps(DOCUMENT)
    for kind, named in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            for name in named:
                assert f'"#/components/{kind}/{name}"' in text, name


@pytest.mark.parametrize("operation", OPERATIONS)
def test_examples_are_what_their_schemas_allow(operation):
    parts = [operation.get("requestBody", {}), *operation["responses"].values()]
    for part in parts:
        for media in part.get("content", {}).values():
            if "example" in media:
                Draft202012Validator(whole(media["schema"])).validate(media["example"])


def test_examples_of_bodies_are_taken_by_the_server():
    for route in ROUTES:
        if route.body is not None:
            operation = DOCUMENT["paths"][route.path][route.method.lower()]
            example = operation["requestBody"]["content"]["application/json"]["example"]
            msgspec.json.decode(json.dumps(example), type=route.body)


def test_examples_of_problems_are_problems():
    for response in DOCUMENT["components"]["responses"].values():
        (media,) = response["content"].values()
        problem = msgspec.convert(media["example"], Problem)
        assert problem.status in (STATUS[problem.code], 422)
        Draft202012Validator(whole(media["schema"])).validate(media["example"])
        assert not Draft202012Validator(whole(media["schema"])).is_valid({"code": "no"})


# ---------------------------------------------------------------- whole


def test_every_route_is_described():
    described = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert described == {(route.method, route.path) for route in ROUTES}
    names = [param.values[0]["operationId"] for param in OPERATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_said_of_a_route_reads_well(operation):
    assert re.fullmatch(r"[A-Z][^\n]+[.]", operation["summary"]), "one sentence, in one line"
    assert len(operation["summary"]) <= 100
    assert "``" not in operation["description"]
    assert ":class:" not in operation["description"]
    assert "Raises:" not in operation["description"], "what a caller sees is its problems"


def test_each_chapter_and_type_says_what_it_is():
    for tag in DOCUMENT["tags"]:
        assert re.match(r"[A-Z].*[.]$", tag["description"], re.DOTALL), tag["name"]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert re.match(r"\S.*[.]$", schema.get("description", ""), re.DOTALL), name


def test_codes_of_problems_are_those_of_the_conventions_and_the_line():
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        said = {
            code
            for answer in operation["responses"].values()
            if "$ref" in answer
            for code in answer["$ref"].rpartition("/")[2].split("-")[1:]
        }
        assert said == set(CONVENTIONS.refusals(route))


def test_headers_are_where_they_are_taken():
    post = DOCUMENT["paths"]["/v1/courses"]["post"]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in post["parameters"]
    assert set(post["responses"]["201"]["headers"]) >= {"ETag", "Location", "Idempotency-Replayed"}
    patch = DOCUMENT["paths"]["/v1/courses/{course}"]["patch"]
    assert {"$ref": "#/components/parameters/IfMatch"} in patch["parameters"]
    assert "412" in patch["responses"]
    get = DOCUMENT["paths"]["/v1/sessions/{session}"]["get"]
    assert {"$ref": "#/components/parameters/AfterSequence"} in get["parameters"]
    assert "304" in get["responses"]


# ---------------------------------------------------------------- the page


def test_the_page_has_every_route_and_type():
    page = FILES[PAGE]
    for route in ROUTES:
        assert f"\n### {route.method} {route.path}\n" in page
    for name in DOCUMENT["components"]["schemas"]:
        assert name.startswith("PageOf") or f"\n### {name}\n" in page
