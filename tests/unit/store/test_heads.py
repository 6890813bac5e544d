"""Signed heads: one installation's word for the end of one log."""

import msgspec
import pytest
from msgspec.structs import replace

from server.errors import InvalidInputError
from server.store import heads
from server.store.installation import Installation

SESSION = "0195b0a4-0000-7000-8000-000000000001"
OTHER = "0195b0a4-0000-7000-8000-000000000002"
HERE = Installation(OTHER, bytes(range(32)))
HEAD = heads.sign(HERE, session=SESSION, sequence=7, digest=b"\1" * 32)


def test_a_head_is_signed_by_one_installation():
    assert heads.find_fault(HEAD, heads.public_key(HERE.seed)) is None
    assert "another key" in heads.find_fault(HEAD, heads.public_key(bytes(32)))
    forger = Installation(OTHER, bytes(32))
    forged = heads.sign(forger, session=SESSION, sequence=7, digest=b"\1" * 32)
    pretended = replace(forged, public_key=HEAD.public_key)
    assert "does not hold" in heads.find_fault(pretended, HEAD.public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"log": SESSION},
        {"session": OTHER},
        {"sequence": 8},
        {"digest": "02" * 32},
        {"digest": HEAD.digest.upper() + "AA"},
        {"signature": "not base64"},
        {"signature": "AAAA"},
    ],
)
def test_a_changed_head_is_not_signed(change):
    assert heads.find_fault(replace(HEAD, **change), HEAD.public_key) is not None


def test_a_key_that_is_none_has_signed_nothing():
    for key in ("", "not base64", "AAAA"):
        assert not heads.is_sealed(key, HEAD.signature, [])


def test_the_signature_is_the_documented_one():
    """Golden: a head signed today must hold with every later version."""
    assert HEAD.signature == SIGNATURE


SIGNATURE = (
    "HpWln5zO9Ju1G0f+EPG0iuT8jfHID9sEKWO6cn+dN42zsbrnoNg56Sz5VfvnhEOdyGkzCoa9VRqQKaEnv9ZjAg=="
)


def test_a_head_is_read_back_from_its_json():
    assert heads.parse(msgspec.json.encode(HEAD)) == HEAD
    for text in ("", "{}", "[]", msgspec.json.encode(replace(HEAD, digest="zz")), '"x"'):
        with pytest.raises(InvalidInputError, match="Not a signed head"):
            heads.parse(text)
