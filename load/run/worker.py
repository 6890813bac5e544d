"""``python -m load.run.worker``: one process full of people, told what to do on standard input.

It reads orders and writes reports (:mod:`load.run.messages`), a line of JSON each. When its
standard input ends, it ends.
"""

import asyncio
import gc
import os
import sys
from contextlib import suppress

import msgspec
import uvloop

from load.run.cast import Cast
from load.run.messages import Begin, Go, Order, Quiet, Ready, Report, Settle

_LINE_BYTES = 1 << 28

_orders = msgspec.json.Decoder(Order)


class Pipes:
    """Orders in, reports out."""

    def __init__(self, reader: asyncio.StreamReader, out: int) -> None:
        self._reader = reader
        self._out = out

    async def order(self) -> Order | None:
        """Return the next order; None when there will be none."""
        line = await self._reader.readline()
        return _orders.decode(line) if line.endswith(b"\n") else None

    def tell(self, report: Report) -> None:
        """Send a report; the parent reads all the time."""
        line = msgspec.json.encode(report) + b"\n"
        while line:
            line = line[os.write(self._out, line) :]


async def main() -> None:
    """Play until told to tell everything, or until nobody is there to be told."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    pipes = Pipes(reader, sys.stdout.fileno())
    begin = await pipes.order()
    if not isinstance(begin, Begin):
        return
    cast = Cast(begin, pipes.tell)
    # What is there now stays: nobody has to look at it again at every collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    pipes.tell(Ready())
    async with asyncio.TaskGroup() as tasks:  # what fails in the play ends everything
        playing: asyncio.Task[None] | None = None
        while (order := await pipes.order()) is not None:
            match order:
                case Go():
                    playing = tasks.create_task(cast.play(order.start_ns))
                case Quiet():
                    pipes.tell(await cast.calm())
                case Settle():
                    pipes.tell(await cast.settle(order.heads))
                    break
                case Begin():
                    break
        if playing is not None:
            playing.cancel()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        uvloop.run(main())
