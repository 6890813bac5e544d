"""Keys of the vault, and values that do not show themselves."""

import base64
import os
import pickle

import pytest

from server.secrets.secret import Secret
from server.secrets.vault import Vault


def key(raw, encode=base64.b64encode):
    return Secret(encode(raw).decode())


def test_a_key_has_32_bytes_in_either_base64():
    raw = b"\xfb\xff" * 16
    Vault(None, [key(raw), key(raw, base64.urlsafe_b64encode)])
    for wrong in ([], [key(os.urandom(16))], [Secret("!")]):
        with pytest.raises(ValueError):
            Vault(None, wrong)


def test_a_secret_does_not_show_itself():
    secret = Secret("live_abc")
    assert "live_abc" not in f"{secret} {secret!r} {secret:>20} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
