"""Golden vectors: what every client of this protocol must do, as JSON beside this module.

``fold.json``     (state, events, state') for each event type, in a view that sees it
``trim.json``     what the fold forgets, and when
``client.json``   conversations: what the server says, what the client sends, where it then stands

They are computed from the Python types (``python -m protocol.vectors`` writes them anew), read by
the tests of both languages, and meant for whoever writes another client.
"""

from collections.abc import Mapping
from typing import Any

from protocol.vectors.conversations import conversations
from protocol.vectors.folding import folds, trims


def vectors() -> Mapping[str, list[Any]]:
    """Return the content of each file by its name, as JSON values."""
    return {"fold.json": folds(), "trim.json": trims(), "client.json": conversations()}
