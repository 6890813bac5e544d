import msgspec
from hypothesis import given
from hypothesis import strategies as st

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload, Segment
from server.artifacts.making import MADE, changes

from .logs import SESSION, TESS, Log, person


def a_class():
    log = Log()
    log.add(30, ev.PollOpened("p", "Ready?", ("a", "b"), False, False, "live"))
    log.caption(0, 1_000, "Welcome.")
    for n in range(3):
        log.add(100 + n, ev.FeedbackMarked("lost"), by=person(n))
    log.add(200, ev.ChapterMarked("mark", "Marked", 200_000))
    log.end(300)
    return log


def made(log, types=MADE):
    return changes(SESSION, "Algebra", log.events, types)


def kinds(found):
    return [(type(each.event).__name__, each.event.artifact_type) for each in found]


def of(log, kind):
    """Return the last word about each artifact of this kind."""
    return {each.event.artifact: each.event for each in log.events
            if getattr(each.event, "artifact_type", None) == kind}  # fmt: skip


def test_made_once_it_is_as_it_should_be() -> None:
    log = a_class()
    found = made(log)
    assert sorted(kinds(found)) == [
        ("ArtifactCreated", "chapter"),
        ("ArtifactCreated", "chapter"),
        ("ArtifactCreated", "highlight"),
        ("ArtifactCreated", "transcript"),
    ]
    assert all(each.is_new for each in found)
    assert found == made(log), "the same ids and keys, wherever it runs"
    assert len({each.key for each in found}) == len(found)
    log.take(found)
    assert made(log) == []


def test_only_what_was_asked_for_is_made() -> None:
    assert kinds(made(a_class(), frozenset(("transcript",)))) == [("ArtifactCreated", "transcript")]


def test_of_a_class_that_is_not_over_nothing_is_made() -> None:
    assert changes(SESSION, "Algebra", a_class().events[:-1]) == []
    assert changes(SESSION, "Algebra", []) == []
    assert changes(SESSION, "Algebra", a_class().events[1:]) == []


def test_a_later_caption_changes_the_transcript_and_back_is_another_change() -> None:
    log = a_class()
    first = made(log)
    log.take(first)
    seen = {each.key for each in first}
    for text in ("Hello.", "Welcome.", "Hello."):
        log.caption(0, 1_000, text, at=400)
        found = made(log)
        assert [each.event.payload.segments[0].text for each in found if each.is_new] == [text]
        assert ("ArtifactRemoved", "transcript") in kinds(found), "it begins with another caption"
        assert seen.isdisjoint(each.key for each in found)
        seen.update(each.key for each in found)
        log.take(found)
    log.caption(1_000, 2_000, "Go on.", at=401)
    (edited,) = made(log)
    assert not edited.is_new


def test_what_people_edit_or_remove_is_left_alone() -> None:
    log = a_class()
    log.take(made(log))
    start, poll = of(log, "chapter")
    log.add(500, ev.ArtifactEdited(poll, "chapter", ArtifactPayload(title="P", start_ms=90_000)))
    log.add(500, ev.ArtifactRemoved(start, "chapter"))
    (highlight,) = of(log, "highlight")
    log.add(500, ev.ArtifactRemoved(highlight, "highlight"))
    assert made(log) == []


def test_a_mark_takes_the_place_of_a_chapter_near_it_until_it_goes() -> None:
    log = a_class()
    log.take(made(log))
    log.add(500, ev.ChapterMarked("later", "Poll", 35_000))
    (removed,) = made(log)
    assert kinds([removed]) == [("ArtifactRemoved", "chapter")]
    log.take([removed])
    log.add(501, ev.ArtifactRemoved("later", "chapter"))
    (again,) = made(log)
    assert (again.event.artifact, again.event.payload.title) == (removed.event.artifact, "Ready?")
    log.take([again])
    assert made(log) == []


def test_a_transcript_in_peoples_hands_is_theirs_in_that_language() -> None:
    log = a_class()
    log.caption(0, 1_000, "Bonjour.", "fr", at=2)
    log.take(made(log))
    parts = of(log, "transcript")
    english = next(name for name, each in parts.items() if each.payload.language == "en")
    uploaded = ArtifactPayload(language="EN", segments=(Segment(0, 1, "Better."),))
    log.add(500, ev.ArtifactCreated("up", "transcript", uploaded))
    log.add(501, ev.ArtifactRemoved(english, "transcript"))
    log.caption(9_000, 9_500, "More.", at=502)
    assert made(log) == []
    log.add(503, ev.ArtifactRemoved("up", "transcript"))
    assert made(log) == []
    log.caption(9_000, 9_500, "Encore.", "fr", at=504)
    (french,) = made(log)
    assert french.event.payload.language == "fr"


times = st.integers(0, 400)
events = st.one_of(
    st.builds(ev.CaptionAdded, st.sampled_from(("One.", "Two")), times, st.just(500),
              st.sampled_from(("en", "fr"))),
    st.builds(ev.FeedbackMarked, st.just("lost")),
    st.builds(ev.HandRaised, st.just(TESS), st.just("T")),
    st.builds(ev.ChapterMarked, st.sampled_from(("c1", "c2")), st.just("C"),
              times.map(lambda s: s * 1000)),
    st.builds(ev.PollOpened, st.just("p"), st.sampled_from(("P?", "")), st.just(("a", "b")),
              st.just(False), st.just(False), st.just("live")),
    st.sampled_from((ev.SessionStarted(), ev.SessionEnded())),
)  # fmt: skip


@given(
    st.lists(st.tuples(times, events, st.sampled_from((TESS, *map(person, range(4))))), max_size=40)
)
def test_whatever_happens_making_settles_at_once_and_cites_what_there_is(happened) -> None:
    log = Log()
    for at, event, by in sorted(happened, key=lambda each: each[0]):
        log.add(at, event, by=by)
    found = made(log)
    for each in found:
        assert 1 <= each.event.source <= len(log.events)
        msgspec.convert(msgspec.to_builtins(each.event.payload), ArtifactPayload)
        assert len(each.key) < 64
    log.take(found)
    assert made(log) == []
