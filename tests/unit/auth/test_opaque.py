import hashlib

import pytest

from server.auth import opaque
from server.ids import new_id


def test_a_publish_token_names_itself_and_hides_its_secret() -> None:
    id = new_id()
    made = opaque.publish_token(id)
    assert opaque.read_publish_token(made.text) == (id, made.digest)
    secret = made.text.rpartition(f"{id.replace('-', '')}_")[2]
    assert made.digest == hashlib.sha256(secret.encode()).digest()
    assert len(secret) == 43  # 256 bits
    assert secret not in repr(made)
    assert opaque.publish_token(id).text != made.text


def test_a_code_is_its_digest() -> None:
    made = opaque.sign_in_code()
    assert opaque.read_sign_in_code(made.text) == made.digest
    assert made.text not in repr(made)


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: text + "\n"])
def test_what_is_written_otherwise_is_none(change) -> None:
    assert opaque.read_publish_token(change(opaque.publish_token(new_id()).text)) is None
    assert opaque.read_sign_in_code(change(opaque.sign_in_code().text)) is None
