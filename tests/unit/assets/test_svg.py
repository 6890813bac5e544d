import xml.etree.ElementTree as ET

from protocol import events as ev
from protocol.features.board import Stroke
from server.assets import svg

BOARD, OTHER = "board", "other"
NS = "{http://www.w3.org/2000/svg}"


def drawn(name, asset=BOARD, **stroke):
    return ev.BoardDrawn(asset, name, Stroke(points=(0, 0, 10_000, 10_000), **stroke))


def lines(data):
    return ET.fromstring(data).findall(f".//{NS}polyline")


def test_strokes_are_folded_as_the_class_saw_them():
    strokes = {}
    svg.fold(strokes, [drawn("a"), drawn("b"), drawn("c", OTHER)], BOARD)
    assert list(strokes) == ["a", "b"]
    svg.fold(strokes, [ev.BoardUndone(BOARD, "a"), ev.BoardUndone(BOARD, "gone")], BOARD)
    assert list(strokes) == ["b"]
    svg.fold(strokes, [ev.BoardCleared(OTHER), ev.BoardUndone(OTHER, "b")], BOARD)
    assert list(strokes) == ["b"]
    svg.fold(strokes, [ev.BoardCleared(BOARD), drawn("d")], BOARD)
    assert list(strokes) == ["d"]


def test_each_tool_draws_in_its_way_and_order_is_kept():
    pen = Stroke(points=(0, 0, 10_000, 5_000), colour="#123456", width=100)
    marker = Stroke(points=(1, 2, 3, 4), tool="highlighter")
    eraser = Stroke(points=(5_000, 5_000), colour="#123456", width=500, tool="eraser")
    elsewhere = Stroke(points=(0, 0), page=2)
    first, second, third = lines(svg.draw([pen, marker, elsewhere, eraser]))
    assert first.attrib == {
        "points": "0,0 1600,450",
        "stroke": "#123456",
        "stroke-width": "16",
    }
    assert second.attrib["stroke-opacity"] == "0.4"
    assert (third.attrib["stroke"], third.attrib["stroke-width"]) == (svg.PAPER, "80")
    assert third.attrib["points"] == "800,450 800,450", "a dot can be seen"
    assert len(lines(svg.draw([pen, elsewhere], page=2))) == 1
    assert lines(svg.draw([])) == []


def test_it_is_bounded_and_the_newest_strokes_stay(monkeypatch):
    monkeypatch.setattr(svg, "MOST_BYTES", 1000)
    strokes = [Stroke(points=(number, 0), width=1) for number in range(1, 200)]
    data = svg.draw(strokes)
    assert len(data) < 1400
    kept = lines(data)
    assert 0 < len(kept) < 20
    assert kept[-1].attrib["points"] == f"{199 * 0.16:.2f},0 {199 * 0.16:.2f},0"


def test_a_last_point_without_its_y_is_left_out():
    (line,) = lines(svg.draw([Stroke(points=(0, 0, 10_000, 10_000, 5))]))
    assert line.attrib["points"] == "0,0 1600,900"
