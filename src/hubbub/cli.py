"""The `hubbub` command."""

import gc
import re
import sys
from contextlib import suppress
from typing import NoReturn

import click
import segno
import uvloop

from hubbub import __version__
from hubbub.config import Settings, SettingsError, read_settings
from hubbub.doctor.cli import as_document, as_report, run_doctor, unreachable_sentence
from hubbub.doctor.run import Severity
from hubbub.monitor import WatchError
from hubbub.monitor import watch as watch_party
from hubbub.server import ListenError, TaskFailedError
from hubbub.server import serve as serve_instance
from hubbub.store.engine.embedded import EngineStartError, EngineUnavailableError
from hubbub.transport.lan import lan_addresses

_GC_THRESHOLD = 100_000
"""Net new objects between two runs of the garbage collector."""
_BAD_VALUE = 2
_FAILED = 1
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - recognised here, not bound


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hubbub")
def main() -> None:
    """Hubbub, a party server that always lets you in.

    Settings come from the environment and from a .env file in the current folder. `hubbub config` prints the
    effective settings; .env.example explains each.
    """


@main.command()
def serve() -> None:
    """Run one instance until Ctrl-C or SIGTERM.

    With neither REDIS_URL nor REDIS_HOST it keeps its parties in a private store under HUBBUB_DATA_DIR,
    which further instances on this machine share. Set PORT to start a second one.
    """
    settings = _settings()
    # The loaded modules stay, and almost no new object is part of a cycle. With the default threshold, the collector
    # would take a sixth of a busy instance's time and free next to nothing.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        uvloop.run(serve_instance(settings, lambda port: _tell_addresses(settings, port)))
    except ListenError as failure:
        _stop(str(failure), _BAD_VALUE if failure.bad_value else _FAILED)
    except EngineUnavailableError as failure:
        _stop(str(failure), _BAD_VALUE)
    except (EngineStartError, TaskFailedError) as failure:
        _stop(str(failure), _FAILED)


@main.command()
def config() -> None:
    """Print the effective settings, secrets masked."""
    for line in _settings().lines():
        click.echo(line)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
def doctor(as_json: bool) -> None:
    """Check the store and its configuration, and print what to do about each problem.

    It connects as `hubbub serve` does and changes nothing: it writes only to keys that no party uses and deletes
    them at once. Without a store in the settings it checks the embedded engine, and starts it if it does not run.

    Exit status 0: no problem, though there may be warnings. 1: a problem, or no answer. 2: a bad setting.
    """
    settings = _settings()
    try:
        findings = uvloop.run(run_doctor(settings))
    except EngineUnavailableError as failure:
        _stop(str(failure), _BAD_VALUE)
    except EngineStartError as failure:
        _stop(str(failure), _FAILED)
    if as_json:
        click.echo(as_document(findings))
    elif (sentence := unreachable_sentence(findings)) is not None:
        _stop(sentence, _FAILED)
    else:
        click.echo("\n".join(as_report(findings)))
    if any(finding.severity is Severity.PROBLEM for finding in findings):
        sys.exit(_FAILED)


@main.command()
@click.argument("code")
@click.option(
    "--server",
    default="http://localhost:8080",
    show_default=True,
    envvar="HUBBUB_SERVER",
    help="The address of any instance; also HUBBUB_SERVER.",
)
def watch(code: str, server: str) -> None:
    """Print what happens in the party with that CODE, live, until it ends or Ctrl-C.

    It takes no seat, and members do not see who watches. A party can have 16 watchers.
    """
    if not re.fullmatch(r"https?://[^/\s]+/?", server):
        _stop(f"--server must be a URL such as http://localhost:8080, not {server!r}.", _BAD_VALUE)
    try:
        uvloop.run(watch_party(code, server, click.echo))
    except WatchError as refusal:
        _stop(str(refusal), _FAILED)
    except KeyboardInterrupt:
        click.echo()


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as refused:
        _stop(str(refused), _BAD_VALUE)


def _stop(sentence: str, status: int) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(status)


def _tell_addresses(settings: Settings, port: int) -> None:
    """Print the addresses for phones."""
    with suppress(OSError):  # the reader of stdout may be gone; the instance runs on
        _print_addresses(settings, port)


def _print_addresses(settings: Settings, port: int) -> None:
    addresses = _phone_addresses(settings, port)
    if addresses:
        click.echo("Hubbub is listening. On a phone in the same network, open:")
        for address in addresses:
            click.echo(f"  {address}")
        if sys.stdout.isatty():
            segno.make_qr(addresses[0], error="m").terminal(compact=True)
    else:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        click.echo(f"Hubbub is listening on http://{host}:{port}, which phones cannot reach.")
        click.echo("Set HOST=0.0.0.0 and join a network to let them in.")


def _phone_addresses(settings: Settings, port: int) -> list[str]:
    hosts = lan_addresses()
    if settings.host not in _EVERYWHERE:
        hosts = [host for host in hosts if host == settings.host]
    found = [f"http://{host}:{port}" for host in hosts]
    return [settings.public_url, *found] if settings.public_url else found
