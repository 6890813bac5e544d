"""Chapters: the table of contents that a class writes by itself. Pure.

A chapter begins where the class starts, where a page of slides, a board or media comes on the
stage and stays, where a poll opens and where a question is presented. Those that people marked or
edited win over these, and whatever lies too near to another gives way: a question or poll before a
page.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload
from server.artifacts.history import History
from server.classroom.erasure import TEXT as ERASED

SHORTEST_MS = 20_000
"""Two chapters are at least this far apart, and a page that was shown for less makes none."""
MOST = 60
"""Of a class with more, those that stand furthest apart are kept."""
_TITLE = 200


class Chapter(NamedTuple):
    """A chapter, and the sequence of the event that it comes from."""

    source: int
    payload: ArtifactPayload


class _Candidate(NamedTuple):
    rank: int
    start_ms: int
    source: int
    title: str


def chapters(history: History, title: str, chosen: Sequence[int]) -> list[Chapter]:
    """Return the chapters in order; ``title`` is that of the class, and of its first.

    None is near a moment in ``chosen``: there people have put one themselves.
    """
    candidates = [
        _Candidate(0, 0, history.started, title),
        *_spoken(history),
        *_shown(history),
    ]
    distance = SHORTEST_MS
    kept = _thinned(candidates, chosen, distance)
    while len(kept) > MOST:
        distance = distance * 5 // 4
        kept = _thinned(candidates, chosen, distance)
    return [
        Chapter(each.source, ArtifactPayload(title=each.title, start_ms=each.start_ms))
        for each in sorted(kept, key=lambda each: each.start_ms)
    ]


def _thinned(
    candidates: Iterable[_Candidate], chosen: Sequence[int], distance: int
) -> list[_Candidate]:
    kept: list[_Candidate] = []
    taken = list(chosen)
    for each in sorted(candidates):
        if each.title not in ("", ERASED) and all(
            abs(each.start_ms - other) >= distance for other in taken
        ):
            kept.append(each)
            taken.append(each.start_ms)
    return kept


def _spoken(history: History) -> Iterable[_Candidate]:
    """Yield polls, and questions on the stage, by what they ask."""
    prompts: dict[str, str] = {}
    for sequence, event, at_ms, _ in history.events:
        match event:
            case ev.QuestionAsked():
                prompts[event.question] = event.prompt
            case ev.QuestionPresented():
                yield _Candidate(1, at_ms, sequence, _short(prompts.get(event.question, "")))
            case ev.PollOpened():
                yield _Candidate(1, at_ms, sequence, _short(event.prompt))
            case _:
                pass


def _shown(history: History) -> Iterable[_Candidate]:
    """Yield the pages that stayed on the stage."""
    assets: dict[str, ev.AssetAdded] = {}
    page: _Candidate | None = None
    following: _Candidate | None
    for sequence, event, at_ms, _ in history.events:
        match event:
            case ev.AssetAdded():
                assets[event.asset] = event
                continue
            case ev.AssetShown():
                following = _Candidate(
                    2, at_ms, sequence, _page_title(assets.get(event.asset), event)
                )
            case ev.AssetHidden() | ev.AssetRemoved():
                following = None
            case _:
                continue
        if page is not None and at_ms - page.start_ms >= SHORTEST_MS:
            yield page
        page = following
    if page is not None and history.length_ms - page.start_ms >= SHORTEST_MS:
        yield page


def _page_title(asset: ev.AssetAdded | None, shown: ev.AssetShown) -> str:
    if asset is None or asset.name == ERASED:
        return ""
    if asset.pages is None or asset.pages == 1:
        return _short(asset.name)
    number = f" · {shown.page}"
    return _short(asset.name, _TITLE - len(number)) + number


def _short(text: str, most: int = _TITLE) -> str:
    """Return ``text`` on one line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
