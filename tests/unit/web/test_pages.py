import hashlib
import json
import re
import tomllib

import pytest
from aiohttp import web

from server.errors import UnavailableError
from server.web import assets, pages, vendor

SESSION = "01900000-0000-7000-8000-000000000001"
HOME = ["/", "/sign-in", "/courses", f"/courses/{SESSION}", "/destinations", "/search"]
HOME += ["/school", "/school/settings", "/school/webhooks"]
PAGES = [
    *HOME,
    "/join",
    *(f"/sessions/{SESSION}/{name}" for name in ("studio", "room", "replay", "report")),
]


@pytest.fixture
async def client(aiohttp_client):
    app = web.Application()
    app.add_routes(pages.routes())
    return await aiohttp_client(app)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_and_all_that_it_names_is_there(client, path):
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    named = re.findall(r'(?:href|src)="([^"]+)"', await answer.text())
    assert len(named) >= 5
    assert len(set(named)) == len(named) - 1, "the page's own module is named twice, nothing else"
    for address in named:
        assert (await client.get(address)).status == 200, address


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_strict_and_never_stored(client, path):
    headers = (await client.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    may_film = "camera=(self)" in headers["Permissions-Policy"]
    assert may_film == path.endswith("studio")


@pytest.fixture
async def framed(aiohttp_client):
    """The pages of an installation with S3, of a school that another site may show."""
    asked = []

    async def framers(session):
        asked.append(session)
        if session != SESSION:
            raise UnavailableError("The database is away.")
        return ("https://lms.school.example", "https://*.school.example:8443")

    app = web.Application()
    app.add_routes(pages.routes(objects="https://bucket.s3.example", framers=framers))
    client = await aiohttp_client(app)
    client.asked = asked
    return client


def directives(answer):
    parts = (each.split(" ", 1) for each in answer.headers["Content-Security-Policy"].split("; "))
    return {name: set(values.split(" ")) for name, values in parts}


@pytest.mark.parametrize("path", PAGES)
async def test_only_who_was_named_may_frame_room_and_replay(framed, path):
    found = directives(await framed.get(path))["frame-ancestors"]
    if path.endswith(("room", "replay")):
        assert found == {"https://lms.school.example", "https://*.school.example:8443"}
    else:
        assert found == {"'none'"}


async def test_what_is_framed_is_not_known_without_the_database(framed):
    answer = await framed.get(f"/sessions/{SESSION[:-1]}2/room")
    assert answer.status == 200
    assert directives(answer)["frame-ancestors"] == {"'none'"}


async def test_a_page_that_no_frame_asks_for_needs_no_database(framed):
    path = f"/sessions/{SESSION}/room"
    answer = await framed.get(path, headers={"Sec-Fetch-Dest": "document"})
    assert directives(answer)["frame-ancestors"] == {"'none'"}
    assert framed.asked == []
    await framed.get(path, headers={"Sec-Fetch-Dest": "iframe"})
    assert framed.asked == [SESSION]


async def test_pages_load_from_the_object_store_and_from_nowhere_else(framed, client):
    path = f"/sessions/{SESSION}/studio"
    found, ours = directives(await framed.get(path)), directives(await client.get(path))
    for name in ("img-src", "media-src", "connect-src"):
        assert found[name] - ours[name] == {"https://bucket.s3.example"}
    assert found["script-src"] == found["style-src"] == {"'self'"}


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/x/room",
        f"/sessions/{SESSION}/elsewhere",
        "/static/0000000000000000/shared/session.js",
        "/static/{digest}/../pages.py",
        "/static/{digest}/package.json",
        "/static/{digest}/vendor/VENDOR.toml",
        "/static/{digest}/nothing.js",
    ],
)
async def test_what_is_not_there_is_404(client, path):
    assert (await client.get(path.format(digest=assets.load().digest))).status == 404


