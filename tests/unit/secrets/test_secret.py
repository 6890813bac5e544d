"""A secret shows itself to nobody who does not ask."""

import copy
import dataclasses
import json
import logging
import pickle
import traceback

import msgspec
import orjson
import pytest

from server.secrets.secret import Secret

TEXT = "canary-9d-key"


@dataclasses.dataclass
class Holder:
    key: Secret


def test_it_is_in_no_text_that_is_made_of_it() -> None:
    secret = Secret(TEXT)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>20}",
        f"{secret:>20}",
        repr([secret]),
        repr(Holder(secret)),
        str(ValueError(secret)),
        orjson.dumps({"key": secret}, default=str).decode(),
        json.dumps({"key": secret}, default=repr),
        logging.LogRecord("x", 10, "x", 1, "%s", (secret,), None).getMessage(),
    ]
    assert not [each for each in shown if TEXT in each or TEXT[:4] in each]


def test_it_is_in_no_traceback() -> None:
    secret = Secret(TEXT)
    try:
        secret + "x"
    except TypeError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert TEXT not in "".join(told.format())
    with pytest.raises(TypeError) as refused:
        len(secret)
    assert TEXT not in str(refused.value)


@pytest.mark.parametrize(
    "leave",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        lambda secret: dataclasses.asdict(Holder(secret)),
        msgspec.json.encode,
        msgspec.to_builtins,
        orjson.dumps,
        json.dumps,
        vars,
        iter,
        bytes,
    ],
)
def test_it_leaves_by_no_other_door(leave) -> None:
    with pytest.raises(TypeError) as refused:
        leave(Secret(TEXT))
    assert TEXT not in str(refused.value)


def test_it_is_compared_but_not_with_text() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret("ключ") == Secret("ключ")
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret(TEXT) != TEXT
    assert len({Secret(TEXT), Secret(TEXT)}) == 1
    assert not Secret("")
    assert Secret(TEXT).reveal() == TEXT
