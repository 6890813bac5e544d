"""A line per second while a run goes on: redrawn on a terminal, else one every five seconds."""

import sys
from typing import TextIO

from load.latencies import Latencies
from load.run.result import Result, Second

_PLAIN_EVERY = 5


class Progress:
    """Shows what the last second was like."""

    def __init__(self, out: TextIO = sys.stderr, *, is_quiet: bool = False) -> None:
        self._out = out
        self._is_quiet = is_quiet
        self._is_terminal = out.isatty()
        self._drawn = False
        self._shown = 0

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if not self._is_quiet:
            self._clear()
            self._out.write(f"{text}\n")
            self._out.flush()

    def show(self, result: Result, people: int, seconds: float) -> None:
        """Show the newest second that every worker has told of."""
        if self._is_quiet or len(result.seconds) < 2:
            return
        second = result.seconds[-2]
        if second.at <= self._shown:
            return
        self._shown = second.at
        line = _line(second, result, people, seconds)
        if self._is_terminal:
            self._clear()
            self._out.write(line)
            self._drawn = True
        elif second.at % _PLAIN_EVERY == 0:
            self._out.write(f"{line}\n")
        self._out.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._drawn = False


def _line(second: Second, result: Result, people: int, seconds: float) -> str:
    acks, told = second.counts["acks"], second.counts["events applied"]
    delivery = second.latencies.get("delivery", Latencies())
    p99 = f"{delivery.percentile(99):6.0f} ms" if len(delivery) else "     –   "
    late = second.percentile("lateness", 99)
    return (
        f"{second.at:4d}/{seconds:.0f} s  live {second.live:5d}/{people}  "
        f"acks {acks:6d}/s  deliveries {told:7d}/s  p99 {p99}  "
        f"generator {second.generator_cpu * 100:3.0f} %, {late or 0:.0f} ms late  "
        f"violations {result.violations}"
    )
