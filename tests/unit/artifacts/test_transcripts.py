import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from protocol.features.artifacts import ArtifactPayload, Segment
from protocol.limits import FRAME_BYTES
from server.artifacts.history import history
from server.artifacts.transcripts import PART_SEGMENTS, parts, split, transcripts

from .logs import Log

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=80)
words = words.filter(str.strip)


def made(log, without=frozenset()):
    return [
        (each.source, each.payload.language, [tuple(msgspec.structs.astuple(s)) for s in
                                              each.payload.segments])
        for each in transcripts(history(log.events), without)
    ]  # fmt: skip


def test_captions_become_sentences_per_language() -> None:
    log = Log()
    second = log.caption(2_000, 3_000, "everybody.")
    log.caption(0, 1_900, "Welcome,  ")
    log.caption(3_000, 4_000, "Today:")
    log.caption(6_000, 7_000, "limits")
    french = log.caption(0, 1_000, "Bonjour", "fr")
    chinese = log.caption(0, 1_000, "你好", "zh-CN")
    log.caption(1_000, 2_000, "大家", "ZH-cn")
    log.end(60)
    assert made(log) == [
        (second + 1, "en", [(0, 3_000, "Welcome, everybody."), (3_000, 4_000, "Today:"),
                            (6_000, 7_000, "limits")]),
        (french, "fr", [(0, 1_000, "Bonjour")]),
        (chinese, "zh-CN", [(0, 2_000, "你好大家")]),
    ]  # fmt: skip
    assert [language for _, language, _ in made(log, frozenset(("en", "zh-cn")))] == ["fr"]


def test_overlaps_end_and_corrections_win() -> None:
    log = Log()
    log.caption(0, 5_000, "one.")
    log.caption(2_000, 9_000, "tow.")
    log.caption(2_000, 3_000, "two.")
    log.caption(4_000, 4_000, " ")
    log.caption(5_000, 6_000, "…")  # its author was erased
    log.end(60)
    assert made(log)[0][2] == [(0, 2_000, "one."), (2_000, 3_000, "two.")]


@given(st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 9_000), words), max_size=30))
def test_no_word_is_lost_and_segments_are_in_order(captions) -> None:
    log = Log()
    for start, length, text in captions:
        log.caption(start, start + length, text)
    log.end(60)
    segments = [each for part in transcripts(history(log.events), frozenset())
                for each in part.payload.segments]  # fmt: skip
    last = {start: text for start, _, text in captions}
    assert " ".join(each.text for each in segments) == " ".join(
        " ".join(last[start].split()) for start in sorted(last)
    )
    for one, other in itertools.pairwise(segments):
        assert one.start_ms <= one.end_ms <= other.start_ms
    for each in segments:
        msgspec.convert(msgspec.to_builtins(each), Segment)


def test_parts_fit_into_a_frame_and_cite_the_caption_with_which_they_begin() -> None:
    log = Log()
    for n in range(2_000):
        log.caption(n * 5_000, n * 5_000 + 1_000, ("ü" * 60 + f" {n}.") if n < 1_000 else f"{n}.")
    log.end(10_000)
    found = transcripts(history(log.events), frozenset())
    assert sum(len(each.payload.segments) for each in found) == 2_000
    for each in found:
        data = msgspec.json.encode(each.payload)
        assert len(data) < FRAME_BYTES * 3 // 4
        assert len(each.payload.segments) <= PART_SEGMENTS
        msgspec.json.decode(data, type=ArtifactPayload)
        begins = log.events[each.source - 1].event
        assert begins.start_ms == each.payload.segments[0].start_ms


@given(st.text("ab ", min_size=1, max_size=3_000).map(str.strip).filter(bool))
def test_what_is_too_long_for_a_segment_is_split(text) -> None:
    text = " ".join(text.split())
    pieces = list(split(Segment(1_000, 61_000, text)))
    assert "".join(each.text for each in pieces).replace(" ", "") == text.replace(" ", "")
    assert all(len(each.text) <= 500 for each in pieces)
    assert (pieces[0].start_ms, pieces[-1].end_ms) == (1_000, 61_000)
    assert all(a.end_ms == b.start_ms for a, b in itertools.pairwise(pieces))


def test_an_upload_becomes_parts_too() -> None:
    segments = [Segment(n, n + 1, "word " * 200) for n in range(100)]
    (first, *more) = parts("en", segments)
    assert more
    assert first.segments[0].start_ms == 0
    assert first.language == "en"
