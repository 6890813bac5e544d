"""The report of a run as one HTML page: no script, nothing fetched, dark and light."""

from html import escape
from typing import Any

from load.run.advice import advice
from load.run.charts import Line, Moment, chart
from load.run.style import STYLE
from load.run.thresholds import parse, shown

_VERDICTS = {
    "passed": ("Passed", "Every promise was kept, and every threshold was met."),
    "threshold missed": (
        "Threshold missed",
        "Every promise was kept, but it was not as fast as was asked for.",
    ),
    "void": ("Void", "The generator was too slow: these figures say nothing of the server."),
    "failed": ("Failed", "Something that must never happen did."),
}
_PROMISES = {
    "lost": "acked or told to others, and never came",
    "duplicated": "came or was done twice",
    "reordered": "came in another order",
    "gap": "a range that does not join the one before",
    "leak": "of another view, class or tenant; or a bad token that was good enough",
    "mismatch": "people of one view, a newcomer or the log that do not agree",
    "broken": "any other breach of the protocol",
}
_LATENCIES = {
    "connect": "wanted in → in the class, all caught up",
    "ack": "command due → committed, and told so",
    "delivery": "command due → its event with another client",
    "resume": "connection lost, or due back → caught up",
    "lateness": "the generator's own: due → done",
}


def page(told: dict[str, Any]) -> str:
    """Return the page of a report (:mod:`load.run.document`)."""
    title, about = _VERDICTS[told["verdict"]]
    if told["verdict"] == "failed" and not any(told["violations"].values()):
        about = "Not everybody was served to the end."
    if told["was_interrupted"]:
        about += " It was ended early."
    name = f"{told['classes']} × {told['students_per_class']} students, {told['profile']['name']}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} – {escape(name)}</title><style>{STYLE}</style></head><body><main>"
        f'<header class="{told["verdict"].split()[0]}"><p>liveclass load run</p>'
        f"<h1>{escape(title)}</h1><p>{escape(about)}</p>"
        f"<p><b>{escape(name)}</b> against {escape(told['url'])}, {told['seconds']} s from "
        f"{escape(told['started_at'].replace('T', ' ').replace('+00:00', ' UTC'))}</p></header>"
        + _tiles(told)
        + _thresholds(told)
        + "<section><h2>What to look at</h2><ul>"
        + "".join(f"<li>{escape(each)}</li>" for each in (*told["void_because"], *advice(told)))
        + "</ul></section>"
        + _charts(told)
        + _promises(told)
        + _latencies(told)
        + _server(told)
        + _profile(told)
        + _configuration(told)
        + "</main></body></html>\n"
    )


def _tiles(told: dict[str, Any]) -> str:
    latencies = told["latencies_ms"]
    people = max((second["live"] for second in told["series"]), default=0)
    storms = [storm["recovered_ms"] for storm in told["storms"]]
    tiles = [
        ("people at once", f"{people:,}"),
        ("deliveries a second", _value(told["per_second"]["deliveries"], "number")),
        ("delivery p99", _value(latencies["delivery"].get("p99"), "time")),
        ("ack p99", _value(latencies["ack"].get("p99"), "time")),
    ]
    if storms:
        worst = None if None in storms else max(storms)
        tiles.append(("storm recovery", "not over" if worst is None else _value(worst, "time")))
    tiles += [
        ("server CPU", _value(told["server"]["cpu"], "share")),
        ("server RSS", _value(told["server"]["rss_bytes"], "size")),
        ("viewers' worst picture", _value((told["media"] or {}).get("pictures"), "share")),
        ("violations", str(sum(told["violations"].values()))),
    ]
    shown_tiles = "".join(
        f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>"
        for name, value in tiles
        if value != "–"
    )
    return f'<section class="tiles">{shown_tiles}</section>'


def _thresholds(told: dict[str, Any]) -> str:
    if not told["thresholds"]:
        return ""
    rows = "".join(
        f'<tr class="{"met" if each["is_met"] else "missed"}"><td>{"✓" if each["is_met"] else "✗"}'
        f"</td><td><code>{escape(each['text'])}</code></td>"
        f"<td>{_value(each['reached'], parse(each['text']).unit)}</td></tr>"
        for each in told["thresholds"]
    )
    return (
        "<section><h2>Thresholds</h2><table><tr><th></th><th>demanded</th><th>reached</th></tr>"
        f"{rows}</table></section>"
    )


