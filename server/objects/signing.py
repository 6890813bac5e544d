"""URLs to objects that we serve ourselves: good for one method, one key, until one moment."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from server.clock import Clock
from server.errors import ForbiddenError
from server.secrets.secret import Secret

PATH = "/objects/"


class UrlSigner:
    """Sign URLs below ``<base_url>/objects/`` and check them again when they come back."""

    def __init__(self, secret: Secret, base_url: str, clock: Clock) -> None:
        # A key of its own: what is signed here can be mistaken for nothing else.
        self._key = hmac.digest(secret.reveal().encode(), b"liveclass object url", "sha256")
        self._base = base_url.rstrip("/") + PATH
        self._clock = clock

    def sign(
        self,
        method: str,
        key: str,
        *,
        seconds: int,
        content_type: str = "",
        most_bytes: int | None = None,
    ) -> str:
        """Return a URL for ``method`` on ``key`` that holds for ``seconds``."""
        expires = str(self._clock.now_ms() // 1000 + seconds)
        most = "" if most_bytes is None else str(most_bytes)
        query = {"expires": expires}
        query |= {name: value for name, value in (("type", content_type), ("most", most)) if value}
        query["signature"] = self._signature(method, key, expires, content_type, most)
        return f"{self._base}{quote(key)}?{urlencode(query)}"

    def check(self, method: str, key: str, query: Mapping[str, str]) -> None:
        """Return if ``query`` is that of a URL signed for ``method`` on ``key`` and still good.

        ``HEAD`` is allowed where ``GET`` is. Of a PUT, compare the body's type with
        ``query["type"]``, and its bytes with ``query["most"]`` if there is one.

        Raises:
            ForbiddenError: If not.

        """
        expires, kind, most = (query.get(name, "") for name in ("expires", "type", "most"))
        signed = "GET" if method == "HEAD" else method
        signature = self._signature(signed, key, expires, kind, most)
        if not hmac.compare_digest(
            signature.encode(), query.get("signature", "").encode(errors="replace")
        ):
            raise ForbiddenError("This link is not valid.")
        if int(expires) * 1000 <= self._clock.now_ms():
            raise ForbiddenError("This link has expired.")

    def _signature(self, method: str, key: str, expires: str, content_type: str, most: str) -> str:
        text = "\n".join((method, key, expires, content_type, most))
        return hmac.new(self._key, text.encode(errors="replace"), hashlib.sha256).hexdigest()
