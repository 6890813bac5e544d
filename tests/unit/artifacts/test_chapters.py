import itertools

from protocol import events as ev
from server.artifacts.chapters import MOST, SHORTEST_MS, chapters
from server.artifacts.history import history

from .logs import Log

DECK, BOARD = "deck", "board"


def made(log, chosen=()):
    return [
        (each.payload.start_ms // 1000, each.payload.title, each.source)
        for each in chapters(history(log.events), "Algebra", chosen)
    ]


def test_a_class_writes_its_own_table_of_contents() -> None:
    log = Log()
    log.add(1, ev.AssetAdded(DECK, "slide", "x", "Limits", 9))
    log.add(1, ev.AssetAdded(BOARD, "whiteboard", "x", "Board"))
    first = log.add(60, ev.AssetShown(DECK, 1))
    log.add(100, ev.AssetShown(DECK, 2))  # leafed through
    log.add(110, ev.AssetShown(DECK, 3))
    third = log.add(119, ev.AssetShown(DECK, 4))
    poll = log.add(200, ev.PollOpened("p", "Ready?", ("a", "b"), False, False, "live"))
    log.add(210, ev.AssetShown(BOARD, 1))  # stays, but too near to the poll
    log.add(300, ev.AssetHidden(BOARD))
    log.add(310, ev.QuestionAsked("q", "Ann", "Why\nis x squared?"))
    question = log.add(400, ev.QuestionPresented("q"))
    board = log.add(500, ev.AssetShown(BOARD, 1))
    log.add(590, ev.AssetShown(DECK, 5))  # too near to the end
    log.end(600)
    assert made(log) == [
        (0, "Algebra", 1),
        (60, "Limits · 1", first),
        (119, "Limits · 4", third),
        (200, "Ready?", poll),
        (400, "Why is x squared?", question),
        (500, "Board", board),
    ]


def test_what_people_marked_wins() -> None:
    log = Log()
    log.add(100, ev.PollOpened("p", "Ready?", ("a", "b"), False, False, "live"))
    log.end(600)
    assert made(log, [5_000, 81_000]) == []
    assert [start for start, *_ in made(log, [120_000])] == [0, 100]


def test_there_are_never_too_many_nor_too_near() -> None:
    log = Log()
    log.add(0, ev.AssetAdded(DECK, "slide", "x", "A" * 200, 2000))
    for page in range(1, 500):
        log.add(page * 21, ev.AssetShown(DECK, page))
    log.end(500 * 21)
    found = made(log)
    assert MOST // 2 < len(found) <= MOST
    starts = [start for start, *_ in found]
    assert min(b - a for a, b in itertools.pairwise(starts)) * 1000 > SHORTEST_MS
    assert all(len(title) <= 200 for _, title, _ in found)
    assert found[1][1].endswith("… · 9")


def test_what_was_erased_or_never_there_is_no_title() -> None:
    log = Log()
    log.add(1, ev.QuestionAsked("q", "", ""))
    log.add(100, ev.QuestionPresented("q"))
    log.add(200, ev.QuestionPresented("unknown"))
    log.add(300, ev.AssetShown("unknown", 1))
    log.add(301, ev.AssetAdded(DECK, "slide", "x", "…", 9))
    log.add(302, ev.AssetShown(DECK, 1))
    log.add(400, ev.PollOpened("p", "…", ("…", "…"), False, False, "live"))
    log.end(600)
    assert made(log) == [(0, "Algebra", 1)]
