"""The history of a class in the making: what many are told is kept once."""

import time

from msgspec import Raw

from server.store.log import LogReader
from tests.faults.history import History, Item, Known, Logged


class Clock:
    """Seconds since it was made, and where they are on the wall clock."""

    def __init__(self) -> None:
        self._zero = time.monotonic()
        self.epoch_ms = time.time() * 1000

    def __call__(self) -> float:
        return time.monotonic() - self._zero


class Recorder:
    """Makes the history of one class. What many are told is kept once."""

    def __init__(self, session: str, clock: Clock) -> None:
        self.history = History(session, clock.epoch_ms)
        self.clock = clock
        self._said: dict[bytes, int] = {}
        self._items: dict[Item, int] = {}
        self._known = 0

    def say(self, data: bytes) -> int:
        """Return the number of these bytes."""
        number = self._said.get(data)
        if number is None:
            number = self._said[data] = len(self.history.said)
            self.history.said.append(Raw(data))
        return number

    def item(self, item: Item) -> int:
        """Return the number of something heard."""
        number = self._items.get(item)
        if number is None:
            number = self._items[item] = len(self.history.items)
            self.history.items.append(item)
        return number

    def know(self, sequence: int) -> None:
        """Note that somebody has just been told that the log goes so far."""
        if sequence > self._known:
            self._known = sequence
            self.history.known.append(Known(self.clock(), sequence))

    async def read_log(self, reader: LogReader) -> None:
        """Take the log as the database has it."""
        session, log = self.history.session, self.history.log
        log.clear()
        while links := await reader.links(session, len(log)):
            log += map(Logged.of, links)
