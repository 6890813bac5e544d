"""Commands about the record of a class: verify, sign, take out, put back, erase a person."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeAlias
from uuid import UUID

import click
import msgspec

from server.clock import SystemClock
from server.errors import InvalidInputError
from server.recordings import check as recording_check
from server.store import erasure, export_check, heads
from server.store import export as exports
from server.store.chain import Verdict
from server.store.erasure import Erased
from server.store.heads import SignedHead
from server.store.log import LogReader
from server.store.pool import Pools
from server.store.restore import Restored, UnverifiedError, restore

DOES_NOT_VERIFY = 3
"""The exit status of a log or an export that is not what was written."""
_PROGRESS_SECONDS = 2.0

_Write: TypeAlias = Callable[[bytes], object]

_database_url = click.option("--database-url", envvar="LIVECLASS_DATABASE_URL")
_needed_url = click.option("--database-url", envvar="LIVECLASS_DATABASE_URL", required=True)


@click.command()
@click.argument("session", type=click.UUID, required=False)
@click.option("--head", metavar="FILE|JSON",
              help="A signed head from before: the log must hold it.")  # fmt: skip
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Verify this export instead of the database.")  # fmt: skip
@click.option("--recording", "folder",
              type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Verify this copy of a recording's folder against its manifest.")  # fmt: skip
@click.option("--public-key", metavar="BASE64",
              help="The installation's key, known from elsewhere.")  # fmt: skip
@_database_url
def verify(
    session: UUID | None,
    head: str | None,
    path: Path | None,
    folder: Path | None,
    public_key: str | None,
    database_url: str | None,
) -> None:
    """Verify a session's log or an export against its hash chain, or a recording, and say so.

    The exit status is 3 when it does not verify; the first event at fault is printed.
    """
    known = None if head is None else _known(head)
    if folder is not None and session is None and path is None:
        _say_of_recording(recording_check.faults(folder))
    elif path is not None and session is None:
        with path.open("rb") as file:
            checked = export_check.check(file, public_key=public_key, head=known)
        signer = None if checked.header is None else checked.header.public_key
        _say(checked.verdict, known, f"  signed by {signer}")
    elif session is not None and path is None and database_url is not None:
        _say(asyncio.run(_verify(database_url, str(session), known, public_key)), known)
    else:
        raise click.UsageError(
            "Name a SESSION and its database, an export with --file, or a --recording."
        )


def _say_of_recording(faults: list[str]) -> None:
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(DOES_NOT_VERIFY)
    click.echo("It is what was recorded.")


async def _verify(
    database_url: str, session: str, known: SignedHead | None, public_key: str | None
) -> Verdict:
    async with Pools.open(database_url, size=1) as pools:
        present = await heads.read(pools, session)
        if known is None:
            return await LogReader(pools).verify(session)
        fault = heads.find_fault(known, public_key or present.public_key)
        if known.log != present.log:
            fault = f"the head is of another log: {known.log}"
        verdict = await LogReader(pools).verify(session, known.position)
        return verdict if fault is None else verdict.break_at(known.sequence, fault)


def _say(verdict: Verdict, known: SignedHead | None, more: str = "") -> None:
    if verdict.broken is not None:
        where = f"event {verdict.broken}" if verdict.broken else "the header"
        click.echo(f"BROKEN at {where}: {verdict.why}")
        raise SystemExit(DOES_NOT_VERIFY)
    erased = f", {verdict.erased} erased" if verdict.erased else ""
    holds = "" if known is None else f", holds the signed head of event {known.sequence}"
    click.echo(f"ok  {verdict.sequence} events{erased}{holds}  head {verdict.digest.hex()}{more}")


@click.command()
@click.argument("session", type=click.UUID)
@_needed_url
def head(session: UUID, database_url: str) -> None:
    """Print the signed head of a session's log, as JSON.

    Kept elsewhere, it proves later that the log still begins with the same events.
    """
    click.echo(msgspec.json.encode(asyncio.run(_head(database_url, str(session)))))


async def _head(database_url: str, session: str) -> SignedHead:
    async with Pools.open(database_url, size=1) as pools:
        return await heads.read(pools, session)


@click.command()
@click.argument("session", type=click.UUID)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="Write here, whole or not at all; else to standard output.")  # fmt: skip
@_needed_url
def export(session: UUID, out: Path | None, database_url: str) -> None:
    """Export a session's whole log as NDJSON that verifies without a database.

    It holds everything, staff's messages and anonymous votes too: it is for the operator.
    """
    try:
        if out is None:
            asyncio.run(_export(database_url, str(session), sys.stdout.buffer.write))
            sys.stdout.buffer.flush()
        else:
            with _whole_file(out) as file:
                asyncio.run(_export(database_url, str(session), file.write))
    except exports.BrokenLogError as error:
        click.echo(f"BROKEN at event {error.verdict.broken}: {error.verdict.why}", err=True)
        raise SystemExit(DOES_NOT_VERIFY) from None


async def _export(database_url: str, session: str, write: _Write) -> None:
    said = time.monotonic()
    async with Pools.open(database_url, size=1) as pools:
        async for sequence, of, line in exports.lines(pools, session, SystemClock().now_ms()):
            write(line)
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                click.echo(f"{sequence} of {of} events", err=True)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--tenant", type=click.UUID,
              help="Whose the session shall be; else the tenant's that it was of.")  # fmt: skip
@click.option("--public-key", metavar="BASE64",
              help="The key of the installation that exported, known from elsewhere.")  # fmt: skip
@click.option("--head", metavar="FILE|JSON",
              help="A signed head from before: the export must hold it.")  # fmt: skip
@_needed_url
def import_(
    file: BinaryIO, tenant: UUID | None, public_key: str | None, head: str | None, database_url: str
) -> None:
    """Put the session of an export back, here or into another installation, whole or not at all.

    It is verified first; the exit status is 3 when it does not verify. A session that is here
    already is refused.
    """
    known = None if head is None else _known(head)
    whose = None if tenant is None else str(tenant)
    try:
        done = asyncio.run(_import(database_url, file, whose, public_key, known))
    except UnverifiedError as error:
        where = f"event {error.verdict.broken}" if error.verdict.broken else "the header"
        click.echo(f"BROKEN at {where}: {error.verdict.why}", err=True)
        raise SystemExit(DOES_NOT_VERIFY) from None
    if not done.is_shown:
        click.echo("liveclass: the log is whole; this version cannot show all of it", err=True)
    again = f", {done.erased} erased again" if done.erased else ""
    click.echo(
        f"imported  {done.session}  {done.events} events{again}  head {done.digest.hex()}  "
        f"tenant {done.tenant}"
    )


async def _import(
    database_url: str,
    file: BinaryIO,
    tenant: str | None,
    public_key: str | None,
    head: SignedHead | None,
) -> Restored:
    async with Pools.open(database_url, size=1) as pools:
        return await restore(pools, file, tenant=tenant, public_key=public_key, head=head)


@click.command()
@click.argument("user", type=click.UUID)
@click.option("--tenant", type=click.UUID, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_needed_url
def erase(user: UUID, tenant: UUID, yes: bool, database_url: str) -> None:
    """Erase a person: their words in every class, their name, their address.

    The logs go on to verify. If it is interrupted, run it again: it goes on.
    """
    if not yes:
        click.confirm(f"Erase {user} for good?", abort=True)
    erased = asyncio.run(_erase(database_url, str(tenant), str(user)))
    click.echo(f"erased  {erased.events} events in {erased.sessions} sessions")


async def _erase(database_url: str, tenant: str, user: str) -> Erased:
    async with Pools.open(database_url, size=1) as pools:
        return await erasure.erase(pools, tenant, user)


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that is at ``path`` once the block has ended well, for its owner alone."""
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        _refuse(path, error)
    try:
        with open(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        _refuse(path, error)
    finally:
        Path(name).unlink(missing_ok=True)


def _refuse(path: Path, error: OSError) -> NoReturn:
    raise click.ClickException(f"{path}: {error.strerror}") from None


def _known(head: str) -> SignedHead:
    """Return a head that is given as it is or as the name of a file."""
    try:
        text = head if head.lstrip().startswith("{") else Path(head).read_text(encoding="utf-8")
        return heads.parse(text)
    except (OSError, UnicodeDecodeError, InvalidInputError) as error:
        raise click.BadParameter(str(error), param_hint="--head") from None
