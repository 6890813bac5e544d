"""What a person's erasure takes out of the log: the one table of whose words are where.

What a person wrote goes, and what names them; ids, numbers, choices, moments and the places of
files stay, because other events depend on them. A mark takes the place of words, so that the
event is still one of its type. An event that repeats what the person wrote in a message, a scene
or an artifact loses it too, whoever it is by.

Erased events keep their marks for ever: add marks here, never change one.

- A poll, a scene or an artifact is the material of the class, but its words are its author's:
  they go, and the number of options stays, so that votes still refer to something.
- A vote holds no words. Its ``by`` is part of the chain and stays; the user's row that it points
  to says nothing any more.
- What others wrote *about* the person (an answer, a note) is not theirs; a reason for their removal
  is about them alone, and goes.
- A transcript that was made by itself goes whole if the person said some of it, also as others
  corrected it; so do chapters, if a title may be theirs. They are made anew of what is left.
- A stroke is handwriting: it shrinks to a dot.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from protocol.events import EVENTS

NAME: Final = "Erased person"
TEXT: Final = "…"
POINTS: Final = [0, 0]

Payload: TypeAlias = dict[str, Any]
_Mark: TypeAlias = str | list[int]


class Words(NamedTuple):
    """Where an event has words, and whose they are.

    ``marks`` says what takes the place of each field; a path leads through objects and lists.
    The words are those of ``by``, of the person in ``user``, or of who wrote what ``thing`` names.
    """

    marks: Mapping[str, _Mark]
    of_author: bool = False
    of_subject: bool = False
    thing: str | None = None


_SCENE: Final = {"name": TEXT, "layout.items.text": TEXT}
_ARTIFACT: Final = {"payload.title": TEXT, "payload.text": TEXT, "payload.segments.text": TEXT}

WORDS: Final[dict[str, Words]] = {
    "participant.joined": Words({"name": NAME}, of_subject=True),
    "participant.waiting": Words({"name": NAME}, of_subject=True),
    "participant.removed": Words({"reason": TEXT}, of_author=True, of_subject=True),
    "participant.banned": Words({"reason": TEXT}, of_author=True, of_subject=True),
    "hand.raised": Words({"name": NAME}, of_subject=True),
    "chat.posted": Words({"name": NAME, "text": TEXT}, of_author=True, thing="message"),
    "chat.restored": Words({"text": TEXT}, thing="message"),
    "chat.pinned": Words({"name": NAME, "text": TEXT}, thing="message"),
    "question.asked": Words({"name": NAME, "prompt": TEXT}, of_author=True),
    "question.answered": Words({"text": TEXT}, of_author=True),
    "poll.opened": Words({"prompt": TEXT, "options": TEXT}, of_author=True),
    "scene.created": Words(_SCENE, of_author=True, thing="scene"),
    "scene.updated": Words(_SCENE, of_author=True, thing="scene"),
    "asset.added": Words({"name": TEXT}, of_author=True),
    "board.drawn": Words({"stroke.points": POINTS}, of_author=True),
    "caption.added": Words({"text": TEXT}, of_author=True),
    "chapter.marked": Words({"title": TEXT}, of_author=True, thing="artifact"),
    "highlight.marked": Words({"title": TEXT}, of_author=True, thing="artifact"),
    "note.added": Words({"name": NAME, "text": TEXT}, of_author=True, thing="artifact"),
    "artifact.created": Words(_ARTIFACT, of_author=True, thing="artifact"),
    "artifact.edited": Words(_ARTIFACT, of_author=True, thing="artifact"),
}
"""Every event type that holds words of a person."""

REPEATING: Final = frozenset(kind for kind, words in WORDS.items() if words.thing is not None)
"""Event types that may hold words of somebody they neither are by nor speak of."""


_MADE_OF: Final[Mapping[str, frozenset[str]]] = {
    "transcript": frozenset(("caption.added",)),
    "chapter": frozenset(("question.asked", "poll.opened", "asset.added")),
}
"""Whose words the artifacts that nobody made are made of."""


class Scrubber:
    """Take one person's words out of one session's events, given in the order of the log."""

    def __init__(self, user: str) -> None:
        self._user = user
        self._things: set[str] = set()
        self._said: set[str] = set()

    def scrub(self, kind: str, by: str | None, payload: Payload) -> Payload | None:
        """Return what is left of an event, or None if it holds no words of the person.

        It is of the same version as ``payload``: the log keeps what it was written in.
        """
        words = WORDS.get(kind)
        if words is None:
            return None
        is_theirs = (words.of_author and by == self._user) or (
            words.of_subject and payload.get("user") == self._user
        )
        if by == self._user:
            self._said.add(kind)
        thing = None if words.thing is None else payload.get(words.thing)
        made_as = payload.get("artifact_type", "") if by is None else ""
        holds_theirs = not self._said.isdisjoint(_MADE_OF.get(made_as, ()))
        if thing is not None and (is_theirs or (holds_theirs and made_as == "transcript")):
            self._things.add(thing)
        if not is_theirs and not holds_theirs and thing not in self._things:
            return None
        left = _without(words, payload)
        return None if left == payload else left


def without_words(kind: str, payload: Payload) -> Payload | None:
    """Return what is left of an event without the words of anybody, or None if it holds none."""
    words = WORDS.get(kind)
    left = None if words is None else _without(words, payload)
    return None if left == payload else left


def is_scrubbed(kind: str, payload: Any) -> bool:
    """Say whether an event is one that an erasure leaves: with marks, and no word beside them.

    Of a type that this version does not know nothing is said: True.
    """
    words = WORDS.get(kind)
    if words is None:
        return kind not in EVENTS
    return isinstance(payload, dict) and _without(words, payload) == payload


def _without(words: Words, payload: Payload) -> Payload:
    left: Any = payload
    for path, mark in words.marks.items():
        left = _marked(left, path.split("."), mark)
    return dict(left)


def _marked(value: Any, path: list[str], mark: _Mark) -> Any:
    """Return ``value`` with ``mark`` where ``path`` leads; what is not there stays away."""
    if value is None:
        return None
    if path and isinstance(value, list):
        return [_marked(each, path, mark) for each in value]
    if path and isinstance(value, dict):
        name, *rest = path
        return {**value, name: _marked(value[name], rest, mark)} if name in value else value
    if isinstance(value, list) and isinstance(mark, str):
        return [mark] * len(value)
    return mark
