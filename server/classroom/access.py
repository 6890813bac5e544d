"""Who may do what, and when: one table, operation × role × status.

What a person was granted or forbidden in this class (``session_participants.permissions``) wins
over what the table says of their role; it never changes when something may be done.
"""

from collections.abc import Mapping
from typing import NamedTuple

from protocol.errors import Refusal
from protocol.ids import STAFF, Role
from server.classroom.state import Actor, Classroom, Member

TEACHER: frozenset[str] = frozenset(("teacher", "admin"))
ANY: frozenset[str] = STAFF | {"student"}

RANK: Mapping[Role, int] = {"student": 0, "assistant": 1, "teacher": 2, "admin": 3}


class Rule(NamedTuple):
    """Who may, in which statuses, and how to name it when saying no.

    Before the start and after the end only staff act, whatever the rule; with ``may_precede``
    students do before the start, too, if the class is so configured. What ``speaks`` is refused
    to who is muted.
    """

    roles: frozenset[str]
    does: str
    in_status: frozenset[str] = frozenset(("scheduled", "live"))
    speaks: bool = False
    may_precede: bool = False


_LIVE = frozenset(("live",))
_KEPT = frozenset(("live", "ended"))
_ENDED = frozenset(("ended",))

RULES: dict[str, Rule] = {
    "session.start": Rule(TEACHER, "start the class"),
    "session.end": Rule(TEACHER, "end the class", _LIVE),
    "session.archive": Rule(TEACHER, "archive the class", _ENDED),
    "session.lock": Rule(STAFF, "lock the class"),
    "session.unlock": Rule(STAFF, "unlock the class"),
    "participant.admit": Rule(STAFF, "let somebody in"),
    "participant.deny": Rule(STAFF, "turn somebody away"),
    "participant.remove": Rule(STAFF, "remove somebody"),
    "participant.ban": Rule(STAFF, "ban somebody"),
    "participant.unban": Rule(STAFF, "lift a ban"),
    "participant.mute": Rule(STAFF, "mute somebody"),
    "participant.unmute": Rule(STAFF, "unmute somebody"),
    "participant.set_role": Rule(TEACHER, "give roles"),
    "participant.set_grants": Rule(STAFF, "give grants"),
    "hand.raise": Rule(ANY, "raise a hand", _LIVE),
    "hand.lower": Rule(ANY, "lower a hand", _LIVE),
    "hand.lower_all": Rule(STAFF, "lower all hands", _LIVE),
    "chat.post": Rule(ANY, "write in the chat", speaks=True, may_precede=True),
    "chat.remove": Rule(ANY, "remove a message", may_precede=True),
    "chat.restore": Rule(STAFF, "restore a message"),
    "chat.pin": Rule(STAFF, "pin a message"),
    "chat.unpin": Rule(STAFF, "unpin a message"),
    "chat.configure": Rule(STAFF, "configure the chat"),
    "question.ask": Rule(ANY, "ask a question", _LIVE, speaks=True),
    "question.upvote": Rule(ANY, "vote for a question", _LIVE),
    "question.unvote": Rule(ANY, "take a vote back", _LIVE),
    "question.present": Rule(STAFF, "present a question", _LIVE),
    "question.answer": Rule(STAFF, "answer a question", _LIVE),
    "question.dismiss": Rule(STAFF, "dismiss a question", _LIVE),
    "question.reopen": Rule(STAFF, "reopen a question", _LIVE),
    "poll.open": Rule(STAFF, "open a poll", _LIVE),
    "poll.vote": Rule(ANY, "vote", _LIVE),
    "poll.close": Rule(STAFF, "close a poll", _LIVE),
    "poll.publish": Rule(STAFF, "publish a poll", _LIVE),
    "scene.create": Rule(STAFF, "create a scene"),
    "scene.update": Rule(STAFF, "change a scene"),
    "scene.remove": Rule(STAFF, "remove a scene"),
    "scene.switch": Rule(STAFF, "switch the scene"),
    "asset.add": Rule(STAFF, "add an asset"),
    "asset.remove": Rule(STAFF, "remove an asset"),
    "asset.show": Rule(STAFF, "show an asset"),
    "asset.hide": Rule(STAFF, "hide an asset"),
    "board.draw": Rule(STAFF, "draw"),
    "board.undo": Rule(STAFF, "take a stroke back"),
    "board.clear": Rule(STAFF, "wipe a board"),
    "feedback.mark": Rule(ANY, "say how they follow", _LIVE),
    "caption.add": Rule(STAFF, "add captions", _LIVE),
    "chapter.mark": Rule(STAFF, "mark a chapter", _KEPT),
    "highlight.mark": Rule(STAFF, "mark a highlight", _KEPT),
    "note.add": Rule(ANY, "take a note", _KEPT),
    "destination.enable": Rule(TEACHER, "stream to a destination"),
    "destination.disable": Rule(TEACHER, "stop a destination"),
    "destination.retry": Rule(TEACHER, "retry a destination"),
    "recording.start": Rule(TEACHER, "record", _LIVE),
    "recording.stop": Rule(TEACHER, "stop the recording", _LIVE),
    "artifact.add": Rule(STAFF, "add an artifact", _KEPT),
    "artifact.edit": Rule(STAFF, "edit an artifact", _KEPT),
    "artifact.remove": Rule(STAFF, "remove an artifact", _KEPT),
    "replay.schedule": Rule(TEACHER, "schedule the replay", _ENDED),
    "replay.publish": Rule(TEACHER, "publish the replay", _ENDED),
    "replay.unpublish": Rule(TEACHER, "take the replay back", _ENDED),
}

