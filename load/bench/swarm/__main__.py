"""``python -m load.bench.swarm classes PORT | fan PORT DIALECT``."""

import asyncio
import sys

import uvloop

from load.bench.swarm import classes, fan


async def main(words: list[str]) -> None:
    """Serve the lines of standard input until it ends."""
    match words:
        case ["classes", port]:
            await classes.serve(int(port))
        case ["fan", port, dialect]:
            await fan.serve(int(port), dialect)
        case _:
            sys.exit("usage: swarm classes PORT | fan PORT DIALECT")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1:]))
