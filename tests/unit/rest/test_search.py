"""What a hit looks like, and where the next page begins."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidInputError
from server.ids import new_id
from server.rest import search
from server.store.search import START, STOP, Found, Hit

AT_MS = 1_795_302_000_123
parts = st.lists(st.tuples(st.booleans(), st.text(st.characters(exclude_characters=START + STOP))))


@given(parts)
def test_what_matched_is_where_the_marks_were(parts):
    marked = "".join(START + text + STOP if is_match else text for is_match, text in parts)
    text, ranges = search._highlighted(marked)
    assert text == "".join(text for _, text in parts)
    assert [text[start:end] for start, end in ranges] == [
        text for is_match, text in parts if is_match
    ]


def hit(**more):
    fields = dict.fromkeys(Hit.__struct_fields__) | {
        "score": 0.1 + 0.2, "session": new_id(), "kind": "chat", "source": new_id(), "ordinal": 3,
        "session_title": "", "at": AT_MS, "start_ms": 724_900, "snippet": f"a {START}b{STOP}",
    }  # fmt: skip
    return Hit(**fields | more)


def results(hits, limit=2):
    found = Found(len(hits), True, tuple(hits), (), (), (), ())
    return search._results(found, limit, AT_MS, "https://live.example")


def test_a_hit_leads_to_its_moment_and_a_page_to_the_next():
    one, two, three = hit(), hit(start_ms=None), hit()
    page = results([one, two, three])
    assert [each.id for each in page.items] == [one.source, two.source]
    first, second = page.items
    assert first.url == f"https://live.example/sessions/{one.session}/replay?at=724900"
    assert second.url == f"https://live.example/sessions/{two.session}/replay"
    assert (first.snippet, first.highlights) == ("a b", ((2, 3),))
    assert search._place(page.next) == (
        search.Place(AT_MS, 0.1 + 0.2, two.session, "chat", two.source, 3)
    )
    assert results([one, two]).next is None


@pytest.mark.parametrize("change", [
    {}, {"as_of": -1}, {"ordinal": 1 << 70}, {"session": "x"}, {"source": "\0"}, {"kind": "\0"},
    {"score": "1"},
])  # fmt: skip
def test_a_cursor_of_somebodys_own_making_is_refused(change):
    place = search.Place(AT_MS, 1.0, new_id(), "chat", new_id(), 0)
    raw = search.msgspec.json.encode(
        {name: getattr(place, name) for name in place.__struct_fields__} | change
    )
    cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    if change:
        with pytest.raises(InvalidInputError, match="next"):
            search._place(cursor)
    else:
        assert search._place(cursor) == place
    for cursor in ("", "é", "a", "bnVsbA", "//"):
        with pytest.raises(InvalidInputError, match="next"):
            search._place(cursor)
