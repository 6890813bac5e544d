"""Tables to take away, as CSV (RFC 4180) that spreadsheets open without harm."""

import csv
import io
from collections.abc import Iterable

from aiohttp import web

CSV = "text/csv"

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def table(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> web.Response:
    """Return the answer that a browser saves as ``name``.csv; nothing keeps it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return web.Response(
        text=text.getvalue(),
        content_type=CSV,
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def safe(cell: object) -> object:
    """Return ``cell`` so that a spreadsheet shows it: strangers choose names, not formulas."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA) else cell
