"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1."""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable

from server.secrets.secret import Secret

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> Secret:
    """Return a new secret of an endpoint: ``whsec_`` and base64."""
    return Secret(PREFIX + b64encode(os.urandom(SECRET_BYTES)).decode())


def headers(id_: str, at_ms: int, body: bytes, secrets: Iterable[Secret]) -> dict[str, str]:
    """Return the headers that let the receiver verify ``body``, signed with each secret."""
    seconds = str(at_ms // 1000)
    signed = b".".join((id_.encode(), seconds.encode(), body))
    return {
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_sign(signed, secret) for secret in secrets),
    }


def _sign(signed: bytes, secret: Secret) -> str:
    key = b64decode(secret.reveal().removeprefix(PREFIX))
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
