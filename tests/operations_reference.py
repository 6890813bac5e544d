"""The generated table of ``docs/operations/``: ``make spec`` writes it anew from the settings."""

import re
import sys
from pathlib import Path

from server.config import settings_table

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "settings.md"

_TABLE = re.compile(r"(<!-- table: settings -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """Return ``page`` with the table as it should be today."""
    return _TABLE.sub(lambda found: f"{found[1]}{settings_table('md')}{found[2]}", page)


def main() -> int:
    """Write the table anew."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(refreshed(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
