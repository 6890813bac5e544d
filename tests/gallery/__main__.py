"""``python -m tests.gallery``: look at every state of the pages, until Ctrl-C."""

import argparse

from aiohttp import web

from tests.gallery.server import application


def main() -> None:
    """Serve the gallery on this machine alone."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=8700)
    port = parser.parse_args().port
    print(f"Every state of the pages: http://127.0.0.1:{port}/gallery", flush=True)
    web.run_app(application(), host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
