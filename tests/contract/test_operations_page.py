"""``docs/operations/`` names every setting, as it is."""

from msgspec.structs import fields

from server.config import Settings, variable
from tests import operations_reference

PAGE = operations_reference.PAGE.read_text(encoding="utf-8")


def test_the_table_of_settings_is_fresh() -> None:
    assert operations_reference.refreshed(PAGE) == PAGE, "stale: run make spec, look, commit"


def test_every_setting_has_a_row() -> None:
    for field in fields(Settings):
        assert f"\n| `{variable(field.name)}` |" in PAGE
