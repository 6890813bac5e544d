import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.webvtt import Cue, CueError, parse, parse_subrip, write

line = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), max_size=30).map(
    lambda text: " ".join(text.split())
)
texts = st.lists(line.filter(bool), min_size=1, max_size=3).map("\n".join)
cues = st.lists(
    st.tuples(st.integers(0, 400_000_000), st.integers(1, 99_999), texts).map(
        lambda parts: Cue(parts[0], parts[0] + parts[1], parts[2])
    ),
    max_size=5,
).map(lambda many: sorted(many, key=lambda cue: cue[:2]))


@given(cues)
def test_what_is_written_reads_back_the_same(written) -> None:
    assert parse(write(written, note="made --> by a\ntest")) == written


@given(st.text(max_size=200), st.sampled_from((parse, parse_subrip)))
def test_whatever_comes_is_cues_or_an_error_that_names_a_line(document, read) -> None:
    for text in (
        document,
        f"WEBVTT\n\n{document}",
        f"WEBVTT\n\n00:01.000 --> 00:02.000\n{document}",
    ):
        found, wrong = [], 1
        try:
            found = read(text)
        except CueError as error:
            wrong = error.line
        assert 1 <= wrong <= text.count("\n") + text.count("\r") + 1
        lasting = [each for each in found if each.end_ms > each.start_ms]
        assert parse(write(lasting)) == lasting


def test_a_document_as_they_are_in_the_wild() -> None:
    document = (
        "\ufeffWEBVTT - Algebra\r\nKind: captions\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n"
        "NOTE by hand\r\nof somebody\r\n\r\nintro\r\n00:01.000-->00:02.500 align:start\r\n"
        "<v Tess>a &lt; b &amp;&nbsp;<i>c</i></v>\r\nsecond  line\r\n\r\n\r\n"
        "100:00:00.000\t-->\t100:00:01.000\r\n<00:00:01.000>late\r\n\r\n"
        "00:00.000 --> 00:00.900\r\nfirst"
    )
    assert parse(document) == [
        Cue(0, 900, "first"),
        Cue(1_000, 2_500, "a < b & c\nsecond line"),
        Cue(360_000_000, 360_001_000, "late"),
    ]


def test_subrip_as_it_is_in_the_wild() -> None:
    document = (
        "1\n00:00:01,000 --> 00:00:02,5\n{\\an8}<i>Hello</i> if a < b and c > d\n\n\n"
        '2\n0:1:2.03 --> 00:01:03,000 X1:40 X2:600\n<font color="#fff">World</font>\n\n'
        "00:02:00,000 --> 00:02:01,000\nno number\n\n4\n00:03:00,000 --> 00:03:01,000\n"
    )
    assert parse_subrip(document) == [
        Cue(1_000, 2_500, "Hello if a < b and c > d"),
        Cue(62_030, 63_000, "World"),
        Cue(120_000, 121_000, "no number"),
    ]


@pytest.mark.parametrize(
    ("read", "document", "wrong"),
    [
        (parse, "", 1),
        (parse, "WEBVTTX\n", 1),
        (parse, "1\n00:01.000 --> 00:02.000\nno header", 1),
        (parse, "WEBVTT\n00:01.000 --> 00:02.000\nlost otherwise", 2),
        (parse, "WEBVTT\n\n00:01.000 --> 00:02.000\nfine\n\nlost words\n", 6),
        (parse, "WEBVTT\n\nid\n00:01.000 --> 00:62.000\nx", 4),
        (parse, "WEBVTT\n\n00:01,000 --> 00:02,000\nx", 3),
        (parse, "WEBVTT\n\n00:01.000 -->\nx", 3),
        (parse, "WEBVTT\n\n00:03.000 --> 00:02.000\nx", 3),
        (parse, "WEBVTT\n\n9999999:00:03.000 --> 9999999:00:04.000\nx", 3),
        (parse_subrip, "1\n00:00:01,000 --> 00:00:02,000\nx\n\nlost words\n", 5),
        (parse_subrip, "1\n00:01.000 --> 00:02.000\nx", 2),
    ],
)
def test_what_is_wrong_is_named_by_its_line(read, document, wrong) -> None:
    with pytest.raises(CueError, match=f"^Line {wrong}: ") as raised:
        read(document)
    assert raised.value.field == "body"


def test_a_cue_without_time_is_shown_and_one_without_text_is_not() -> None:
    assert write([Cue(5, 5, "x"), Cue(6, 9, " \n ")]) == (
        "WEBVTT\n\n00:00:00.005 --> 00:00:00.006\nx\n"
    )
    assert write([]) == "WEBVTT\n"


@pytest.mark.parametrize("filling", ["<", "{\\", "&", "-->", "\n", "1\n", "a<b>", "</font "])
def test_a_megabyte_of_anything_is_read_in_time(filling) -> None:
    hostile = filling * (1_000_000 // len(filling))
    started = time.process_time()
    for read, head in [
        (parse, "WEBVTT\n\n00:01.000 --> 00:02.000\n"),
        (parse_subrip, "00:00:01,000 --> 00:00:02,000\n"),
    ]:
        with suppress(CueError):
            read(head + hostile)
    assert time.process_time() - started < 5
