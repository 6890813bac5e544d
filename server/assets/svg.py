"""A board as a picture: its strokes, folded from the log, as an SVG. Pure.

Whoever opens it needs nothing of ours, and it holds nothing but lines: no script, no link, no
text of a person. An eraser is a line in the colour of the paper, as wide as it was; a highlighter
lets through what is below it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from protocol import events as ev
from protocol.features.board import Stroke

WIDTH: Final = 1600
HEIGHT: Final = 900
MOST_BYTES: Final = 4 << 20
"""The oldest strokes are left out where all of them would be more."""
PAPER: Final = "#ffffff"

_OPACITY = {"pen": "", "eraser": "", "highlighter": ' stroke-opacity="0.4"'}


def fold(strokes: dict[str, Stroke], events: Iterable[ev.AnyEvent], asset: str) -> None:
    """Bring ``strokes``, by id and in the order in which they were drawn, up to ``events``."""
    for event in events:
        match event:
            case ev.BoardDrawn() if event.asset == asset:
                strokes[event.id] = event.stroke
            case ev.BoardUndone() if event.asset == asset:
                strokes.pop(event.id, None)
            case ev.BoardCleared() if event.asset == asset:
                strokes.clear()
            case _:
                pass


def draw(strokes: Iterable[Stroke], page: int = 1) -> bytes:
    """Return the SVG of what is on ``page``, of at most :data:`MOST_BYTES` and a little."""
    lines: list[str] = []
    left = MOST_BYTES
    for stroke in reversed([each for each in strokes if each.page == page]):
        line = _line(stroke)
        left -= len(line)
        if left < 0:
            break
        lines.append(line)
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}">\n<rect width="100%" height="100%" fill="{PAPER}"/>\n'
            '<g fill="none" stroke-linecap="round" stroke-linejoin="round">\n',
            *reversed(lines),
            "</g>\n</svg>\n",
        )
    ).encode()


def _line(stroke: Stroke) -> str:
    points = stroke.points[: len(stroke.points) // 2 * 2]
    if len(points) == 2:
        points *= 2  # a dot is a line of no length with a round cap
    # Only numbers, and a colour of which the protocol says that it is #rrggbb.
    colour = PAPER if stroke.tool == "eraser" else stroke.colour
    return (
        f'<polyline points="{_coordinates(points)}" stroke="{colour}" '
        f'stroke-width="{_number(stroke.width * WIDTH)}"{_OPACITY[stroke.tool]}/>\n'
    )


def _coordinates(points: Sequence[int]) -> str:
    pairs = zip(points[::2], points[1::2], strict=True)
    return " ".join(f"{_number(x * WIDTH)},{_number(y * HEIGHT)}" for x, y in pairs)


def _number(ten_thousandths: int) -> str:
    return f"{ten_thousandths / 10_000:.2f}".rstrip("0").rstrip(".")
