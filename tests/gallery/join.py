"""The states of the page that a class's link leads to."""

import base64
import hashlib
import json
from typing import Any

from protocol import codec
from protocol.rest import JoinLinkOpened, Problem
from tests.gallery.answers import NOW_MS
from tests.gallery.states import TEACHER, TITLE, State, session_of

_HOUR_MS = 3_600_000


def code_of(name: str) -> str:
    """Return what looks like the code of a link, and stands for a state."""
    digest = hashlib.sha256(name.encode()).digest()
    return "lcjoin_" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _opened(name: str, **more: Any) -> JoinLinkOpened:
    whole = {
        "session": session_of("join", name), "title": TITLE, "status": "scheduled",
        "scheduled_at": codec.timestamp(NOW_MS + 26 * _HOUR_MS), "host": TEACHER.name,
        "is_full": False,
    }  # fmt: skip
    return JoinLinkOpened(**{**whole, **more})


def _join(name: str, *, was_here: bool = False, rest: Any = None, **more: Any) -> State:
    kept = {
        "code": code_of(name), "session": session_of("join", name), "token": "gallery",
        "name": "Ann Lindqvist", "expires_at": "2100-01-01T00:00:00.000Z",
    }  # fmt: skip
    script = f"localStorage.setItem('liveclass.joined', JSON.stringify([{json.dumps(kept)}]));"
    return State(
        "join",
        name,
        rest={"/join-link": _opened(name, **more), **(rest or {})},
        script=script if was_here else "",
    )


def _refused(name: str, problem: Problem, *, was_here: bool = False) -> State:
    return _join(name, was_here=was_here, rest={"/join-link": problem})


_GONE = Problem("not_found", "Not Found", 404, "This link was revoked: ask for another.")
_CLOSED = Problem("forbidden", "Forbidden", 403, "This school holds no classes at present.")
_BUSY = Problem("rate_limited", "Too Many Requests", 429, "Too many at once; try again.", None, 50)
_AWAY = Problem("unavailable", "Unavailable", 503, "The database cannot be reached just now.")

JOIN: tuple[State, ...] = (
    _join("planned"),
    _join(
        "planned-long",
        title="علم الأحياء – Biology for everybody who wants to know it",
        host="سيرين",
    ),
    _join("late", scheduled_at=codec.timestamp(NOW_MS - _HOUR_MS)),
    _join("no-time", scheduled_at=None, host=None),
    _join("live", status="live"),
    _join("known", was_here=True, status="live"),
    _join("full", is_full=True),
    _join("full-known", was_here=True, is_full=True),
    _join("over", status="ended"),
    _join("over-known", was_here=True, status="ended", rest={"/replay": {"status": "published"}}),
    _refused("gone", _GONE),
    _refused("gone-known", _GONE, was_here=True),
    _refused("closed", _CLOSED),
    _refused("busy", _BUSY),
    _refused("unreachable", _AWAY),
)
"""Each with an answer to who asks what the link leads to."""
BY_CODE = {code_of(state.name): state for state in JOIN}
