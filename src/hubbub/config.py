"""Read the environment and a `.env` file once, into checked, frozen settings."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as SettingsSourceError

from hubbub.core.limits import PUBLIC_URL_CHARS_MAX
from hubbub.core.party import PartyPolicy
from hubbub.logs import LogFormat
from hubbub.store.client.address import (
    REDIS_PORT_DEFAULT,
    Login,
    Node,
    SingleAddress,
    StoreAddress,
    StoreTls,
    is_host,
    parse_store_url,
)

MASK: Final = "********"
_NO_PORT: Final = re.compile(r"(?<![:\[]):(?!//)(?![0-9]+(?:[,/]|$))[^:/,]+(?=[,/]|$)")
_URL_SECRET: Final = re.compile(r"(?<=://).*(?=@)|^(?!.*://).*(?=@)", re.DOTALL)


class SettingsError(Exception):  # printed for the operator, one sentence per line
    """The settings are invalid; each sentence names variable, value and remedy."""


def _whole(low: int, high: int, unit: str = "") -> Any:
    """Describe a whole number from `low` to `high`; `unit` is for people."""
    return Field(ge=low, le=high, description=f"a whole number {unit and f'of {unit} '}from {low} to {high}")


class Settings(BaseSettings):
    """The settings of an operator. A field's description names the allowed values and ends the error sentence."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: Annotated[str, Field(description="an address of this machine, or 0.0.0.0 for all")] = "0.0.0.0"  # noqa: S104 - phones must get in
    port: Annotated[int, _whole(0, 65535)] = 8080
    public_url: Annotated[
        str | None,
        Field(
            description=f"an http:// or https:// URL of at most {PUBLIC_URL_CHARS_MAX} characters without ? and #, "
            "such as https://party.example"
        ),
    ] = None

    redis_host: Annotated[
        str | None, Field(description="a host name or address alone; for a URL there is REDIS_URL")
    ] = None
    redis_port: Annotated[int, _whole(1, 65535)] = REDIS_PORT_DEFAULT
    redis_password: SecretStr | None = None
    redis_url: Annotated[SecretStr | None, Field(description="a URL such as redis://localhost:6379")] = None
    redis_ca_file: Annotated[Path | None, Field(description="a readable PEM file")] = None
    redis_cert_file: Annotated[Path | None, Field(description="a readable PEM file")] = None
    redis_key_file: Annotated[Path | None, Field(description="a readable PEM file")] = None
    redis_min_replicas: Annotated[int, _whole(0, 5)] = 0
    hubbub_data_dir: Annotated[Path, Field(description="a folder that this user can write to")] = user_data_path(
        "hubbub"
    )

    party_ttl_seconds: Annotated[int, _whole(60, 86400, "seconds")] = 7200
    host_grace_seconds: Annotated[int, _whole(5, 7200, "seconds")] = 300
    seat_hold_seconds: Annotated[int, _whole(5, 7200, "seconds")] = 120
    lease_seconds: Annotated[int, _whole(3, 60, "seconds")] = 10
    party_capacity: Annotated[int, _whole(2, 10000, "seats")] = 500
    allowed_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="origins by commas, each such as https://party.example with no path"),
    ] = ()
    log_format: Annotated[LogFormat, Field(description="console or json")] = Field(
        default_factory=lambda: "console" if sys.stderr.isatty() else "json"
    )

    @field_validator("host", "redis_host")
    @classmethod
    def _is_host(cls, host: str | None) -> str | None:
        if host is not None and not is_host(host):
            raise _not_allowed()
        return host

    @field_validator("public_url")
    @classmethod
    def _is_web_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not _is_web_address(url) or "?" in url or "#" in url or len(url) > PUBLIC_URL_CHARS_MAX:
            raise _not_allowed()
        return url.rstrip("/")

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _are_origins(cls, listed: Any) -> Any:
        if not isinstance(listed, str):
            return listed
        origins = tuple(origin for part in listed.split(",") if (origin := part.strip().rstrip("/").lower()))
        if not all(_is_web_address(origin) and origin.count("/") == 2 for origin in origins):
            raise _not_allowed()
        return origins

    @field_validator("redis_url")
    @classmethod
    def _is_store_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            try:
                parse_store_url(url.get_secret_value())
            except ValueError as error:
                raise _not_allowed(str(error)) from None
        return url

    @field_validator("redis_ca_file", "redis_cert_file", "redis_key_file")
    @classmethod
    def _is_readable(cls, file: Path | None) -> Path | None:
        if file is not None and not (file.is_file() and os.access(file, os.R_OK)):
            raise _not_allowed()
        return file

    @field_validator("hubbub_data_dir")
    @classmethod
    def _from_home(cls, folder: Path) -> Path:
        try:
            return folder.expanduser()
        except RuntimeError:
            raise _not_allowed() from None

    @model_validator(mode="after")
    def _tls_makes_sense(self) -> Self:
        for name, file in self._tls_files().items():
            if self.store_address is None or not self.store_address.login.tls:
                raise SettingsError(
                    f"{name} is {str(file)!r}, but the store is not reached by TLS: set REDIS_URL to an"
                    f" address that begins with rediss:// or rediss+, or leave {name} out."
                )
        if (self.redis_cert_file is None) != (self.redis_key_file is None):
            lonely = "REDIS_CERT_FILE" if self.redis_cert_file else "REDIS_KEY_FILE"
            raise SettingsError(
                f"{lonely} is {str(self._tls_files()[lonely])!r}, but a certificate and its key go together:"
                " set both REDIS_CERT_FILE and REDIS_KEY_FILE, or neither."
            )
        try:
            self.store_tls.check()
        except OSError as error:
            names = " and ".join(f"{name}={str(file)!r}" for name, file in self._tls_files().items())
            raise SettingsError(
                f"{names} cannot be used ({error}): they must be PEM files, the key without a passphrase."
            ) from None
        return self

    @property
    def store_address(self) -> StoreAddress | None:
        """The store's address, or None for the embedded engine."""
        if self.redis_url is not None:
            return parse_store_url(self.redis_url.get_secret_value())
        if self.redis_host is not None:
            secret = self.redis_password
            login = Login(password=secret.get_secret_value() if secret else None)
            return SingleAddress(Node(self.redis_host, self.redis_port), login)
        return None

    @property
    def store_tls(self) -> StoreTls:
        """The files for TLS."""
        return StoreTls(self.redis_ca_file, self.redis_cert_file, self.redis_key_file)

    @property
    def page_origins(self) -> tuple[str, ...]:
        """The origins whose pages may open `/ws`, besides the request's own host, which a proxy may have changed."""
        if self.public_url is None:
            return self.allowed_origins
        parts = urlsplit(self.public_url)
        return (*self.allowed_origins, f"{parts.scheme}://{parts.netloc}".lower())

    @property
    def party_terms(self) -> PartyPolicy:
        """The policy of parties that this instance creates."""
        return PartyPolicy(
            ttl_seconds=self.party_ttl_seconds,
            host_grace_seconds=self.host_grace_seconds,
            seat_hold_seconds=self.seat_hold_seconds,
            capacity=self.party_capacity,
        )

    def lines(self) -> Iterator[str]:
        """Yield every variable with its effective value as in a `.env` file, secrets masked."""
        for name in type(self).model_fields:
            yield f"{name.upper()}={_shown(name, getattr(self, name))}"

    def _tls_files(self) -> dict[str, Path]:
        names = ("redis_ca_file", "redis_cert_file", "redis_key_file")
        return {name.upper(): file for name in names if (file := getattr(self, name)) is not None}


