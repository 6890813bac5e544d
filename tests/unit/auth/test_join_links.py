import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.auth.join_links import JoinLinks
from server.ids import new_id
from server.secrets.secret import Secret

LINKS = JoinLinks(Secret("a secret of thirty-two bytes or so, for tests"))


def test_a_code_is_the_same_each_time_and_names_its_link() -> None:
    id, other = new_id(), new_id()
    assert LINKS.code(id) == LINKS.code(id) != LINKS.code(other)
    assert LINKS.read(LINKS.code(id)) == id


@given(st.uuids(), st.integers(0, 41), st.sampled_from("Az09-_"))
def test_another_character_is_another_code(id, place, other) -> None:
    # All but the last character: of that one, two bits say nothing.
    code = LINKS.code(str(id))
    start = len(code) - 43 + place
    changed = code[:start] + other + code[start + 1 :]
    assert (LINKS.read(changed) is None) == (changed != code)


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text[:-1], lambda text: text + "\n", lambda text: text + "A"]
)
def test_what_is_written_otherwise_is_none(change) -> None:
    assert LINKS.read(change(LINKS.code(new_id()))) is None


def test_another_installation_s_codes_are_none() -> None:
    foreign = JoinLinks(Secret("another secret of thirty-two bytes or more"))
    assert LINKS.read(foreign.code(new_id())) is None
