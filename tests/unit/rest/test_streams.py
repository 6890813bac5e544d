"""Long answers: refused in words before the first piece, broken off after it."""

import aiohttp
import pytest
from aiohttp import web

from server.errors import ForbiddenError, UnavailableError
from server.rest import problems
from server.rest.streams import stream


async def pieces(count, error):
    for number in range(count):
        yield b"%d\n" % number
    if error is not None:
        raise error


@pytest.fixture
def serve(aiohttp_client):
    async def serve(count, error=None):
        async def show(request):
            return await stream(request, pieces(count, error), "text/csv")

        app = web.Application(middlewares=[problems.middleware])
        app.add_routes([web.get("/", show)])
        return await aiohttp_client(app)

    return serve


async def test_pieces_come_one_after_the_other(serve):
    client = await serve(3)
    async with client.get("/") as answer:
        assert await answer.text() == "0\n1\n2\n"
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "X-Request-Id" in answer.headers
    async with client.head("/") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_nothing_at_all_is_an_empty_answer(serve):
    client = await serve(0)
    async with client.get("/") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_a_refusal_before_the_first_piece_is_a_problem(serve):
    client = await serve(0, ForbiddenError())
    async with client.get("/") as answer:
        assert (answer.status, answer.content_type) == (403, "application/problem+json")


async def test_a_part_is_not_taken_for_the_whole(serve):
    client = await serve(2, UnavailableError())
    with pytest.raises(aiohttp.ClientError):
        async with client.get("/") as answer:
            await answer.read()