# Asked for with each welcome and each vote.
_BY_ROLE: dict[Role, tuple[str, ...]] = {
    role: tuple(op for op in sorted(RULES) if role in RULES[op].roles) for role in RANK
}

_OUT = {
    "denied": "You were not let into this class.",
    "removed": "You were removed from this class.",
    "banned": "You were banned from this class.",
}


def check(state: Classroom, who: Actor, op: str, at: str) -> None:
    """Do nothing if ``who`` may do ``op`` at the time ``at``.

    Raises:
        Refusal: ``forbidden``, ``session_ended``, ``muted``, or ``conflict`` at a wrong time.

    """
    member = state.people.get(who.user)
    if member is not None and member.is_out:
        raise Refusal("forbidden", _OUT[member.status])
    if must_wait(state, who):
        raise Refusal("forbidden", "You are waiting to be let in.")
    rule = RULES[op]
    if not _allows(member, who.role, op):
        if who.role in rule.roles:
            raise Refusal("forbidden", f"You may not {rule.does} in this class.")
        group = "a teacher" if rule.roles == TEACHER else "staff"
        raise Refusal("forbidden", f"Only {group} may {rule.does}.")
    _check_time(state, who.role, rule)
    if rule.speaks and member is not None and is_muted(member, at):
        raise Refusal("muted", "You are muted.")


def _check_time(state: Classroom, role: Role, rule: Rule) -> None:
    is_staff = role in STAFF
    if state.status == "archived" or (
        state.status == "ended" and not (is_staff and "ended" in rule.in_status)
    ):
        raise Refusal("session_ended", "The class is over.")
    if state.status not in rule.in_status:
        is_over = rule.in_status == _ENDED
        text = "The class is not over yet." if is_over else "The class has not started yet."
        raise Refusal("conflict", text)
    may_precede = is_staff or (rule.may_precede and state.chat.before_start)
    if state.status == "scheduled" and not may_precede:
        raise Refusal("conflict", "The class has not started yet.")


def must_wait(state: Classroom, who: Actor) -> bool:
    """Say whether ``who`` waits in the lobby, or would: a newcomer to a locked class does."""
    member = state.people.get(who.user)
    if member is not None:
        return member.status == "waiting"
    return state.locked and who.role not in STAFF


def is_muted(member: Member, at: str) -> bool:
    """Say whether the word is taken from ``member`` at the time ``at``."""
    return member.is_muted and (member.muted_until is None or at < member.muted_until)


def check_outranks(state: Classroom, who: Actor, user: str) -> Member:
    """Return who ``user`` is: nobody acts on an equal or a superior.

    Raises:
        Refusal: ``not_found`` if ``user`` never came, or ``forbidden``.

    """
    member = state.people.get(user)
    if member is None:
        raise Refusal("not_found", "There is no such person in this class.", field="user")
    if RANK[who.role] <= RANK[member.role]:
        raise Refusal("forbidden", "You may not do this to a person of your rank or above.")
    return member


def grants(state: Classroom, user: str, role: Role) -> tuple[str, ...]:
    """Return the operations that a person may ask for, in the order of their names."""
    member = state.people.get(user)
    if member is not None and member.status != "admitted":
        return ()
    if member is None or not member.grants:
        return _BY_ROLE[role]
    return tuple(op for op in sorted(RULES) if _allows(member, role, op))


def _allows(member: Member | None, role: Role, op: str) -> bool:
    by_role = role in RULES[op].roles
    return by_role if member is None else member.grants.get(op, by_role)