async def test_static_files_are_for_ever_and_compressed(client):
    address = assets.load().path("shared/session.js")
    answer = await client.get(address)
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = await client.get(address, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    source = (assets.TREE / "shared" / "session.js").read_text()
    assert (
        await answer.text()
        == await plain.text()
        == "\n".join(line.lstrip() for line in assets.without_comments(source).split("\n"))
    )


def test_another_byte_is_another_address(tmp_path):
    (tmp_path / "a.js").write_text("1")
    before = assets.load(tmp_path).digest
    assert assets.load(tmp_path).digest == before
    (tmp_path / "a.js").write_text("2")
    assert assets.load(tmp_path).digest != before


def test_every_import_is_a_file_of_ours():
    for path in assets.TREE.rglob("*.js"):
        for name in re.findall(r'(?:\bfrom|^import)\s*"([^"$]+)"', path.read_text(), re.MULTILINE):
            assert name.startswith("."), f"{path.name} imports {name}"
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


def test_no_page_writes_markup_from_text():
    forbidden = re.compile(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
    for path in assets.TREE.rglob("*.js"):
        if path.parent.name != "vendor":
            assert not forbidden.search(path.read_text()), path.name


@pytest.mark.parametrize(
    "page", sorted(path.parent.name for path in assets.TREE.glob("*/index.js"))
)
def test_every_string_that_is_asked_for_exists(page):
    files = assets.load()
    names = {name for name in files.files if name.startswith(f"{page}/") and name.endswith(".js")}
    names = {needed for name in names for needed in files.needed(name)}
    strings = {}
    for name in names:
        if name.endswith(".json"):
            strings |= json.loads(files.files[name].plain)
    for name in names:
        if name.endswith(".js") and not name.startswith("vendor/"):
            source = files.files[name].plain.decode()
            for key in re.findall(r'\bt\("([^"]+)"', source):
                assert key in strings or f"{key}.other" in strings, f"{name}: {key}"


def test_the_first_load_of_the_room_is_small():
    files = assets.load()
    needed = set(files.needed("room/index.js"))
    assert "vendor/preact.js" in needed
    assert "vendor/hls.js" not in needed
    assert "i18n/en.class.json" in needed
    assert sum(len(files.files[name].compressed) for name in files.first("room")) <= 60 * 1024


def test_browsers_get_modules_without_comments_on_the_lines_they_had():
    source = (
        "// @ts-check\n/** Two\n * lines. */\n\nconst a = 1; // why\n"
        "  /** @param {string} b */\nconst url = `http://x/${/** @type {any} */ (a)}`;\n"
        "  /** @type {any} */ (a).b = 1;\n/** A line. */\nlast();\n"
    )
    assert assets.without_comments(source) == (
        "\n\n\n\nconst a = 1; // why\n\nconst url = `http://x/${ (a)}`;\n   (a).b = 1;\n\nlast();\n"
    )


def test_vendored_files_are_what_their_list_says():
    listed = tomllib.loads((vendor.VENDOR / "VENDOR.toml").read_text())["file"]
    kept = {path.name for path in vendor.VENDOR.iterdir() if path.suffix in (".js", ".svg")}
    assert {entry["name"] for entry in listed} == kept
    assert [(e["package"], e["version"]) for e in listed] == [
        (library.package, library.version) for library in (*vendor.LIBRARIES, vendor.SPRITE)
    ]
    for entry in listed:
        content = (vendor.VENDOR / entry["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["name"]


def test_the_sprite_holds_the_icons_that_pages_draw_and_no_more():
    sources = "".join(path.read_text() for path in assets.TREE.glob("*/**/*.js"))
    assert set(re.findall(r'<\$\{Icon\} name="([\w-]+)"', sources)) <= set(vendor.ICONS)
    assert {name for name in vendor.ICONS if f'"{name}"' not in sources} == set()
    held = re.findall(r'<symbol id="([\w-]+)"', (vendor.VENDOR / "icons.svg").read_text())
    assert held == sorted(vendor.ICONS)


def test_bare_imports_become_neighbours():
    source = 'import{a}from"preact";import "@preact/signals-core";\n//# sourceMappingURL=x.map'
    ready = vendor.browser_ready(source)
    assert ready == 'import{a}from"./preact.js";import"./signals-core.js";\n'
    with pytest.raises(KeyError):
        vendor.browser_ready('import x from "left-pad"')
