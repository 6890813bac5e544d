"""Trickled candidates and ICE restarts: fragments of SDP (RFC 8840 §9), read and written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from server.media.sdp import UnacceptableOfferError, is_useless

CONTENT_TYPE = "application/trickle-ice-sdpfrag"

_LINE = re.compile(r"(a=[!-9;-~]+(:.*)?|m=[a-z]+ .+|c=.+)")
_CREDENTIAL = re.compile(r"[A-Za-z0-9+/]{4,256}")


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a peer says about its ICE session after its offer."""

    username: str | None
    password: str | None
    candidates: tuple[str, ...]
    """As of the attribute, without its name; those of another ICE session are left out."""


def read(body: bytes) -> Fragment:
    """Return what a fragment says; it may be of a bundle's first section only (RFC 9725 §4.3.2).

    The end of candidates is taken and not heeded: see :mod:`server.media.offer`.

    Raises:
        UnacceptableOfferError: If it is not a fragment of SDP.

    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _malformed() from None
    lines = [line for line in text.splitlines() if line]
    if not lines or not all(map(_LINE.fullmatch, lines)):
        raise _malformed()
    username, password = _only(lines, "ice-ufrag"), _only(lines, "ice-pwd")
    candidates = [line for line in lines if line.startswith("a=candidate:")]
    kept = (line for line in candidates if not is_useless(line) and _is_of(line, username))
    return Fragment(username, password, tuple(line[12:].strip() for line in kept))


def of_session(candidates: Sequence[str], username: str) -> list[str]:
    """Return the candidates that do not say that they belong to another ICE session."""
    return [each for each in candidates if _is_of(each, username)]


def write(answer: str, username: str, password: str, candidates: Sequence[str]) -> bytes:
    """Return our side of an ICE restart, for the session that ``answer`` began.

    Its options are those of the answer, as RFC 9725 §4.3.3 demands.
    """
    kept = ("a=ice-options:", "a=ice-lite", "a=ice-pacing:", "a=group:BUNDLE")
    before, _, sections = answer.partition("m=")
    lines = [line for line in before.splitlines() if line.startswith(kept)]
    first = f"m={sections}".splitlines()
    lines.append(first[0])
    lines += [line for line in first if line.startswith("a=mid:")][:1]
    lines += [f"a=ice-ufrag:{username}", f"a=ice-pwd:{password}"]
    lines += [f"a=candidate:{each}" for each in candidates]
    lines.append("a=end-of-candidates")
    return ("\r\n".join(lines) + "\r\n").encode()


def _only(lines: Sequence[str], name: str) -> str | None:
    """Return what the sections say, which must be the same."""
    values = {line.partition(":")[2].strip() for line in lines if line.startswith(f"a={name}:")}
    if len(values) > 1 or not all(map(_CREDENTIAL.fullmatch, values)):
        raise _malformed()
    return next(iter(values), None)


def _is_of(candidate: str, username: str | None) -> bool:
    """Say whether a candidate is of the ICE session of ``username`` (RFC 8838 §4)."""
    fields = candidate.split()
    said = dict(zip(fields[8::2], fields[9::2], strict=False)).get("ufrag")
    return said is None or username is None or said == username


def _malformed() -> UnacceptableOfferError:
    return UnacceptableOfferError(400, "bad_request", "The body is not a fragment of SDP.")
