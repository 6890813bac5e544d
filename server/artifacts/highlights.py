"""Highlights: the moments at which many people did the same at once. Pure.

Counted are people, not events: whoever says "lost" ten times is one. Reactions are not among them,
because they are not kept: nobody's applause is on record.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload
from server.artifacts.history import Happened, History

WINDOW_MS = 60_000
"""How long a moment is."""
LEAD_MS = 10_000
"""A highlight begins this long before the first of them: what they answer to is what counts."""
APART_MS = 120_000
"""Two highlights are at least this far apart; the greater of one kind, else the graver, stays."""
MOST = 20
_STEP_MS = 30_000


class Highlight(NamedTuple):
    """A moment, and the sequence of the first event that it comes from."""

    source: int
    payload: ArtifactPayload


class Signal(NamedTuple):
    """What many people may do at once: how many make a moment, and what it is called."""

    title: str
    least: int


LOST = Signal("Many were lost here", 3)
VOTES = Signal("Many had the same question", 3)
HANDS = Signal("Many raised their hands", 3)
CHAT = Signal("Much was written here", 5)
SIGNALS = (LOST, VOTES, HANDS, CHAT)
"""The gravest first."""


class _Peak(NamedTuple):
    people: int
    first: Happened
    last: Happened


def highlights(history: History, chosen: Sequence[int]) -> list[Highlight]:
    """Return the highlights in order; none is near a moment in ``chosen``, which people marked."""
    acts: dict[Signal, list[Happened]] = {}
    for each in history.events:
        signal = _signal(each.event)
        if signal is not None and each.by is not None and each.sequence > history.started:
            acts.setdefault(signal, []).append(each)
    taken = list(chosen)
    kept: list[tuple[Signal, _Peak]] = []
    for signal in SIGNALS:
        for peak in _peaks(acts.get(signal, ()), signal.least, history.length_ms):
            moment = peak.first.at_ms
            if len(kept) < MOST and all(abs(moment - other) >= APART_MS for other in taken):
                taken.append(moment)
                kept.append((signal, peak))
    return [
        Highlight(
            peak.first.sequence,
            ArtifactPayload(
                title=signal.title,
                start_ms=max(0, peak.first.at_ms - LEAD_MS),
                end_ms=peak.last.at_ms,
            ),
        )
        for signal, peak in sorted(kept, key=lambda each: each[1].first.sequence)
    ]


def _signal(event: ev.AnyEvent) -> Signal | None:
    match event:
        case ev.FeedbackMarked(kind="lost"):
            return LOST
        case ev.QuestionAsked() | ev.QuestionUpvoted():
            return VOTES
        case ev.HandRaised():
            return HANDS
        case ev.ChatPosted(to="everyone"):
            return CHAT
        case _:
            return None


def _peaks(acts: Sequence[Happened], least: int, length_ms: int) -> Iterable[_Peak]:
    """Return the windows in which far more people acted than usual, the greatest first.

    What is usual is the median over the whole class, and its spread the median deviation: neither
    is moved by the peaks themselves.
    """
    windows = list(_windows(acts))
    usual = _usual(windows, length_ms)
    centre = median(usual)
    spread = median(abs(count - centre) for count in usual)
    threshold = max(least, 2 * centre, centre + 3 * spread)
    high = (each for each in windows if each.people >= threshold)
    return sorted(high, key=lambda peak: (-peak.people, peak.first.sequence))


def _windows(acts: Sequence[Happened]) -> Iterable[_Peak]:
    """Yield, for each act, how many people acted in the window that ends with it."""
    people: Counter[str | None] = Counter()
    oldest = 0
    for act in acts:
        people[act.by] += 1
        while act.at_ms - acts[oldest].at_ms >= WINDOW_MS:
            people[acts[oldest].by] -= 1
            if not people[acts[oldest].by]:
                del people[acts[oldest].by]
            oldest += 1
        yield _Peak(len(people), acts[oldest], act)


def _usual(windows: Sequence[_Peak], length_ms: int) -> list[int]:
    """Return how many people acted in the window before each half minute of the class."""
    counts = []
    at = 0
    for moment in range(0, length_ms + _STEP_MS, _STEP_MS):
        while at < len(windows) and windows[at].last.at_ms <= moment:
            at += 1
        recent = at > 0 and moment - windows[at - 1].last.at_ms < WINDOW_MS
        counts.append(windows[at - 1].people if recent else 0)
    return counts
