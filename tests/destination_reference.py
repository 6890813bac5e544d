"""The generated parts of ``docs/destinations.md``: ``make spec`` writes them anew.

The diagram and the tables say what the state machine, the codes and the providers' profiles are
made of; everything else on the page is written by hand.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from server.media.codes import Code
from server.media.destinations import delivery, destination, egress, gate
from server.media.destinations.destination import (
    FINAL,
    NEXT,
    OF_ADDRESS,
    PERMANENT,
    WORKING,
    Phase,
    Signal,
)
from server.media.destinations.providers import CUSTOM, PROVIDERS, Provider
from server.media.destinations.words import WORDS

PAGE = Path(__file__).parents[1] / "docs" / "destinations.md"

_PART = re.compile(r"(<!-- table: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

MEANINGS = {
    Phase.ARMED: "Enabled, and waiting for a picture that has kept its size for two seconds.",
    Phase.RESOLVING: "The stream key is fetched, the host resolved, and its addresses checked.",
    Phase.CONNECTING: "TCP, TLS, the RTMP handshake, connect and publish, within 15 s together.",
    Phase.PRIMING: "The platform said that it publishes; headers and the last group of pictures "
    "are on their way.",
    Phase.LIVE: "The platform takes the stream.",
    Phase.DEGRADED: "It takes it too slowly: late by more than a second, pictures left out, or "
    "less than nine tenths of it in ten seconds.",
    Phase.BACKOFF: "The connection failed; the next attempt comes when the delay is over.",
    Phase.FAILED: "Given up, until a person says so.",
    Phase.STOPPING: "The platform is told goodbye (FCUnpublish, deleteStream), within 3 s.",
    Phase.STOPPED: "Over.",
}


def refreshed(page: str) -> str:
    """Return ``page`` with each of its generated parts as it should be today."""
    return _PART.sub(lambda found: f"{found[1]}{part(found[2])}\n{found[3]}", page)


def part(name: str) -> str:
    """Return the part of this name, as Markdown."""
    match name:
        case "life":
            return "\n".join(("```mermaid", "stateDiagram-v2", *_diagram(), "```"))
        case "phases":
            return _markdown(("phase", "meaning", "leads to"), _phases())
        case "codes":
            return _markdown(("code", "what happened", "what to do", "tried again"), _codes())
        case "providers":
            return _markdown(
                ("provider", "address", "video", "keyframes", "size changes", "slate", "longest"),
                map(_provider, PROVIDERS.values()),
            )
        case "numbers":
            return _markdown(("number", "value"), NUMBERS)
        case _:
            raise ValueError(name)


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _diagram() -> Iterator[str]:
    """Draw the table; what holds of every working phase is drawn once, from their frame."""
    shared = {
        signal for signal in Signal if len({NEXT.get((phase, signal)) for phase in WORKING}) == 1
    }
    arrows: dict[tuple[str, str], list[str]] = {}
    for (phase, signal), after in NEXT.items():
        start = "working" if phase in WORKING and signal in shared else phase.value
        signals = arrows.setdefault((start, after.value), [])
        if signal.value not in signals:
            signals.append(signal.value)
    inside = {phase.value for phase in WORKING}
    drawn = {way: f"{' --> '.join(way)}: {', '.join(said)}" for way, said in arrows.items()}
    yield "    [*] --> armed: enable"
    yield "    state working {"
    yield from (f"        {text}" for way, text in drawn.items() if inside.issuperset(way))
    yield "    }"
    yield from (f"    {text}" for way, text in drawn.items() if not inside.issuperset(way))
    yield f"    {Phase.STOPPED.value} --> [*]"


def _phases() -> Iterator[tuple[str, ...]]:
    for phase in Phase:
        ways = {s: after for (p, s), after in NEXT.items() if p is phase and s is not Signal.STOP}
        leads = ", ".join(f"`{after.value}` ({signal.value})" for signal, after in ways.items())
        yield f"`{phase.value}`", MEANINGS[phase], leads or "–"


def _codes() -> Iterator[tuple[str, ...]]:
    plain = Provider("", "The platform", key_page="its streaming settings")
    for code in Code:
        words = WORDS[code]
        said = words.remedy.format(title="the platform", key_page=plain.key_page)
        happened = words.happened.format(title="the platform", key_page=plain.key_page)
        yield f"`{code}`", happened[0].upper() + happened[1:], said, _again(code)


def _again(code: Code) -> str:
    if code in FINAL:
        return "no"
    if code in PERMANENT:
        other = ", then twice at the backup address" if code in OF_ADDRESS else ""
        return f"once{other}"
    if code is Code.NAME_IN_USE:
        tries, seconds = destination.NAME_IN_USE_TRIES, destination.NAME_IN_USE_MS // 1000
        return f"for {seconds} s, {tries} attempts at least"
    if code is Code.STALL:
        return "yes; at the backup address at once"
    return "yes"


def _provider(each: Provider) -> tuple[str, ...]:
    address = f"`{each.ingest}`" if each.ingest else "of the account or event"
    if each is CUSTOM:
        address = "any"
    video = f"≤ {each.video_kbps:,} kbit/s" if each.video_kbps else "–"
    if each.height:
        video += f", {each.height}p{each.fps}"
    return (
        f"`{each.name}` {each.title}",
        address,
        video,
        f"≤ {each.gop_seconds:g} s",
        "begin anew" if each.is_strict else "go on",
        f"{each.hold_seconds // 60} min",
        f"{each.hours} h" if each.hours else "–",
    )


NUMBERS = (
    ("Back-off after the nth failure in a row",
     f"min({destination.MAX_DELAY_MS // 1000}, {destination.BASE_DELAY_MS // 1000} · 2ⁿ⁻¹) s, "
     "times a chance of 0.5 to 1"),
    ("Live for so long, and what failed before is forgotten",
     f"{destination.STABLE_MS // 1000} s"),
    ("Never live: given up after",
     f"{destination.NEW_ATTEMPTS} attempts or {destination.NEW_BUDGET_MS // 1000} s"),
    ("Was live: given up after",
     f"{destination.FLAPS} reconnections in {destination.FLAP_WINDOW_MS // 60_000} min, or "
     f"{destination.OUTAGE_BUDGET_MS // 60_000} min without a connection"),
    ("The other address is used after",
     f"{destination.SWITCH_AFTER} failures in a row, or one stall"),
    ("Between attempts while the platform holds the name",
     f"{destination.NAME_IN_USE_DELAY_MS // 1000} to 15 s, but for the first"),
    ("A stall: nothing taken or read, though there is media, for",
     f"{delivery.STALL_SECONDS:g} s, or {egress.RTMP_LIMITS.overflow_ms // 1000} s with a full "
     "queue"),
    ("Late: degraded after",
     f"{delivery.LAG_SECONDS:g} s of more than {delivery.LAG_MS / 1000:g} s"),
    ("Late: pictures are left out, up to the newest keyframe, beyond",
     f"{egress.RTMP_LIMITS.lag_ms / 1000:g} s"),
    ("Recovered after", f"{delivery.CLEAN_SECONDS:g} s without trouble"),
    ("Connections being made to one host at once", f"{gate.AT_ONCE} per media worker"),
    ("Connections made to one provider",
     f"{gate.BURST} at once, then {gate.PER_SECOND:g} a second"),
)  # fmt: skip


def main() -> int:
    """Write the parts anew."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(refreshed(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
