"""The pages' shells: a few lines of HTML each; what they show is made in the browser.

No shell holds a token, a title or anything else of a session: it is the same for everybody, and
whether the session exists is found out over the live socket. The token comes in the address's
fragment, which browsers do not send.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from server.web import assets

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)

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


def routes() -> list[web.RouteDef]:
    """Return the pages and the static files; these are read now, once."""
    files = assets.load()
    return [
        web.get("/", _page(files, "landing")),
        web.get(f"/sessions/{{session:{_UUID}}}/studio", _page(files, "studio")),
        web.get(f"/sessions/{{session:{_UUID}}}/room", _page(files, "room")),
        web.get(f"/sessions/{{session:{_UUID}}}/replay", _page(files, "replay")),
        web.get(f"/static/{files.digest}/{{name:.+}}", _static(files)),
    ]


def _page(files: assets.Assets, name: str) -> Handler:
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
        "Content-Security-Policy": _CONTENT_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": f"camera={devices}, microphone={devices}, geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html", headers=headers)

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