def _charts(told: dict[str, Any]) -> str:
    series, seconds = told["series"], told["seconds"]
    moments = [Moment(storm["at_seconds"], "storm") for storm in told["storms"]]
    if told["ended_at"] is not None and told["ended_at"] < seconds - 1:
        moments.append(Moment(told["ended_at"], "end"))

    def of(name: str) -> list[float | None]:
        return [second[name] for second in series]

    def latency(name: str, percentile: str) -> list[float | None]:
        return [second["latencies_ms"].get(name, {}).get(percentile) for second in series]

    def latencies(name: str) -> list[Line]:
        return [
            Line(percentile, latency(name, percentile), colour)
            for colour, percentile in enumerate(("p50", "p90", "p99"), 1)
        ]

    drawn = [
        chart(
            "People in class", [Line("live", of("live"), 1, is_filled=True)], seconds,
            lambda value: shown(value, "number"), moments=moments,
        ),
        chart(
            "Deliveries a second", [Line("deliveries", of("deliveries"), 2, is_filled=True)],
            seconds, lambda value: shown(value, "number"), moments=moments,
        ),
        chart(
            "Delivery latency", latencies("delivery"), seconds,
            lambda value: shown(value, "time"), moments=moments, is_logarithmic=True,
            note="From when a command was due until its event was with each other client.",
        ),
        chart(
            "Ack latency", latencies("ack"), seconds,
            lambda value: shown(value, "time"), moments=moments, is_logarithmic=True,
            note="From when a command was due until the server said that it is committed.",
        ),
        chart(
            "Getting in and back",
            [
                Line("connect p99", latency("connect", "p99"), 1),
                Line("resume p99", latency("resume", "p99"), 3),
            ],
            seconds, lambda value: shown(value, "time"), moments=moments, is_logarithmic=True,
            note="Until the class is there and nothing is missing, by the second of arrival.",
        ),
        chart(
            "Acks a second", [Line("acks", of("acks"), 1), Line("refused", of("refused"), 3)],
            seconds, lambda value: shown(value, "number"), moments=moments,
        ),
        chart(
            "Processor time, in cores",
            [
                *(
                    Line(part["name"], part["cpu"], colour)
                    for colour, part in enumerate(_largest(told["server"]["parts"], "cpu"), 1)
                ),
                Line("generator's busiest", of("generator_cpu"), 5),
            ],
            seconds, lambda value: shown(value, "share"), moments=moments,
        ),
        chart(
            "Memory of the server",
            [
                Line(part["name"], part["rss_bytes"], colour)
                for colour, part in enumerate(_largest(told["server"]["parts"], "rss_bytes"), 1)
            ],
            seconds, lambda value: shown(value, "size"), moments=moments,
        ),
    ]  # fmt: skip
    return f'<section class="charts">{"".join(drawn)}</section>'


def _largest(parts: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Return the four parts that use most."""
    return sorted(parts, key=lambda part: -max((v or 0 for v in part[by]), default=0))[:4]


def _promises(told: dict[str, Any]) -> str:
    counts = told["counts"]
    rows = "".join(
        f'<tr class="{"missed" if number else "met"}"><td>{"✗" if number else "✓"}</td>'
        f"<td>{kind}</td><td>{number:,}</td><td>{_PROMISES[kind]}</td></tr>"
        for kind, number in told["violations"].items()
    )
    first = "".join(f"<li>{escape(line)}</li>" for line in told["violations_told"])
    compared = (
        f"<p>Held against each other: {counts.get('events applied', 0):,} deliveries, byte for "
        f"byte; {counts.get('acks', 0):,} acks; {counts.get('states compared', 0):,} whole states "
        f"with the fold of the log; {counts.get('places in the log compared', 0):,} places in the "
        "log.</p>"
    )
    return (
        "<section><h2>Promises</h2><table><tr><th></th><th>broken how</th><th>times</th>"
        f"<th>means</th></tr>{rows}</table>{compared}"
        + (
            f"<details open><summary>The first ones</summary><ul>{first}</ul></details>"
            * bool(first)
        )
        + "</section>"
    )


def _latencies(told: dict[str, Any]) -> str:
    columns = ("p50", "p90", "p99", "p99.9", "max")
    rows = "".join(
        f"<tr><td>{name}</td><td>{some['count']:,}</td>"
        + "".join(f"<td>{_value(some.get(column), 'time')}</td>" for column in columns)
        + f"<td>{_LATENCIES[name]}</td></tr>"
        for name, some in told["latencies_ms"].items()
    )
    heads = "".join(f"<th>{column}</th>" for column in columns)
    return (
        "<section><h2>Latencies</h2><table class=numbers><tr><th></th><th>count</th>"
        f"{heads}<th>from → to</th></tr>{rows}</table></section>"
    )


def _server(told: dict[str, Any]) -> str:
    counts = "".join(
        f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>"
        for name, count in told["counts"].items()
    )
    return (
        "<section><details><summary>Everything that was counted</summary>"
        f"<table class=numbers>{counts}</table></details></section>"
    )


def _profile(told: dict[str, Any]) -> str:
    profile = told["profile"]
    rows = [
        (
            habit["act"],
            "each student",
            f"{habit['per_minute']:g}/min",
            _most(habit),
            habit["source"],
        )
        for habit in profile["students"]
    ]
    rows += [
        (habit["act"], "teacher", f"{habit['per_minute']:g}/min", "", habit["source"])
        for habit in profile["teacher"]
    ]
    if (polls := profile["polls"]) is not None:
        votes = f"{polls['turnout']:.0%} vote within {polls['within_seconds']:g} s"
        every = f"every {polls['every_seconds']:g} s"
        rows.append(("poll", "teacher", every, votes, polls["source"]))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<section><details><summary>What people do: {escape(profile['name'])}</summary>"
        f"<p>{escape(profile['about'])}</p><table><tr><th>what</th><th>who</th><th>how often</th>"
        f"<th>bound</th><th>where from</th></tr>{body}</table></details></section>"
    )


def _most(habit: dict[str, Any]) -> str:
    most = habit.get("at_most_of_class")
    return "" if most is None else f"at most {most:g}/min in a class"


def _configuration(told: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(value)}</td></tr>"
        for name, value in told["options"].items()
    )
    return (
        "<section><details><summary>How it was run</summary>"
        f"<table>{rows}<tr><td>workers</td><td>{told['workers']}</td></tr></table>"
        f"<p>Format {escape(told['format'])}; exit status {told['exit_code']}.</p>"
        "</details></section>"
    )


def _value(value: float | None, unit: Any) -> str:
    return "–" if value is None else shown(value, unit)
