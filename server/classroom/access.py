"""Who may do what, and when: one table, operation × role × status.

Session-scoped grants (``session_participants.permissions``) will be applied on top of it.
"""

from typing import NamedTuple

from protocol.errors import Refusal
from protocol.ids import STAFF, Role
from server.classroom.state import Actor, Classroom

TEACHER: frozenset[str] = frozenset(("teacher", "admin"))
ANY: frozenset[str] = STAFF | {"student"}

_RANK: dict[str, int] = {"student": 0, "assistant": 1, "teacher": 2, "admin": 3}


class Rule(NamedTuple):
    """Who may, in which statuses, and how to name it when saying no."""

    roles: frozenset[str]
    does: str
    in_status: frozenset[str] = frozenset(("scheduled", "live"))
    """Before the class starts only staff act, whatever the rule."""


_LIVE = frozenset(("live",))

RULES: dict[str, Rule] = {
    "session.start": Rule(TEACHER, "start the class"),
    "session.end": Rule(TEACHER, "end the class", _LIVE),
    "participant.remove": Rule(STAFF, "remove somebody"),
    "hand.raise": Rule(ANY, "raise a hand", _LIVE),
    "hand.lower": Rule(ANY, "lower a hand", _LIVE),
    "hand.lower_all": Rule(STAFF, "lower all hands", _LIVE),
    "chat.post": Rule(ANY, "write in the chat"),
    "question.ask": Rule(ANY, "ask a question", _LIVE),
    "question.upvote": Rule(ANY, "vote for a question", _LIVE),
    "question.unvote": Rule(ANY, "take a vote back", _LIVE),
    "question.answer": Rule(STAFF, "answer a question", _LIVE),
    "poll.open": Rule(STAFF, "open a poll", _LIVE),
    "poll.vote": Rule(ANY, "vote", _LIVE),
    "poll.close": Rule(STAFF, "close a poll", _LIVE),
    "poll.publish": Rule(STAFF, "publish a poll", _LIVE),
    "scene.create": Rule(STAFF, "create a scene"),
    "scene.switch": Rule(STAFF, "switch the scene"),
    "destination.enable": Rule(TEACHER, "stream to a destination"),
    "destination.disable": Rule(TEACHER, "stop a destination"),
    "recording.start": Rule(TEACHER, "record", _LIVE),
    "recording.stop": Rule(TEACHER, "stop the recording", _LIVE),
}


def check(state: Classroom, who: Actor, op: str) -> None:
    """Do nothing if ``who`` may do ``op`` now.

    Raises:
        Refusal: ``forbidden``, ``session_ended``, or ``conflict`` before the start.

    """
    member = state.people.get(who.user)
    if member is not None and member.removed:
        # A command that was under way while its author was removed.
        raise Refusal("forbidden", "You were removed from this class.")
    rule = RULES[op]
    if who.role not in rule.roles:
        group = "a teacher" if rule.roles == TEACHER else "staff"
        raise Refusal("forbidden", f"Only {group} may {rule.does}.")
    if state.status in ("ended", "archived"):
        raise Refusal("session_ended", "The class is over.")
    if state.status not in rule.in_status or (
        state.status == "scheduled" and who.role not in STAFF
    ):
        raise Refusal("conflict", "The class has not started yet.")


def check_outranks(state: Classroom, who: Actor, user: str) -> None:
    """Do nothing if ``who`` may act on ``user``: nobody acts on an equal or a superior.

    Raises:
        Refusal: ``not_found`` if ``user`` never came, or ``forbidden``.

    """
    member = state.people.get(user)
    if member is None or member.removed:
        raise Refusal("not_found", "There is no such person in this class.", field="user")
    if _RANK[who.role] <= _RANK[member.role]:
        raise Refusal("forbidden", "You may not do this to a person of your rank or above.")


def grants(role: Role) -> tuple[str, ...]:
    """Return the operations that ``role`` may ask for, in the order of their names."""
    return tuple(sorted(op for op, rule in RULES.items() if role in rule.roles))
