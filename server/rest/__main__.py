"""Write the description of the REST interface: ``python -m server.rest``.

``openapi.json`` beside this module is for machines, ``docs/api.md`` for people.
"""

import json
from pathlib import Path
from typing import get_args

from protocol.rest import ProblemCode
from server.rest.openapi import MEANINGS, document
from server.rest.problems import STATUS
from server.rest.reference import markdown
from server.rest.routes import ROUTES

OPENAPI = Path(__file__).with_name("openapi.json")
PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def files() -> dict[Path, str]:
    """Return what each file has to hold."""
    described = document(ROUTES)
    codes = [code for part in get_args(ProblemCode) for code in get_args(part)]
    rows = [(code, STATUS[code], MEANINGS[code]) for code in codes]
    return {
        OPENAPI: json.dumps(described, ensure_ascii=False, indent=1) + "\n",
        PAGE: markdown(described, rows),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
