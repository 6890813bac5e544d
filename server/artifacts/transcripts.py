"""Transcripts: what was said, from captions or from an uploaded file, in parts. Pure.

A part fits into one frame of a client, so that whoever corrects it can send it back as a whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload, Segment
from server.artifacts.history import History
from server.classroom.erasure import TEXT as ERASED

PART_BYTES = 32 * 1024
PART_SEGMENTS = 500

# A segment is read as a caption too: it is never joined to more than some lines and seconds.
_JOINED_LETTERS = 160
_JOINED_MS = 10_000
_PAUSE_MS = 1_000
_SEGMENT_LETTERS = 500

_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
_CLOSING = "\"')]»”’」』"
_UNSPACED = frozenset(("zh", "yue", "ja", "th", "lo", "km", "my"))
"""Languages that are written without spaces between words."""


class Transcript(NamedTuple):
    """A part of a transcript, and the sequence of the caption with which it begins."""

    source: int
    payload: ArtifactPayload


class _Said(NamedTuple):
    source: int
    segment: Segment


def transcripts(history: History, without: frozenset[str]) -> list[Transcript]:
    """Return the transcript of each language that has captions, but of those in ``without``."""
    spoken: defaultdict[str, list[tuple[int, ev.CaptionAdded]]] = defaultdict(list)
    for sequence, event, _, _ in history.events:
        if isinstance(event, ev.CaptionAdded):
            spoken[event.language.lower()].append((sequence, event))
    return [
        Transcript(part[0].source, _payload(captions[0][1].language, part))
        for language, captions in sorted(spoken.items())
        if language not in without
        for part in _parts(_sentences(_in_order(captions), language))
    ]


def parts(language: str, segments: Iterable[Segment]) -> list[ArtifactPayload]:
    """Return artifacts that together hold ``segments``, which are in order."""
    said = (_Said(0, each) for segment in segments for each in split(segment))
    return [_payload(language, part) for part in _parts(said)]


def split(segment: Segment) -> Iterable[Segment]:
    """Yield ``segment`` in pieces that a segment may be long; time is shared by letters."""
    words, start = segment.text, segment.start_ms
    per_letter = (segment.end_ms - segment.start_ms) / len(words)
    while len(words) > _SEGMENT_LETTERS:
        cut = words.rfind(" ", 1, _SEGMENT_LETTERS + 1)
        piece = words[:cut] if cut > 0 else words[:_SEGMENT_LETTERS]
        end = start + round(len(piece) * per_letter)
        yield Segment(start, end, piece)
        words, start = words[len(piece) :].lstrip(), end
    yield Segment(start, max(start, segment.end_ms), words)


def _payload(language: str, part: Sequence[_Said]) -> ArtifactPayload:
    return ArtifactPayload(language=language, segments=tuple(each.segment for each in part))


def _in_order(captions: Iterable[tuple[int, ev.CaptionAdded]]) -> Iterable[_Said]:
    """Yield captions by their start, none lasting into the next.

    Of several with the same start the last counts: speech recognition corrects itself that way.
    """
    last: dict[int, _Said] = {}
    for sequence, caption in captions:
        text = " ".join(caption.text.split())
        said = _Said(sequence, Segment(caption.start_ms, caption.end_ms, text))
        last[caption.start_ms] = said
    ordered = [
        last[start] for start in sorted(last) if last[start].segment.text not in ("", ERASED)
    ]
    starts = [each.segment.start_ms for each in ordered[1:]]
    for each, following in zip(ordered, (*starts, None), strict=True):
        if following is not None and each.segment.end_ms > following:
            yield each._replace(segment=replace(each.segment, end_ms=following))
        else:
            yield each


def _sentences(said: Iterable[_Said], language: str) -> Iterable[_Said]:
    """Yield what was said with the pieces of a sentence joined, as far as it stays readable."""
    between = "" if language.partition("-")[0] in _UNSPACED else " "
    open_: _Said | None = None
    for each in said:
        joined = None if open_ is None else _joined(open_.segment, each.segment, between)
        if open_ is not None and joined is not None:
            open_ = open_._replace(segment=joined)
            continue
        if open_ is not None:
            yield open_
        open_ = each
    if open_ is not None:
        yield open_


def _joined(one: Segment, other: Segment, between: str) -> Segment | None:
    """Return both as one segment, or None if they are better apart."""
    if one.text.rstrip(_CLOSING).endswith(_ENDS) or other.start_ms - one.end_ms > _PAUSE_MS:
        return None
    text = one.text + between + other.text
    if len(text) > _JOINED_LETTERS or other.end_ms - one.start_ms > _JOINED_MS:
        return None
    return Segment(one.start_ms, other.end_ms, text)


def _parts(said: Iterable[_Said]) -> Iterable[list[_Said]]:
    part: list[_Said] = []
    weight = 0
    for each in said:
        bytes_ = len(msgspec.json.encode(each.segment)) + 1
        if part and (weight + bytes_ > PART_BYTES or len(part) == PART_SEGMENTS):
            yield part
            part, weight = [], 0
        part.append(each)
        weight += bytes_
    if part:
        yield part
