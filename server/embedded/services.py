"""Both servers together, for as long as a block lasts."""

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from server.tasks import Supervisor

from .account import Account
from .directory import DataDirectory
from .postgres import Postgres
from .valkey import Valkey

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class EmbeddedServices:
    """Run PostgreSQL and Valkey on ``data_dir`` while the block lasts.

    A server that dies meanwhile is started again. ``fast`` gives up durability, for tests.

    Raises:
        EmbeddedError: On entering, in one sentence: the directory is busy, broken, or the
            servers do not start.

    """

    def __init__(self, data_dir: Path, *, fast: bool = False) -> None:
        self._data_dir = Path(data_dir)
        self._fast = fast
        self._supervisor = Supervisor("embedded")

    async def __aenter__(self) -> Self:
        self._directory = DataDirectory(self._data_dir, Account.choose())
        self._directory.hold()
        self.postgres = Postgres(self._directory, fast=self._fast)
        self.valkey = Valkey(self._directory)
        try:
            await self.postgres.start()
            await self.valkey.start()
        except BaseException:
            await self._stop()
            raise
        for server in (self.postgres, self.valkey):
            self._supervisor.keep(type(server).__name__.lower(), partial(_revive, server))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    @property
    def database_url(self) -> str:
        """The database's address: a login that owns it, may make roles, and is no superuser."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """Valkey's address."""
        return self.valkey.url

    async def _stop(self) -> None:
        await self._supervisor.close()
        try:
            await self.valkey.stop()
            await self.postgres.stop()
        finally:
            self._directory.release()


async def _revive(server: Postgres | Valkey) -> None:
    while True:
        status = await server.wait()
        log.error("embedded_server_died", server=type(server).__name__, status=status)
        await server.start()
