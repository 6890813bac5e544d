"""Secrets that say nothing by themselves: 256 random bits, of which we keep a digest.

There is nothing to guess, so a plain SHA-256 is enough; and who reads the table can use nothing of
it. Their beginnings tell people, and scanners of published code, what they have found.
"""

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from typing import NamedTuple

PUBLISH = "lcpub"
SIGN_IN = "lcsignin"

_PUBLISH = re.compile(PUBLISH + r"_(?P<id>[0-9a-f]{32})_(?P<secret>[A-Za-z0-9_-]{43})")
_SIGN_IN = re.compile(SIGN_IN + r"_[A-Za-z0-9_-]{43}")


class Made(NamedTuple):
    """A secret, to be shown once, and what is kept of it."""

    text: str
    digest: bytes

    def __repr__(self) -> str:
        return "Made(•••)"


def publish_token(id: str) -> Made:
    """Return a new token that names itself by ``id``."""
    secret = _random()
    return Made(f"{PUBLISH}_{uuid.UUID(id).hex}_{secret}", _digest(secret))


def read_publish_token(text: str) -> tuple[str, bytes] | None:
    """Return the id of a publish token and the digest of its secret; None if it is none."""
    found = _PUBLISH.fullmatch(text)
    return None if found is None else (str(uuid.UUID(found["id"])), _digest(found["secret"]))


def sign_in_code() -> Made:
    """Return a new code that signs somebody in once."""
    text = f"{SIGN_IN}_{_random()}"
    return Made(text, _digest(text))


def sign_in_url(url: str, code: Made) -> str:
    """Return the link that brings a code: after the #, so that it reaches no server and no log."""
    return f"{url}/sign-in#{code.text}"


def read_sign_in_code(text: str) -> bytes | None:
    """Return the digest of a code; None if it is none."""
    return _digest(text) if _SIGN_IN.fullmatch(text) else None


def is_same(one: bytes, other: bytes) -> bool:
    """Compare digests in a time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)


def _random() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
