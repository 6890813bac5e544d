"""Verify the export of a class with nothing of liveclass at hand.

    python verify_export.py EXPORT PUBLIC_KEY

Needs Python 3.11 and the package "cryptography". docs/operations/record.md describes the format.
"""

import json
import sys
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def canonical(value):
    """Return the one way to write a value as JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def must(holds, otherwise):
    """Go on only if it holds."""
    if not holds:
        sys.exit(f"BROKEN: {otherwise}")


def verify(lines, public_key):
    """Return what was found; whatever does not hold ends the program."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key))
    header, *events, end = (json.loads(line) for line in lines)
    session, head, erased = header["session"], end["head"], 0
    digest = sha256(b"liveclass/1" + session.encode()).hexdigest()
    for number, event in enumerate(events, 1):
        must(event["sequence"] == number, f"event {number} is missing")
        at = datetime.fromisoformat(event["at"]) - datetime(1970, 1, 1, tzinfo=UTC)
        fields = [event[name] for name in ("id", "type", "version", "actor")]
        fields += [at // timedelta(microseconds=1), event["key"], event["payload_digest"]]
        linked = bytes.fromhex(digest) + canonical([session, number, *fields])
        digest = sha256(linked).hexdigest()
        must(event["digest"] == digest, f"event {number} does not fit what comes before it")
        if event["salt"] is None:
            erased += 1  # a person's words are gone: the digest of them tells nothing any more
        else:
            words = sha256(b64decode(event["salt"]) + canonical(event["payload"])).hexdigest()
            must(event["payload_digest"] == words, f"event {number} holds other data")
    mine = [header["log"], session, len(events), digest]
    signed = [head[name] for name in ("log", "session", "sequence", "digest")]
    must(signed == mine, f"the head is of event {signed[2]} of another log, or of another length")
    key.verify(b64decode(head["signature"]), canonical(["liveclass/1", *mine]))
    before = sha256(b"".join(lines[:-1])).hexdigest()
    key.verify(b64decode(end["seal"]), canonical([header["format"], before]))
    return f"ok  {len(events)} events, {erased} erased  head {digest}"


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(verify(file.readlines(), sys.argv[2]))