def read_settings() -> Settings:
    """Read the settings of this process; raise `SettingsError`."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(detail) for detail in error.errors())) from None
    except (SettingsSourceError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The .env file in {Path.cwd()} cannot be read ({error}): fix or remove it.") from None


def _not_allowed(allowed: str = "") -> PydanticCustomError:
    return PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed})


def _sentence(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    allowed = detail.get("ctx", {}).get("allowed") or Settings.model_fields[name].description
    return f"{name.upper()} must be {allowed}, not {_shown(name, detail['input'])!r}."


def _shown(name: str, value: Any) -> str:
    """Format `value` for people, secrets masked."""
    if value is None:
        return ""
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    if name == "redis_password":
        return MASK
    if name == "redis_url":
        return _without_secrets(str(plain))
    return ",".join(plain) if isinstance(plain, tuple) else str(plain)


def _without_secrets(url: str) -> str:
    """Mask the password and the options of `url`, even if it is malformed."""
    head, at, tail = url.rpartition("@")
    address, question, _ = tail.partition("?")
    if not at:
        # If the host is missing, the password is in the place of the port.
        address = _NO_PORT.sub(f":{MASK}", address)
    return _URL_SECRET.sub(_masked_secret, head + at) + address + (question and f"?{MASK}")


def _masked_secret(found: re.Match[str]) -> str:
    user, colon, _ = found.group().partition(":")
    return f"{user}:{MASK}" if colon else MASK


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port != 0
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and is_host(parts.hostname or "")
        and port_is_valid
        and parts.username is None
        and not re.search(r"\s", text)
    )
