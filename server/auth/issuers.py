"""Whose tokens are trusted beside our own: identity providers, each bound to tenants.

One is written in a line::

    https://id.school.example jwks=https://id.school.example/keys algorithms=ES256 tenants=<id>+<id>

``algorithms`` are of RS256, ES256 and EdDSA; ``tenants=any`` lets it speak for every tenant.
"""

import re
from ipaddress import ip_address
from typing import NamedTuple, Self
from urllib.parse import urlsplit

ALGORITHMS = frozenset(("RS256", "ES256", "EdDSA"))

_FIELDS = frozenset(("jwks", "algorithms", "tenants"))
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TrustedIssuer(NamedTuple):
    """An identity provider: its name in ``iss``, and how far its word goes."""

    name: str
    jwks: str
    """Where its public keys are (RFC 7517)."""
    algorithms: frozenset[str]
    tenants: frozenset[str] | None
    """The tenants that it may name; None for all."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the issuer that a line describes.

        Raises:
            ValueError: If it does not hold, in words for the operator.

        """
        name, *rest = text.split()
        given = dict(part.split("=", 1) for part in rest if "=" in part)
        if len(given) != len(rest) or given.keys() != _FIELDS:
            raise ValueError("expected ISSUER jwks=URL algorithms=ES256+… tenants=ID+…|any")
        algorithms = frozenset(given["algorithms"].split("+"))
        if not algorithms <= ALGORITHMS:
            raise ValueError("algorithms are of RS256, ES256 and EdDSA")
        named = given["tenants"].lower().split("+")
        if named != ["any"] and not all(map(_UUID.fullmatch, named)):
            raise ValueError("tenants are ids joined by +, or any")
        if not _is_safe(given["jwks"]):
            raise ValueError("keys are fetched over https only, or over http from this machine")
        tenants = None if named == ["any"] else frozenset(named)
        return cls(name, given["jwks"], algorithms, tenants)


def _is_safe(url: str) -> bool:
    """Whether nobody on the way can put keys of their own in place of what ``url`` answers."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return bool(parts.hostname) and parts.scheme in ("http", "https")
    try:
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
