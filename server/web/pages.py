"""The pages' shells: a few lines of HTML each; what they show is made in the browser.

No shell holds a token, a title or anything else of a session: it is the same for everybody, and
whether the session exists is found out over the live socket. The token comes in the address's
fragment, which browsers do not send. Only who may frame room and replay is the tenant's decision.
"""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from server.errors import UnavailableError
from server.web import assets

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_HOME = (
    "/", "/sign-in", "/courses", f"/courses/{{course:{_UUID}}}", "/destinations", "/search",
    "/school", "/school/settings", "/school/webhooks",
)  # fmt: skip
"""Parts of one page, each with an address."""

Framers = Callable[[str], Awaitable[Sequence[str]]]
"""Tells which origins' pages may frame those of a session."""

_SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<title>liveclass</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{tokens}">
<link rel="stylesheet" href="{base}">
<link rel="stylesheet" href="{style}">
{modules}<script type="module" src="{script}"></script>
</head>
<body>
<div id="app"><noscript>This page needs JavaScript.</noscript></div>
</body>
</html>
"""  # noqa: E501 - one tag, one line

Handler = Callable[[web.Request], Awaitable[web.Response]]


async def _nobody(_: str) -> Sequence[str]:
    return ()


def routes(*, objects: str | None = None, framers: Framers = _nobody) -> list[web.RouteDef]:
    """Return the pages and the static files; these are read now, once.

    ``objects`` is the origin of the object store, where that is another one than ours.
    """
    files = assets.load()

    def page(name: str, framers: Framers = _nobody) -> Handler:
        return _page(files, name, objects, framers)

    home = page("home")
    return [
        *(web.get(path, home) for path in _HOME),
        web.get("/join", page("join")),
        web.get(f"/sessions/{{session:{_UUID}}}/studio", page("studio")),
        web.get(f"/sessions/{{session:{_UUID}}}/room", page("room", framers)),
        web.get(f"/sessions/{{session:{_UUID}}}/replay", page("replay", framers)),
        web.get(f"/sessions/{{session:{_UUID}}}/report", page("report")),
        web.get(f"/static/{files.digest}/{{name:.+}}", _static(files)),
    ]


def content_policy(objects: str | None, framers: Sequence[str]) -> str:
    """Return what a page may load, and who may show it in a frame."""
    store = "" if objects is None else f" {objects}"
    ancestors = " ".join(framers) or "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            f"img-src 'self' blob:{store}",
            f"media-src 'self' blob:{store}",
            f"connect-src 'self'{store}",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {ancestors}",
            "require-trusted-types-for 'script'",
        )
    )


def _page(files: assets.Assets, name: str, objects: str | None, framers: Framers) -> Handler:
    """Return the handler of one page: always the same bytes, never stored."""
    script = f"{name}/index.js"
    body = _SHELL.format(
        modules="".join(
            f'<link rel="modulepreload" href="{files.path(module)}">\n'
            for module in files.needed(script)
            if module.endswith(".js")
        ),
        icon=files.path("favicon.svg"),
        tokens=files.path("shared/tokens.css"),
        base=files.path("shared/base.css"),
        style=files.path(f"{name}/page.css"),
        script=files.path(script),
    )
    devices = "(self)" if name == "studio" else "()"
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(objects, ()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": ", ".join(
            [f"{what}={devices}" for what in ("camera", "microphone", "display-capture")]
            + ["geolocation=()"]
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    async def page(request: web.Request) -> web.Response:
        told = headers
        # Asked for by a person and not for a frame, the page does without the database.
        if request.headers.get("Sec-Fetch-Dest") != "document":
            try:
                allowed = await framers(request.match_info.get("session", ""))
            except UnavailableError:
                allowed = ()
            told = headers | {"Content-Security-Policy": content_policy(objects, allowed)}
        response = web.Response(text=body, content_type="text/html", headers=told)
        response.enable_compression()
        return response

    return page


def _static(files: assets.Assets) -> Handler:
    """Return the handler of the files below the hash: they are what they are for ever."""

    async def static(request: web.Request) -> web.Response:
        asset = files.files.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Type": asset.content_type,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=asset.compressed, headers=headers)
        return web.Response(body=asset.plain, headers=headers)

    return static
