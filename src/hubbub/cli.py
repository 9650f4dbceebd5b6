"""The `hubbub` command."""

import sys
from contextlib import suppress
from typing import NoReturn

import click
import segno
import uvloop

from hubbub import __version__
from hubbub.app import CannotListen, TaskEnded
from hubbub.app import serve as serve_instance
from hubbub.config import Settings, SettingsRefused, read_settings
from hubbub.store.embedded import EngineNotStarted, EngineUnavailable
from hubbub.transport.lan import lan_addresses

_BAD_VALUE = 2
_FAILED = 1
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - recognised here, not bound


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hubbub")
def main() -> None:
    """Hubbub, a party server that always lets you in.

    Settings come from the environment and from a .env file in the current folder; `hubbub config` shows
    what they come to, and .env.example explains each.
    """


@main.command()
def serve() -> None:
    """Start one instance, until Ctrl-C or SIGTERM.

    With neither REDIS_URL nor REDIS_HOST it keeps its parties in a private store under HUBBUB_DATA_DIR,
    which further instances on this machine share. Set PORT to start a second one.
    """
    settings = _settings()
    try:
        uvloop.run(serve_instance(settings, lambda port: _tell_addresses(settings, port)))
    except CannotListen as failure:
        _stop(str(failure), _BAD_VALUE if failure.bad_value else _FAILED)
    except EngineUnavailable as failure:
        _stop(str(failure), _BAD_VALUE)
    except (EngineNotStarted, TaskEnded) as failure:
        _stop(str(failure), _FAILED)


@main.command()
def config() -> None:
    """Print the effective settings, secrets masked."""
    for line in _settings().lines():
        click.echo(line)


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsRefused as refused:
        _stop(str(refused), _BAD_VALUE)


def _stop(sentence: str, status: int) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(status)


def _tell_addresses(settings: Settings, port: int) -> None:
    """Say where phones find this instance."""
    with suppress(OSError):  # nobody may be reading, and that is no reason to end
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
