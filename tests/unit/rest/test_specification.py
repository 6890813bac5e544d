"""The published descriptions, as a server serves them."""

from pathlib import Path

import pytest
from aiohttp import web

from server.rest import specification

ROOT = Path(__file__).parents[3]
FILES = {
    "/v1/asyncapi.json": ROOT / "protocol" / "spec" / "asyncapi.json",
    "/v1/openapi.json": ROOT / "server" / "rest" / "openapi.json",
}


@pytest.fixture
async def client(aiohttp_client):
    app = web.Application()
    app.add_routes(specification.routes())
    return await aiohttp_client(app)


@pytest.mark.parametrize("path", FILES)
async def test_what_is_served_is_the_committed_file_byte_for_byte(client, path):
    async with client.get(path) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.read() == FILES[path].read_bytes()
        assert "max-age" in answer.headers["Cache-Control"]


async def test_who_has_it_is_not_sent_it_again(client):
    async with client.get("/v1/asyncapi.json") as first:
        tag = first.headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        async with client.get("/v1/asyncapi.json", headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read()) == (304, b""), known
            assert answer.headers["ETag"] == tag
    async with client.get("/v1/asyncapi.json", headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200
