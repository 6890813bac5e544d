"""Captions as text: WebVTT read and written, SubRip read. Pure.

A cue's text is plain: tags are taken out, character references resolved, white space collapsed,
empty lines dropped. What is written reads back as the same cues.

The parsers forgive what does no harm (a missing hour, cues out of order, notes and styles
anywhere) and refuse what would lose words: a block without a time, a time that is none, an end
before its start. They take linear time whatever the input. Libraries for this drop a cue that they
do not understand without a word, where somebody who uploads a transcript wants to know the line.

Sources: https://www.w3.org/TR/webvtt1/ §4 and §6; SubRip has no specification.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from server.errors import InvalidInputError

_VTT_TIME = re.compile(r"(?:(\d{2,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})")
_SRT_TIME = re.compile(r"(\d{1,6}):([0-5]?\d):([0-5]?\d)[,.](\d{1,3})")
_VTT_TAG = re.compile(r"<[^>]*>?")
# SubRip escapes nothing: only what is known to be a tag is one.
_SRT_TAG = re.compile(r"</?(?:b|i|u|s|font)\b[^<>]*>|\{\\[^{}]*\}|\{/?[bius]\}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BESIDE = ("NOTE", "STYLE", "REGION")

_HOUR_MS, _MINUTE_MS, _SECOND_MS = 3_600_000, 60_000, 1_000


_Block: TypeAlias = tuple[int, list[str]]
"""Its lines, and the number of the first."""


class Cue(NamedTuple):
    """What is shown between two moments, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str


class CueError(InvalidInputError):
    """A caption file does not say what it must; the message names the line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"Line {line}: {reason}", field="body")
        self.line = line


def write(cues: Iterable[Cue], *, note: str | None = None) -> str:
    """Return a WebVTT document of ``cues``, in the order given; one without text is left out.

    A cue that takes no time is shown for a millisecond: WebVTT knows no other.
    """
    blocks = ["WEBVTT"]
    if note is not None:
        blocks.append("NOTE " + " ".join(note.replace("-->", "→").split()))
    for cue in cues:
        text = _escape(_tidy(cue.text))
        if text:
            end_ms = max(cue.end_ms, cue.start_ms + 1)
            blocks.append(f"{_clock(cue.start_ms)} --> {_clock(end_ms)}\n{text}")
    return "\n\n".join(blocks) + "\n"


def parse(document: str) -> list[Cue]:
    """Return the cues of a WebVTT document, in the order of their starts.

    Raises:
        CueError: At the first line that is wrong.

    """
    lines = _lines(document)
    if not lines or not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        raise CueError(1, "a WebVTT file begins with WEBVTT.")
    blocks = _blocks(lines)
    _, header = next(blocks)
    for number, line in enumerate(header[1:], 2):
        if "-->" in line:
            raise CueError(number, "an empty line is missing after the header.")
    return _in_order(_vtt_cues(blocks))


def parse_subrip(document: str) -> list[Cue]:
    """Return the cues of a SubRip document, in the order of their starts.

    Raises:
        CueError: At the first line that is wrong.

    """
    return _in_order(
        _cue(number, block, _SRT_TIME, lambda text: _SRT_TAG.sub("", text))
        for number, block in _blocks(_lines(document))
    )


def _vtt_cues(blocks: Iterator[_Block]) -> Iterator[Cue]:
    for number, block in blocks:
        if block[0].split(maxsplit=1)[0] in _BESIDE and not any("-->" in each for each in block):
            continue
        yield _cue(number, block, _VTT_TIME, lambda text: html.unescape(_VTT_TAG.sub("", text)))


def _lines(document: str) -> list[str]:
    plain = document.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return plain.split("\n")


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Yield runs of lines that are not empty, each with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate((*lines, ""), 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _cue(number: int, block: list[str], time: re.Pattern[str], plain: Callable[[str], str]) -> Cue:
    """Return the cue of a block: an identifier or not, the times, the text."""
    at = next((index for index, line in enumerate(block[:2]) if "-->" in line), None)
    if at is None:
        raise CueError(number, "expected the times of a cue, “start --> end”.")
    start, _, rest = block[at].partition("-->")
    end, *_ = rest.split(maxsplit=1) or ("",)  # settings may follow
    start_ms = _milliseconds(start.strip(), time, number + at)
    end_ms = _milliseconds(end, time, number + at)
    if end_ms < start_ms:
        raise CueError(number + at, "it ends before it starts.")
    return Cue(start_ms, end_ms, _tidy(plain("\n".join(block[at + 1 :]))))


def _milliseconds(text: str, time: re.Pattern[str], line: int) -> int:
    match = time.fullmatch(text)
    if match is None:
        raise CueError(line, "this is no time of a cue.")
    hours, minutes, seconds, part = match.groups()
    whole = int(hours or 0) * _HOUR_MS + int(minutes) * _MINUTE_MS + int(seconds) * _SECOND_MS
    return whole + int(part.ljust(3, "0"))


def _clock(milliseconds: int) -> str:
    hours, rest = divmod(milliseconds, _HOUR_MS)
    minutes, rest = divmod(rest, _MINUTE_MS)
    return f"{hours:02}:{minutes:02}:{rest // _SECOND_MS:02}.{rest % _SECOND_MS:03}"


def _in_order(cues: Iterable[Cue]) -> list[Cue]:
    return sorted((each for each in cues if each.text), key=lambda cue: cue[:2])


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in _CONTROL.sub(" ", text).split("\n"))
    return "\n".join(line for line in lines if line)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
