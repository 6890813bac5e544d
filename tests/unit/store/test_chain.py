"""The chain: what is added holds, and any change to it shows."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store import chain

SESSION = "0195b0a4-0000-7000-8000-000000000001"
USER = "0195b0a4-0000-7000-8000-000000000002"
SEED = bytes(range(32))


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
    assert chain.verify(SESSION, links) == chain.Verdict(2, links[1].digest, 0, 3)


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


def test_a_head_is_signed_by_one_installation():
    head = {"log": USER, "session": SESSION, "sequence": 7, "digest": b"\1" * 32}
    signature = chain.sign_head(SEED, **head)
    public = chain.public_key(SEED)
    assert chain.head_is_signed(public, signature, **head)
    for change in ({"log": SESSION}, {"sequence": 8}, {"digest": b"\2" * 32}, {"session": USER}):
        assert not chain.head_is_signed(public, signature, **{**head, **change})
    assert not chain.head_is_signed(chain.public_key(bytes(32)), signature, **head)
    assert not chain.head_is_signed(public, "not base64", **head)
    assert not chain.head_is_signed(public, "AAAA", **head)
