"""Which web pages may open a live socket.

A browser names the page's origin and cannot be made to lie; other clients send none. Before the
``hello`` nobody's tenant is known, so any tenant's domain passes; afterwards only their own.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit


class Origins:
    """The origins that hold for every tenant: the server's own, and the configured ones."""

    def __init__(self, public_url: str, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset((origin_of(public_url), *(origin_of(each) for each in allowed)))

    def permits(self, origin: str | None, domains: Iterable[str]) -> bool:
        """Say whether a page of ``origin`` may connect, beside ours one of these ``domains``.

        A tenant's domain stands for ``https`` on its usual port.
        """
        if origin is None:
            return True
        origin = origin.lower()
        return origin in self._allowed or origin in {f"https://{each.lower()}" for each in domains}


def origin_of(url: str) -> str:
    """Return the origin of an http(s) URL as browsers send it: no path, no usual port."""
    parts = urlsplit(url.lower())
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual) if usual else parts.netloc}"
