"""The codes of links that let a class in: computed from the link's id, and kept nowhere.

``lcjoin_<id><mac>``: the MAC is HMAC-SHA256 over the id, cut to 128 bits. So whoever made a link
can copy it again tomorrow, whoever reads the table can use nothing of it, and what was never given
out is refused before the database is asked.
"""

import base64
import hmac
import re
import uuid

from aiohttp import web

from server.secrets.secret import Secret

PREFIX = "lcjoin"
MAC_BYTES = 16

_CODE = re.compile(PREFIX + r"_(?P<text>[A-Za-z0-9_-]{43})")


class JoinLinks:
    """Makes and reads the codes of one installation."""

    def __init__(self, secret: Secret) -> None:
        # A key of its own: a code must pass for nothing else that is signed with the same secret.
        self._key = hmac.digest(secret.reveal().encode(), b"liveclass/join-links/1", "sha256")

    def code(self, id: str) -> str:
        """Return the code of the link ``id``, the same each time."""
        of = uuid.UUID(id).bytes
        text = base64.urlsafe_b64encode(of + self._mac(of)).rstrip(b"=").decode()
        return f"{PREFIX}_{text}"

    def read(self, code: str) -> str | None:
        """Return the id of the link that ``code`` was given out for; None if it never was."""
        found = _CODE.fullmatch(code)
        if found is None:
            return None
        content = base64.urlsafe_b64decode(found["text"] + "=")
        of, mac = content[:16], content[16:]
        return str(uuid.UUID(bytes=of)) if hmac.compare_digest(mac, self._mac(of)) else None

    def _mac(self, of: bytes) -> bytes:
        return hmac.digest(self._key, of, "sha256")[:MAC_BYTES]


join_links_key: web.AppKey[JoinLinks] = web.AppKey("join_links", JoinLinks)
