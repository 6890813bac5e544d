"""What can be searched for: ``findable``, one row for each thing that a hit can point to.

Students find what their view of the event shows (:func:`server.classroom.view.view`), and what is
their own; staff find all of it. A removed message keeps its row, for who may restore it, without
words to find it by. Slides come from elsewhere (``asset_pages``), for no event carries their text;
when each was shown first is known from here.
"""

from collections.abc import Sequence
from typing import TypeAlias

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload, ArtifactType
from server.classroom.view import view

from .search import dictionary
from .statement import Occasion, Statement

_Part: TypeAlias = tuple[int, int | None, str]
"""Ordinal, ``start_ms`` and text."""

_ADDED = """
INSERT INTO findable (tenant_id, session_id, kind, source_id, author_id, is_public, at,
    dictionary, ordinal, start_ms, text, words)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, part.*, to_tsvector($8::text::regconfig, part.text)
FROM unnest($9::bigint[], $10::bigint[], $11::text[]) AS part (ordinal, start_ms, text)"""
# A reference to what is not there changes nothing.
_KNOWN = """
 WHERE EXISTS (SELECT FROM {} known WHERE known.session_id = $2 AND known.id = $4)"""
_ADDED_OF_ARTIFACT = _ADDED + _KNOWN.format("artifacts")
_ADDED_OF_QUESTION = _ADDED + _KNOWN.format("questions")
_CHANGED = """
UPDATE findable SET start_ms = $5, text = $6, dictionary = $4,
    words = to_tsvector($4::text::regconfig, $6)
WHERE session_id = $1 AND kind = $2 AND source_id = $3"""
_HIDDEN = """
UPDATE findable SET words = NULL WHERE session_id = $1 AND kind = 'chat' AND source_id = $2"""
_RESTORED = """
UPDATE findable SET words = to_tsvector(dictionary::regconfig, text)
WHERE session_id = $1 AND kind = 'chat' AND source_id = $2"""
_SHOWN = """
UPDATE findable SET start_ms = floor(extract(epoch FROM
    greatest($4::timestamptz - sessions.started_at, interval '0')) * 1000)
FROM sessions WHERE sessions.id = $1 AND session_id = $1 AND kind = 'slide' AND source_id = $2
    AND ordinal = $3 AND start_ms IS NULL"""
_REMOVED = "DELETE FROM findable WHERE session_id = $1 AND kind = $2 AND source_id = $3"


def find(event: ev.AnyEvent, on: Occasion) -> tuple[Statement, ...]:
    """Return what ``event`` changes in what is found."""
    match event:
        case ev.ChatPosted(message=message, text=text):
            return (_added("chat", message, event, on, [(0, None, text)]),)
        case ev.ChatRemoved(message=message):
            return ((_HIDDEN, (on.session, message)),)
        case ev.ChatRestored(message=message):
            return ((_RESTORED, (on.session, message)),)
        case ev.QuestionAsked(question=question, prompt=prompt):
            return (_added("question", question, event, on, [(0, None, prompt)]),)
        case ev.QuestionAnswered(question=question, text=text):
            answer = () if text is None else ((0, None, text),)
            return (
                (_REMOVED, (on.session, "answer", question)),
                _added("answer", question, event, on, answer, _ADDED_OF_QUESTION),
            )
        case ev.QuestionDismissed(question=question) | ev.QuestionReopened(question=question):
            return ((_REMOVED, (on.session, "answer", question)),)
        case ev.CaptionAdded():
            spoken = on._replace(dictionary=dictionary(event.language))
            part = (on.sequence, event.start_ms, event.text)
            return (_added("caption", on.session, event, spoken, [part]),)
        case ev.ChapterMarked(artifact=artifact, title=title, start_ms=start_ms):
            return (_added("chapter", artifact, event, on, [(0, start_ms, title)]),)
        case ev.HighlightMarked(artifact=artifact, title=highlight, start_ms=start_ms):
            return (_added("highlight", artifact, event, on, [(0, start_ms, highlight or "")]),)
        case ev.NoteAdded(artifact=artifact, text=text, start_ms=start_ms):
            return (_added("note", artifact, event, on, [(0, start_ms, text)]),)
        case ev.ArtifactCreated(artifact=artifact, artifact_type=kind, payload=payload):
            return (
                _added(kind, artifact, event, _in_words_of(payload, on), _parts(kind, payload)),
            )
        case ev.ArtifactEdited(artifact=artifact, artifact_type="transcript", payload=payload):
            parts = _parts("transcript", payload)
            words = _in_words_of(payload, on)
            return (
                (_REMOVED, (on.session, "transcript", artifact)),
                _added("transcript", artifact, event, words, parts, _ADDED_OF_ARTIFACT),
            )
        case ev.ArtifactEdited(artifact=artifact, artifact_type=kind, payload=payload):
            words = _in_words_of(payload, on)
            return tuple(
                (_CHANGED, (on.session, kind, artifact, words.dictionary, start_ms, text))
                for _, start_ms, text in _parts(kind, payload)
            )
        case ev.ArtifactRemoved(artifact=artifact, artifact_type=kind):
            return ((_REMOVED, (on.session, kind, artifact)),)
        case ev.AssetShown(asset=asset, page=page):
            return ((_SHOWN, (on.session, asset, page, on.at_ms)),)
        case _:
            return ()


def _added(
    kind: str,
    source: str,
    event: ev.AnyEvent,
    on: Occasion,
    parts: Sequence[_Part],
    sql: str = _ADDED,
) -> Statement:
    is_public = view(event, "student") != "hidden"
    ordinals, starts, texts = ([part[place] for part in parts] for place in range(3))
    return sql, (
        on.tenant, on.session, kind, source, on.by, is_public, on.at_ms, on.dictionary,
        ordinals, starts, texts,
    )  # fmt: skip


def _parts(kind: ArtifactType, payload: ArtifactPayload) -> list[_Part]:
    if kind == "transcript":
        return [
            (number, segment.start_ms, segment.text)
            for number, segment in enumerate(payload.segments)
        ]
    text = "\n".join(each for each in (payload.title, payload.text) if each is not None)
    return [(0, payload.start_ms, text)]


def _in_words_of(payload: ArtifactPayload, on: Occasion) -> Occasion:
    return on if payload.language is None else on._replace(dictionary=dictionary(payload.language))
