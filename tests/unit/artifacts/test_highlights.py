from protocol import events as ev
from server.artifacts.highlights import MOST, highlights
from server.artifacts.history import history

from .logs import Log, person


def made(log, chosen=()):
    return [
        (each.payload.start_ms // 1000, each.payload.end_ms // 1000, each.payload.title)
        for each in highlights(history(log.events), chosen)
    ]


def lost(log, at, people):
    return [log.add(at + n, ev.FeedbackMarked("lost"), by=person(n)) for n in range(people)]


def chat(log, at, people):
    for n in range(people):
        log.add(at + n, ev.ChatPosted(f"m{at}{n}", "A", "hi", "everyone"), by=person(n))


def test_a_moment_is_where_many_people_are_lost() -> None:
    log = Log()
    first, *_ = lost(log, 300, 4)
    log.end(900)
    assert made(log) == [(290, 303, "Many were lost here")]
    assert highlights(history(log.events), ())[0].source == first


def test_one_person_however_often_is_no_moment_and_neither_is_who_follows() -> None:
    log = Log()
    for n in range(20):
        log.add(300 + n, ev.FeedbackMarked("lost"), by=person(1))
        log.add(400 + n, ev.FeedbackMarked("got_it"), by=person(n))
        log.add(500 + n, ev.ChatPosted(f"m{n}", "A", "hi", "staff"), by=person(n))
        log.add(600 + n, ev.FeedbackMarked("lost"), by=None)
    log.end(900)
    assert made(log) == []


def test_what_is_usual_in_a_class_is_no_peak() -> None:
    log = Log()
    for minute in range(60):
        chat(log, minute * 60, 12 if minute != 30 else 40)
    log.end(3600)
    assert [start // 60 for start, *_ in made(log)] == [29]


def test_of_moments_near_to_each_other_the_gravest_stays_and_marked_ones_win() -> None:
    log = Log()
    chat(log, 280, 10)
    lost(log, 300, 3)
    for n in range(4):
        log.add(600 + n, ev.HandRaised(person(n), "A"), by=person(n))
    for n in range(5):
        log.add(1000 + n, ev.QuestionUpvoted("q"), by=person(n))
    log.end(1800)
    assert [title for *_, title in made(log)] == [
        "Many were lost here",
        "Many raised their hands",
        "Many had the same question",
    ]
    assert [start for start, *_ in made(log, [330_000, 1_100_000])] == [590]


def test_there_are_never_too_many() -> None:
    log = Log()
    for n in range(60):
        lost(log, n * 300, 3)
    log.end(18_000)
    assert 0 < len(made(log)) <= MOST


def test_before_the_start_nothing_counts() -> None:
    log = Log()
    log.events = [
        each._replace(sequence=n + 1)
        for n, each in enumerate(
            [log.events[0]._replace(event=ev.ChatPosted(f"m{n}", "A", "hi", "everyone"),
                                    by=person(n)) for n in range(9)] + log.events
        )
    ]  # fmt: skip
    log.end(600)
    assert made(log) == []
