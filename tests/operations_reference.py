"""The generated tables of ``docs/operations/``: ``make spec`` writes them anew from the code."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client.metrics import MetricWrapperBase

from server.config import settings_table
from server.media import metrics as media_metrics
from server.ops import metrics, scrape

FOLDER = Path(__file__).parents[1] / "docs" / "operations"


class Shown(NamedTuple):
    """A metric, as operators see it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str

    @property
    def samples(self) -> set[str]:
        """The names that queries use."""
        if self.kind != "histogram":
            return {self.name}
        return {f"{self.name}_{part}" for part in ("bucket", "sum", "count")}


def shown_metrics() -> Iterator[Shown]:
    """Yield every metric of ours, in the order of its declaration."""
    for module in (metrics, media_metrics):
        for each in vars(module).values():
            if isinstance(each, MetricWrapperBase):
                (family,) = each.describe()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield Shown(name, family.type, each._labelnames, family.documentation)
    yield Shown(scrape.WORKERS, "gauge", ("state",), scrape.WORKERS_TEXT)


def metrics_table() -> str:
    """Return every metric as a Markdown table."""
    rows = [
        f"| `{each.name}` | {each.kind} | {' '.join(f'`{name}`' for name in each.labels)} "
        f"| {each.text} |"
        for each in shown_metrics()
    ]
    return "\n".join(["| metric | | labels | |", "|---|---|---|---|", *rows, ""])


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("settings.md", lambda: settings_table("md")),
    "metrics": ("monitoring.md", metrics_table),
}


def refreshed(page: str, name: str) -> str:
    """Return ``page`` with the table ``name`` as it should be today."""
    table = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return table.sub(lambda found: f"{found[1]}{TABLES[name][1]()}{found[2]}", page)


def main() -> int:
    """Write the tables anew."""
    for name, (file, _) in TABLES.items():
        page = (FOLDER / file).read_text(encoding="utf-8")
        (FOLDER / file).write_text(refreshed(page, name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
