"""An export says by itself whether it is what was written, and where it is not."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from server.store import chain, export, export_check, heads
from server.store.installation import Installation

SESSION = "0195b0a4-0000-7000-8000-000000000001"
OTHER = "0195b0a4-0000-7000-8000-000000000002"
TENANT = "0195b0a4-0000-7000-8000-000000000003"
USER = "0195b0a4-0000-7000-8000-000000000004"
HERE = Installation(OTHER, bytes(range(32)))
FORGER = Installation(OTHER, bytes(32))
ERASED = 3
EXAMPLE = Path(__file__).parents[3] / "docs/examples/verify_export.py"


def links(session=SESSION, texts=("one", "two", "…", "four", "fünf\u2028\x1f")):
    """A log whose third event has been erased."""
    previous, result = chain.genesis(session), []
    for number, text in enumerate(texts, 1):
        payload, salt = chain.canonical({"text": text, "b": [1, None]}), bytes([number]) * 16
        fields = {
            "sequence": number, "id": f"0195b0a4-0000-7000-8000-{number:012d}",
            "type": "chat.posted", "version": 1, "actor": USER if number % 2 else None,
            "at_ms": 1_795_302_000_000 + number, "key": None if number % 2 else f"{number:032x}",
            "payload_digest": chain.payload_digest(salt, payload),
        }  # fmt: skip
        previous = chain.digest(previous, session=session, **fields)
        salt = None if number == ERASED else salt
        result.append(chain.Link(**fields, payload=payload, salt=salt, digest=previous))
    return result


def write(log, *, session=SESSION, identity=HERE, head=None, **header):
    """Write an export as ``server.store.export`` does."""
    first = export.Header(
        format=export.FORMAT, log=identity.log, session=session, tenant=TENANT,
        public_key=heads.public_key(identity.seed), exported_at="2026-11-22T09:00:00.000Z",
    )  # fmt: skip
    first = replace(first, **header)
    lines = [chain.canonical(msgspec.to_builtins(first)) + b"\n"]
    lines += [chain.canonical(export.record(link)) + b"\n" for link in log]
    digest = log[-1].digest if log else chain.genesis(session)
    head = head or heads.sign(identity, session=session, sequence=len(log), digest=digest)
    sealed = hashlib.sha256(b"".join(lines)).hexdigest()
    seal = export.Seal(head, heads.seal(identity.seed, [export.FORMAT, sealed]))
    return [*lines, chain.canonical(msgspec.to_builtins(seal)) + b"\n"]


WHOLE = write(links())


def check(lines, **how):
    return export_check.check(io.BytesIO(b"".join(lines)), **how)


def test_a_whole_export_verifies_and_says_what_it_is():
    checked = check(WHOLE, public_key=heads.public_key(HERE.seed))
    assert checked.verdict == chain.Verdict(5, links()[-1].digest, 1, None)
    assert (checked.header.session, checked.header.tenant) == (SESSION, TENANT)
    assert checked.head.sequence == 5
    assert check(write([])).verdict == chain.Verdict(0, chain.genesis(SESSION), 0, None)


FAULTS = {
    "a changed word": (lambda w: [*w[:2], w[2].replace(b"two", b"TWO"), *w[3:]], 2),
    "another space": (lambda w: [*w[:2], w[2].replace(b":", b": ", 1), *w[3:]], 2),
    "another way to write a time": (lambda w: [w[0], w[1].replace(b'1Z"', b'1z"'), *w[2:]], 1),
    "digits in capitals": (
        lambda w: [w[0], w[1].replace(x := links()[0].digest.hex().encode(), x.upper()), *w[2:]],
        1,
    ),
    "a removed line": (lambda w: [*w[:2], *w[3:]], 2),
    "the last event removed": (lambda w: [*w[:5], w[6]], 5),
    "swapped lines": (lambda w: [*w[:2], w[3], w[2], *w[4:]], 2),
    "a line said twice": (lambda w: [*w[:3], w[2], *w[3:]], 3),
    "an event added after the head": (
        lambda w: [*write(links(texts=("one", "two", "…", "four", "fünf\u2028\x1f", "!")))[:-1],
                   w[-1]], 6,
    ),
    "cut off after a line": (lambda w: w[:4], 4),
    "cut off in a line": (lambda w: [*w[:3], w[3][:50]], 3),
    "the last newline missing": (lambda w: [*w[:-1], w[-1][:-1]], 6),
    "something after the end": (lambda w: [*w, b"\n"], 6),
    "another session's events": (lambda w: [w[0], *write(links(OTHER), session=OTHER)[1:]], 1),
    "another session's head": (
        lambda w: [*w[:-1], write(links(OTHER), session=OTHER)[-1]], 5,
    ),
    "a head of another log": (
        lambda w: [*w[:-1], write(links(), identity=Installation(USER, HERE.seed))[-1]], 5,
    ),
    "another installation's signature": (
        lambda w: [*w[:-1], write(links(), identity=FORGER)[-1]], 5,
    ),
    "a header of another tenant": (
        lambda w: [w[0].replace(TENANT.encode(), USER.encode()), *w[1:]], 5,
    ),
    "other words in an erased event": (
        lambda w: [*w[:3], w[3].replace("…".encode(), b"?"), *w[4:]], ERASED,
    ),
    "another rest of an erased event": (
        lambda w: [*w[:3], w[3].replace(b"[1,null]", b"[2,null]"), *w[4:]], 5,
    ),
    "an event passed off as erased": (
        lambda w: [*w[:2], re_written(w[2], salt=None, payload={"text": "never said"}), *w[3:]], 2,
    ),
    "no header": (lambda w: w[1:], 0),
    "nothing": (lambda w: [], 0),
    "a format of later": (lambda w: write(links(), format="liveclass-export/2"), 0),
    "no JSON": (lambda w: [*w[:2], b"{]\n", *w[3:]], 2),
    "JSON that is no object": (lambda w: [*w[:2], b"7\n", *w[3:]], 2),
    "a field too many": (lambda w: [*w[:2], re_written(w[2], more=1), *w[3:]], 2),
    "a time that is none": (lambda w: [*w[:2], re_written(w[2], at="noon"), *w[3:]], 2),
    "a time without zone": (
        lambda w: [*w[:2], re_written(w[2], at="2026-11-22T09:00:00.123"), *w[3:]], 2,
    ),
    "a digest that is none": (lambda w: [*w[:2], re_written(w[2], digest="zz"), *w[3:]], 2),
    "a salt that is none": (lambda w: [*w[:2], re_written(w[2], salt="?"), *w[3:]], 2),
    "a seal that is none": (lambda w: [*w[:-1], b'{"head":{},"seal":""}\n'], 6),
}  # fmt: skip


def re_written(line, **change):
    return chain.canonical(orjson.loads(line) | change) + b"\n"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_named_with_its_event(name):
    change, broken = FAULTS[name]
    verdict = check(change(WHOLE)).verdict
    assert verdict.broken == broken, verdict
    assert verdict.why


@pytest.mark.parametrize(
    ("name", "why"),
    {
        "another session's head": f"the head is of another session: {OTHER}",
        "a head of another log": f"the head is of another log: {USER}",
        "another installation's signature": (
            f"the head is signed by another key: {heads.public_key(FORGER.seed)}"
        ),
        "cut off after a line": "missing, or the signed head is: the file was cut off",
        "a removed line": "missing: event 3 is in its place",
        "a changed word": "holds other data than was written",
    }.items(),
)
def test_a_fault_says_what_is_wrong(name, why):
    assert check(FAULTS[name][0](WHOLE)).verdict.why == why


@given(st.data())
def test_no_byte_can_be_changed(data):
    raw = bytearray(b"".join(WHOLE))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    line = bytes(raw[:at]).count(b"\n")
    verdict = export_check.check(io.BytesIO(raw)).verdict
    assert verdict.broken is not None
    if 0 < line <= 5 and line != ERASED:
        assert verdict.broken == line


@given(st.integers(0, len(b"".join(WHOLE)) - 1))
def test_no_beginning_of_a_file_is_a_whole_one(length):
    checked = export_check.check(io.BytesIO(b"".join(WHOLE)[:length]))
    assert checked.verdict.broken is not None
    assert checked.head is None


def test_who_pins_the_key_takes_no_other():
    forged = write(links(), identity=FORGER)
    assert check(forged).verdict.broken is None
    assert check(forged, public_key=heads.public_key(HERE.seed)).verdict.broken == 0


def test_an_export_holds_a_head_from_before_or_says_where_it_does_not():
    log = links()
    old = heads.sign(HERE, session=SESSION, sequence=2, digest=log[1].digest)
    assert check(WHOLE, head=old).verdict.broken is None
    forged = links(texts=("one", "TWO", "…"))
    assert check(write(forged)).verdict.broken is None, "consistent in itself"
    assert check(write(forged), head=old).verdict.broken == 2
    assert check(write(log[:1]), head=old).verdict.broken == 2
    assert check(WHOLE, head=replace(old, session=OTHER)).verdict.broken == 2
    assert check(WHOLE, head=replace(old, signature="AAAA")).verdict.broken == 2


def test_a_line_without_end_is_not_read_to_its_end():
    class Endless(io.RawIOBase):
        def readline(self, size=-1):
            assert 0 < size <= export_check.LINE_BYTES
            return b"x" * size

    assert export_check.check(Endless()).verdict.broken == 0


def example(tmp_path, lines, key):
    """Run the example of the documents: it knows nothing of this code."""
    file = tmp_path / "class.ndjson"
    file.write_bytes(b"".join(lines))
    return subprocess.run(
        [sys.executable, "-I", EXAMPLE, file, key], capture_output=True, text=True, timeout=120
    )


def test_a_stranger_verifies_it_from_the_documents_alone(tmp_path):
    key = heads.public_key(HERE.seed)
    done = example(tmp_path, WHOLE, key)
    assert done.stdout == f"ok  5 events, 1 erased  head {links()[-1].digest.hex()}\n", done.stderr
    for name in (
        "a changed word", "a removed line", "another session's head", "cut off after a line",
        "an event passed off as erased", "a header of another tenant",
    ):  # fmt: skip
        assert example(tmp_path, FAULTS[name][0](WHOLE), key).returncode != 0, name
    assert example(tmp_path, WHOLE, heads.public_key(FORGER.seed)).returncode != 0
