"""What a request brings, where texts could be taken for more than they say."""

from datetime import datetime
from typing import Annotated

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request
from msgspec import Meta

from protocol.errors import Refusal
from server.rest.reading import Query


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    text: str | None = None
    number: Annotated[int, Meta(ge=1)] | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None
    from_: int = 1


QUERY = Query(Wanted, is_projected=True)


def read(query):
    return QUERY.read(make_mocked_request("GET", f"/?{query}"))


def test_what_is_there_is_read_and_what_is_not_is_none():
    nothing, sequence = read("")
    assert (nothing.text, nothing.number, nothing.at, nothing.from_) == (None, None, None, 1)
    assert sequence == 0
    found, sequence = read("text=a&number=2&at=2026-11-22T09:00:00Z&from=7&after_sequence=141")
    assert isinstance(found, Wanted)
    assert (found.text, found.number, found.from_, sequence) == ("a", 2, 7, 141)
    assert found.at == datetime.fromisoformat("2026-11-22T09:00:00+00:00")


def test_null_is_a_word():
    assert read("text=null")[0].text == "null"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("number=null", "number"),
        ("number=0", "number"),
        ("at=0.5", "at"),
        ("at=null", "at"),
        ("at=2026-11-22T09:00:00", "at"),
        ("from=x", "from"),
        ("from=1&from=2", "query"),
        ("after_sequence=null", "after_sequence"),
        ("other=1", "other"),
    ],
)
def test_what_is_not_meant_is_refused_by_name(query, field):
    with pytest.raises(Refusal) as caught:
        read(query)
    assert (caught.value.code, caught.value.field) == ("bad_request", field)


def test_a_route_without_parameters_takes_none():
    with pytest.raises(Refusal):
        Query(None, is_projected=False).read(make_mocked_request("GET", "/?after_sequence=1"))
