"""Charts as inline SVG: lines over time, with what happened in between."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 14, 28
_MOST_POINTS = 240
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A series by second; ``colour`` is the number of a colour of the page."""

    name: str
    values: Values
    colour: int
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    at: float
    name: str


def chart(
    title: str,
    lines: Sequence[Line],
    seconds: int,
    shown: Callable[[float], str],
    *,
    moments: Sequence[Moment] = (),
    is_logarithmic: bool = False,
    note: str = "",
) -> str:
    """Return a figure of all lines over the run; what nothing is known of is left out."""
    lines = [line for line in lines if any(value is not None for value in line.values)]
    if not lines or seconds < 2:
        return ""
    step = max(1, math.ceil(seconds / _MOST_POINTS))
    lines = [
        Line(line.name, _thinned(line.values, step), line.colour, line.is_filled) for line in lines
    ]
    known = [value for line in lines for value in line.values if value is not None]
    scale = _Logarithmic(known) if is_logarithmic else _Linear(known)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(at: float) -> float:
        return round(_LEFT + width * min(1.0, at / seconds), 1)

    def y(value: float) -> float:
        return round(_TOP + height * (1 - scale.share(value)), 1)

    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick)}" y2="{y(tick)}"/>'
        + _text("tick", _LEFT - 8, y(tick) + 4, shown(tick), anchor="end")
        for tick in scale.ticks
    ]
    parts += [
        _text("tick", x(at), _HEIGHT - 8, _clock(at), anchor="middle") for at in _times(seconds)
    ]
    parts += [
        f'<line class="moment" x1="{x(moment.at)}" x2="{x(moment.at)}" y1="{_TOP}" '
        f'y2="{_TOP + height}"/>' + _text("moment", x(moment.at) + 4, _TOP + 10, moment.name)
        for moment in moments
    ]
    for line in lines:
        parts += _drawn(line, step, x, y)
    parts += _hovers(lines, step, seconds, x, height, shown)
    legend = "".join(f'<span class="c{line.colour}">{escape(line.name)}</span>' for line in lines)
    about = f"<p>{escape(note)}</p>" if note else ""
    return (
        f'<figure><figcaption><b>{escape(title)}</b><span class="legend">{legend}</span>'
        f'</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>{about}</figure>'
    )


def _text(kind: str, x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _drawn(
    line: Line, step: int, x: Callable[[float], float], y: Callable[[float], float]
) -> list[str]:
    """Return the paths of a line, broken where nothing is known."""
    parts, points = [], list[tuple[float, float]]()

    def flush() -> None:
        if len(points) == 1:
            parts.append(
                f'<circle class="c{line.colour}" cx="{points[0][0]}" cy="{points[0][1]}" r="2"/>'
            )
        elif points:
            path = " ".join(f"{a},{b}" for a, b in points)
            if line.is_filled:
                base = _HEIGHT - _BOTTOM
                parts.append(
                    f'<polygon class="c{line.colour}" points="{points[0][0]},{base} {path} '
                    f'{points[-1][0]},{base}"/>'
                )
            parts.append(f'<polyline class="c{line.colour}" points="{path}"/>')
        points.clear()

    for number, value in enumerate(line.values):
        if value is None:
            flush()
        else:
            points.append((x((number + 1) * step), y(value)))
    flush()
    return parts


def _hovers(
    lines: Sequence[Line],
    step: int,
    seconds: int,
    x: Callable[[float], float],
    height: int,
    shown: Callable[[float], str],
) -> list[str]:
    """Return what a pointer finds: the values of each moment."""
    parts = []
    for number in range(max(len(line.values) for line in lines)):
        at = (number + 1) * step
        told = [
            f"{line.name}: {shown(value)}"
            for line in lines
            if number < len(line.values) and (value := line.values[number]) is not None
        ]
        if told:
            left, right = x(max(0.0, at - step / 2)), x(min(seconds, at + step / 2))
            text = escape(f"{_clock(at)}  " + ", ".join(told))
            parts.append(
                f'<rect class="hover" x="{left}" y="{_TOP}" width="{max(1.0, right - left):.1f}" '
                f'height="{height}"><title>{text}</title></rect>'
            )
    return parts


class _Linear:
    def __init__(self, values: Sequence[float]) -> None:
        most = max(values) or 1.0
        size = math.pow(10, math.floor(math.log10(most)))
        steps = (size * each for each in (0.2, 0.25, 0.5, 1, 2, 2.5, 5))
        step = next(each for each in steps if most <= each * 5)
        self.top = step * math.ceil(most / step)
        self.ticks = [step * number for number in range(round(self.top / step) + 1)]

    def share(self, value: float) -> float:
        return value / self.top


class _Logarithmic:
    """From one decade to another; nothing below a tenth of a millisecond."""

    def __init__(self, values: Sequence[float]) -> None:
        least = max(0.1, min(values))
        self._low = math.floor(math.log10(least))
        self._high = max(self._low + 1, math.ceil(math.log10(max(max(values), least))))
        self.ticks: list[float] = [math.pow(10, each) for each in range(self._low, self._high + 1)]

    def share(self, value: float) -> float:
        power = math.log10(max(value, self.ticks[0]))
        return (power - self._low) / (self._high - self._low)


def _thinned(values: Values, step: int) -> Values:
    """Return the largest of each ``step`` values: no peak may vanish."""
    groups = (values[start : start + step] for start in range(0, len(values), step))
    return [max((value for value in group if value is not None), default=None) for group in groups]


def _times(seconds: int) -> list[int]:
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
    step = next((each for each in steps if seconds / each <= 8), 14_400)
    return list(range(0, seconds + 1, step))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
