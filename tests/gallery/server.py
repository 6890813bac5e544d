"""A server for looking at the pages: each session is one state, told to whoever comes."""

import asyncio
import io
from http import HTTPStatus

import msgspec
from aiohttp import WSMsgType, web
from PIL import Image, ImageDraw

from protocol import codec
from protocol.frames import Ack, Bye, ClientPing, CommandFrame, Hello, ServerPong
from protocol.limits import SUBPROTOCOL
from protocol.rest import Problem
from server.web import pages
from tests.gallery import film, states
from tests.gallery.home import HOMES
from tests.gallery.join import BY_CODE, JOIN, code_of
from tests.gallery.over import OVER
from tests.gallery.states import BY_TOKEN, NOW_MS, State

STATES = (*states.STATES, *OVER, *JOIN)
_BY_SESSION = {state.session: state for state in STATES if state.page != "home"}

_INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Every state of the pages</title>
<style>body {{ font: 16px/1.6 system-ui; margin: 2rem; }} ul {{ columns: 3; }}</style>
<h1>Every state of the pages</h1>{lists}</html>"""  # noqa: E501 - one tag, one line


def application() -> web.Application:
    """Return the pages with their files, and what stands in for a server behind them."""
    app = web.Application()
    app.add_routes(pages.routes())
    app.add_routes(
        [
            web.get("/gallery", _index),
            web.get("/gallery/{page}/{name}", _open),
            web.get("/v1/sessions/{session}/live", _live),
            web.post("/v1/join-link", _join_link),
            web.get("/v1/sessions/{session}", _rest),
            web.get("/v1/sessions/{session}/assets/{asset}/pages/{page}", _page),
            web.get("/v1/sessions/{session}/{part:.+}", _rest),
            web.get("/v1/replays/{session}", _rest),
            web.get("/v1/replays/{session}/{part:.+}", _rest),
            web.get("/film/{name}", _film),
            web.route("*", "/v1/{part:.+}", _home),
        ]
    )
    return app


def address(state: State) -> str:
    """Return where a browser finds ``state``, with something that looks like a token."""
    if state.page == "join":
        return f"/join#{code_of(state.name)}"
    if state.page == "home":
        home = HOMES[state.name]
        return home.path if home.rest is None else f"{home.path}#token={state.session}"
    return f"/sessions/{state.session}/{state.page}?fixture={state.name}{state.query}#token=gallery"


async def _index(_: web.Request) -> web.Response:
    lists = "".join(
        f"<h2>{page}</h2><ul>"
        + "".join(
            f'<li><a href="{address(state)}">{state.name}</a></li>'
            for state in STATES
            if state.page == page
        )
        + "</ul>"
        for page in dict.fromkeys(state.page for state in STATES)
    )
    return web.Response(text=_INDEX.format(lists=lists), content_type="text/html")


async def _open(request: web.Request) -> web.Response:
    wanted = (request.match_info["page"], request.match_info["name"])
    for state in STATES:
        if (state.page, state.name) == wanted:
            raise web.HTTPFound(address(state))
    raise web.HTTPNotFound


def _state(request: web.Request) -> State:
    state = _BY_SESSION.get(request.match_info["session"])
    if state is None:
        raise web.HTTPNotFound
    return state


async def _rest(request: web.Request) -> web.Response:
    if request.match_info["session"] not in _BY_SESSION:
        return await _home(request)  # a class on the teachers' page
    part = request.match_info.get("part", "")
    known = _state(request).rest
    of = "replay" if request.path.startswith("/v1/replays/") else ""
    name = f"{of}/{part}" if part else of
    said = known.get(name, 404)
    if isinstance(said, int):
        return web.json_response({"status": said, "title": HTTPStatus(said).phrase}, status=said)
    if isinstance(said, str):
        return web.Response(text=said, content_type="text/vtt")
    return web.Response(body=msgspec.json.encode(said), content_type="application/json")


async def _film(request: web.Request) -> web.Response:
    files = await asyncio.to_thread(film.files)
    name = request.match_info["name"]
    if name not in files:
        raise web.HTTPNotFound
    kind = "application/vnd.apple.mpegurl" if name.endswith(".m3u8") else "video/mp4"
    return web.Response(body=files[name], content_type=kind)


async def _home(request: web.Request) -> web.Response:
    """Answer what is of no session: the token says in which state."""
    state = BY_TOKEN.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if state is None:
        raise web.HTTPNotFound
    filters = "&".join(
        f"{name}={value}" for name, value in request.query.items() if name in ("status", "course")
    )
    answer = state.rest.get(f"{request.path}?{filters}", state.rest.get(request.path))
    if answer is None:
        raise web.HTTPNotFound
    if isinstance(answer, bytes):
        return web.Response(body=answer, content_type="application/x-ndjson")
    status = answer.status if isinstance(answer, Problem) else 200
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )


async def _join_link(request: web.Request) -> web.Response:
    """Answer what the link leads to that somebody opened: its code says in which state."""
    answer = BY_CODE[(await request.json())["code"]].rest["/join-link"]
    status = answer.status if isinstance(answer, Problem) else 200
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )


async def _page(request: web.Request) -> web.Response:
    """Return a slide that says which one it is."""
    picture = Image.new("RGB", (1600, 1200), "#fbfaf5")
    pen = ImageDraw.Draw(picture)
    pen.text((120, 100), "Limits & continuity", fill="#1a5bd0", font_size=96)
    pen.text((120, 300), f"Page {request.match_info['page']}", fill="#161b22", font_size=64)
    pen.rectangle((120, 460, 1480, 1060), outline="#161b22", width=4)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP")
    return web.Response(body=buffer.getvalue(), content_type="image/webp")


async def _live(request: web.Request) -> web.StreamResponse:
    state = _state(request)
    socket = web.WebSocketResponse(protocols=[SUBPROTOCOL])
    await socket.prepare(request)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        match codec.decode_client(message.data.encode()):
            case Hello(resume=None):
                await _tell(socket, state)
                if state.is_cut:
                    await socket.close()
            case Hello():
                await socket.close()  # whoever was cut off does not come back
            case CommandFrame(id=number, key=key):
                await socket.send_str(codec.encode(Ack(number, key, None)).decode())
            case ClientPing():
                await socket.send_str(codec.encode(ServerPong(0, codec.timestamp(NOW_MS))).decode())
            case _:
                pass  # nothing that the page shows
    return socket


async def _tell(socket: web.WebSocketResponse, state: State) -> None:
    for frame in state.frames:
        await socket.send_str(codec.encode(frame).decode())
        if isinstance(frame, Bye):
            await socket.close(code=frame.code)
