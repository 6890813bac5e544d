"""``python -m tests.faults.node LOG [BREAK]``: a hub worker, as it is or with one thing broken.

What is broken is replaced here, in this process alone, so that the server needs no hook for it.
Each is a mistake that a server of this kind could well make, and that its tests could well miss.
"""

import asyncio
import contextlib
import os
import sys

from server import app
from server.hub.asks import Unchanged
from server.hub.draft import Draft
from server.store import lane
from server.store.log import LogWriter


def unfenced_append() -> None:
    """Append for whoever believes to own the class, whatever its epoch."""
    fenced = lane._APPEND
    lane._APPEND = fenced.replace("AND h.epoch = room.epoch", "").replace("FOR SHARE OF h", "")
    assert "h.epoch" not in lane._APPEND
    assert "FOR SHARE" not in lane._APPEND


def unfenced_answers() -> None:
    """Ask nobody whether the class is still one's own where there is nothing to store."""
    append = LogWriter.append

    async def skip(self, session, epoch, commands):
        if any(commands):
            await append(self, session, epoch, commands)

    LogWriter.append = skip


def ack_before_commit() -> None:
    """Say that a batch is stored as soon as it is in line."""
    append, under_way = LogWriter.append, set()

    async def promise(self, session, epoch, commands):
        async def keep():
            with contextlib.suppress(Exception):  # nobody hears of it: that is the defect
                await append(self, session, epoch, commands)

        task = asyncio.ensure_future(keep())
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    LogWriter.append = promise


def null_ack_of_a_tentative_state() -> None:
    """Answer "nothing to change" at once, though what it rests on is not stored yet."""
    take = Draft.take

    def hurry(self, ask):
        take(self, ask)
        if self.outcomes and isinstance(self.outcomes[-1][1], Unchanged):
            asked, outcome = self.outcomes.pop()
            asked.answer(outcome)

    Draft.take = hurry


BREAKS = {
    each.__name__: each
    for each in (
        unfenced_append,
        unfenced_answers,
        ack_before_commit,
        null_ack_of_a_tentative_state,
    )
}


def main() -> None:
    """Run the worker, its log appended to the file named first."""
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stderr.fileno())
    for name in sys.argv[2:]:
        BREAKS[name]()
    app.main()


if __name__ == "__main__":
    main()
