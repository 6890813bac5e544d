"""The chain: what is added holds, and any change to it shows."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store import chain

SESSION = "0195b0a4-0000-7000-8000-000000000001"
USER = "0195b0a4-0000-7000-8000-000000000002"


def build(payloads):
    previous, links = chain.genesis(SESSION), []
    for number, payload in enumerate(payloads, 1):
        salt = bytes([number % 256]) * 16
        fields = {
            "sequence": number, "id": f"{number:032x}", "type": "chat.posted", "version": 1,
            "actor": USER, "at_ms": 1_795_302_000_000 + number, "key": None,
            "payload_digest": chain.payload_digest(salt, chain.canonical(payload)),
        }  # fmt: skip
        previous = chain.digest(previous, session=SESSION, **fields)
        links.append(
            chain.Link(**fields, payload=chain.canonical(payload), salt=salt, digest=previous)
        )
    return links


def test_the_chain_is_the_documented_one():
    """Golden: a log written today must verify with every later version."""
    (link,) = build([{"text": "hello", "b": 1, "a": [1, None]}])
    assert chain.genesis(SESSION).hex() == GENESIS
    assert link.payload == b'{"a":[1,null],"b":1,"text":"hello"}'
    assert link.digest.hex() == FIRST


GENESIS = "d76f6e95c98800752c2e1ce697f8fe18ac5cd3f8818252a88a324f4f730ca19d"
FIRST = "70a711d50522875429300d6f3a3a1a999eb5a0e00009523938d4191add72b5be"


@pytest.mark.parametrize(
    "change",
    [
        {"payload": b'{"n":99}'},
        {"type": "chat.removed"},
        {"version": 2},
        {"actor": None},
        {"at_ms": 0},
        {"key": "k"},
        {"id": "f" * 32},
        {"salt": b"\0" * 16},
        {"payload_digest": b"\0" * 32},
        {"digest": b"\0" * 32},
        {"sequence": 4},
    ],
)
def test_any_change_shows_at_its_event(change):
    links = build([{"n": n} for n in range(5)])
    assert chain.verify(SESSION, links) == chain.Verdict(5, links[-1].digest, 0, None)
    links[2] = links[2]._replace(**change)
    verdict = chain.verify(SESSION, links)
    assert verdict[:4] == (2, links[1].digest, 0, 3)
    assert verdict.why


def test_a_missing_or_added_event_shows():
    links = build([{"n": n} for n in range(5)])
    assert chain.verify(SESSION, links[:2] + links[3:]).broken == 3
    assert chain.verify(SESSION, [*links, links[-1]]).broken == 6
    assert chain.verify(USER, links).broken == 1


def test_an_erased_event_keeps_the_chain_and_is_counted():
    links = build([{"n": n} for n in range(5)])
    links[1] = links[1]._replace(payload=b"{}", salt=None)
    assert chain.verify(SESSION, links) == chain.Verdict(5, links[-1].digest, 1, None)


def test_verifying_by_pages_is_verifying_at_once():
    links = build([{"n": n} for n in range(7)])
    verifier = chain.Verifier(SESSION)
    verifier.take(links[:3])
    verifier.take(links[3:])
    assert verifier.verdict == chain.verify(SESSION, links)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values))
def test_order_and_spaces_do_not_matter(payload):
    (link,) = build([payload])
    shuffled = orjson.dumps(dict(reversed(payload.items())), option=orjson.OPT_INDENT_2)
    assert chain.verify(SESSION, [link._replace(payload=shuffled)]).broken is None


def test_a_log_that_holds_a_known_head_may_go_on():
    links = build([{"n": n} for n in range(5)])
    for sequence in range(6):
        digest = links[sequence - 1].digest if sequence else chain.genesis(SESSION)
        verifier = chain.Verifier(SESSION, (sequence, digest))
        verifier.take(links)
        assert verifier.end() == chain.Verdict(5, links[-1].digest, 0, None)


def test_a_log_that_was_cut_off_or_written_anew_does_not_hold_the_head():
    """Both are consistent in themselves."""
    links = build([{"n": n} for n in range(5)])
    head = 5, links[-1].digest
    forged = build([{"n": n} for n in (0, 1, 99, 3, 4)])
    assert chain.verify(SESSION, forged).broken is None
    for log, broken in ((links[:4], 5), ([], 1), (forged, 5)):
        verifier = chain.Verifier(SESSION, head)
        verifier.take(log)
        assert verifier.end().broken == broken
        assert verifier.end().broken == broken, "asked again, the same"
    verifier = chain.Verifier(SESSION, (0, chain.genesis(USER)))
    assert verifier.end().broken == 1
