"""The command line. Data goes to standard output, the log to standard error.

Exit status: 0 as asked, 1 it failed, 2 it was asked wrongly or set up wrongly, 3 a log or an
export does not verify.
"""

import asyncio
import os
from collections.abc import Coroutine, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

import click

from protocol.ids import Role
from server import logs
from server.auth.policy import OPERATOR
from server.auth.tokens import NIL, Tokens
from server.check import check_all
from server.cli_destination import destination
from server.cli_people import retention, tenant
from server.cli_record import erase, export, head, import_, verify
from server.clock import SystemClock
from server.config import Settings, load, settings_table, variable
from server.demo import Demo, hold_demo
from server.embedded import EmbeddedError
from server.errors import InvalidSettingsError, LiveClassError
from server.serve import serve_until_stopped
from server.standalone import admin_link, serve_standalone, sign_in_link
from server.store.migrate import migrate, pending

T = TypeVar("T")

_ROLES = ("teacher", "assistant", "student", "admin")


class _Sentences(click.Group):
    """What can be expected to go wrong is one sentence, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Raises:
            SystemExit: If it failed, which has been said.

        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        except (LiveClassError, EmbeddedError) as error:
            click.echo(f"liveclass: {error}", err=True)
        raise SystemExit(1)


@click.group(cls=_Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liveclass")
def liveclass() -> None:
    """Run live classes: one durable log per class, one encode, many destinations.

    Settings are environment variables: `liveclass settings` lists them.
    """
    # At once: a logger that nobody has configured writes to standard output, with locals.
    logs.configure("console", level="warning")


@liveclass.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              help="Run on embedded PostgreSQL, Valkey and files in this directory.")  # fmt: skip
@click.option("--hub-workers", type=click.IntRange(1, 64),
              help="Processes for live classes, instead of LIVECLASS_HUB_WORKERS.")  # fmt: skip
@click.option("--media-workers", type=click.IntRange(1, 64),
              help="Processes that carry media, instead of LIVECLASS_MEDIA_WORKERS.")  # fmt: skip
def serve(data: Path | None, hub_workers: int | None, media_workers: int | None) -> None:
    """Serve classes until stopped."""
    environ = dict(os.environ)
    for field, count in (("hub_workers", hub_workers), ("media_workers", media_workers)):
        if count is not None:
            environ[variable(field)] = str(count)
    if data is not None:
        logs.configure()
        _run(serve_standalone(data, environ))
        return
    settings = _settings(environ)
    logs.configure(settings.log_format, settings.log_level)
    _run(serve_until_stopped(settings, environ))


@liveclass.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True,
              help="Where to listen; 0 takes a free port.")  # fmt: skip
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              default=Path("liveclass-data"), show_default=True,
              help="Where all is kept; the same directory finds the same class.")  # fmt: skip
@click.option("--students", type=click.IntRange(0, 500), default=12, show_default=True,
              help="Simulated students.")  # fmt: skip
@click.option("--teacher", type=click.Choice(("simulated", "none")), default="simulated",
              show_default=True)  # fmt: skip
@click.option("--destination", "destinations", multiple=True, metavar="URL",
              help="Also stream to this rtmp(s) address; may be repeated.")  # fmt: skip
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path),
              help="Write addresses and tokens here once all is up.")  # fmt: skip
def demo(
    port: int,
    data: Path,
    students: int,
    teacher: str,
    destinations: tuple[str, ...],
    ready_file: Path | None,
) -> None:
    """Run a live class on this machine, with nothing to set up."""
    wish = Demo(
        port=port,
        data=data,
        students=students,
        has_teacher=teacher == "simulated",
        destinations=destinations,
        ready_file=ready_file,
    )
    _run(hold_demo(wish, os.environ))


@liveclass.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only say what would be applied.")
def migrate_command(dry_run: bool) -> None:
    """Bring the database's schema up to date."""
    url = _settings().database_url.reveal()
    names = _run(pending(url) if dry_run else migrate(url))
    for name in names:
        click.echo(name)


@liveclass.command()
def check() -> None:
    """Try everything that the settings name, and print what was found.

    The exit status is 1 if something FAILED; a warning is something that will be felt one day.
    """
    settings = _settings()
    results = _run(check_all(settings))
    width = max(len(result.part) for result in results)
    for result in results:
        click.echo(f"{result.part:<{width}}  {result.state:<7}  {result.says}")
    if any(result.state == "FAILED" for result in results):
        raise SystemExit(1)


@liveclass.command()
@click.option("--format", "form", type=click.Choice(("env", "md")), default="env")
def settings(form: str) -> None:
    """List every setting with its default and meaning."""
    click.echo(settings_table("md" if form == "md" else "env"), nl=False)


@liveclass.command()
@click.option("--operator", is_flag=True,
              help="Manage tenants, which belong to nobody; see nothing in them.")  # fmt: skip
@click.option("--tenant", help="The tenant's id.")
@click.option("--session", help="Open this session only.")
@click.option("--role", type=click.Choice(_ROLES))
@click.option("--name", help="How others see this person.")
@click.option("--subject", help="Who it is: a user's id, or any stable name.")
@click.option("--ttl", type=click.IntRange(1, 86_400 * 30), default=600, show_default=True,
              help="Seconds until it expires.")  # fmt: skip
def token(
    operator: bool,
    tenant: str | None,
    session: str | None,
    role: Role | None,
    name: str | None,
    subject: str | None,
    ttl: int,
) -> None:
    """Print an access token, signed with the settings' secret.

    It is an operator's, or names a tenant, a role in it and a person.
    """
    if operator:
        tenant, session, role, name = NIL, None, "admin", name or "Operator"
    if tenant is None or role is None or name is None:
        raise click.UsageError("Give --tenant, --role and --name, or --operator.")
    settings = _settings()
    tokens = Tokens(settings.token_secret, settings.token_issuer, SystemClock())
    text = tokens.issue(
        subject=subject or name,
        tenant=tenant,
        role=role,
        name=name,
        ttl_seconds=ttl,
        session=session,
        scope=(OPERATOR,) if operator else (),
    )
    tokens.verify(text)  # a claim that does not hold is said here, not at the door
    click.echo(text)


@liveclass.command("admin-link")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              help="The directory that a server runs on: its admin.")  # fmt: skip
@click.option("--tenant", help="The tenant's id.")
@click.option("--user", help="The person's id.")
def admin_link_command(data: Path | None, tenant: str | None, user: str | None) -> None:
    """Print a link that signs somebody in, once and within an hour."""
    if data is not None:
        click.echo(_run(admin_link(data)))
        return
    if tenant is None or user is None:
        raise click.UsageError("Give --data, or --tenant and --user.")
    settings = _settings()
    url = settings.database_url.reveal()
    click.echo(_run(sign_in_link(url, settings.public_url, tenant, user)))


def _settings(environ: Mapping[str, str] = os.environ) -> Settings:
    try:
        return load(environ)
    except InvalidSettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except TimeoutError:
        click.echo("liveclass: a part did not start in time; the log says which", err=True)
    raise SystemExit(1)


for command in (verify, head, export, import_, erase, tenant, retention, destination):
    liveclass.add_command(command)


def main() -> None:
    """Run the command line, with the commands of installed plug-ins."""
    for plugin in entry_points(group="liveclass.commands"):
        liveclass.add_command(plugin.load())
    liveclass(prog_name="liveclass")
