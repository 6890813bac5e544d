"""What an operator may set: one frozen :class:`Settings`, read once from the environment.

Field ``public_url`` is ``LIVECLASS_PUBLIC_URL``, or ``LIVECLASS_PUBLIC_URL_FILE``: a file that
holds the value, as Docker and Kubernetes hand over secrets. All problems are reported at once, and
a name that is not known is one of them: a misspelt setting must not be ignored.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import FieldInfo, fields

from server.addresses import IPNetwork
from server.auth.issuers import TrustedIssuer
from server.auth.turn import parse_ice_url
from server.errors import InvalidSettingsError
from server.secrets.secret import Secret

PREFIX = "LIVECLASS_"


def _network(text: str) -> str:
    """Check ``cidr``, ``cidr:port`` or ``cidr:*``; IPv6 with a port is in brackets."""
    found = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+))(?::(?P<port>[^:]+))?", text)
    if found is None:
        return str(ip_network(text))
    ip_network(found["v6"] or found["v4"])
    port = found["port"]
    if port in (None, "*") or (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        return text
    raise ValueError("a port is a number from 1 to 65535, or *")


def _reference(text: str) -> str:
    if not re.match(r"(env:|file:/|aws-sm:)", text) or ".." in text:
        raise ValueError("expected the beginning of env:NAME, file:/path or aws-sm:arn:…")
    return text


def _address(text: str) -> str:
    return str(ip_address(text))


def _ports(text: str) -> str:
    found = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
    if found is None or not 1024 <= int(found[1]) <= int(found[2]) <= 65_535:
        raise ValueError("expected FIRST-LAST, from 1024 to 65535")
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if urlsplit(text).scheme not in schemes:
            raise ValueError("expected a URL of " + " or ".join(f"{name}://…" for name in schemes))
        return text

    return parse


def _origin(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.netloc or url.path.rstrip("/") or url.query:
        raise ValueError("expected scheme://host[:port], as https://school.example")
    return f"{url.scheme}://{url.netloc}".lower()


def _base(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment:
        raise ValueError("expected http(s)://host[:port][/path]")
    return text.rstrip("/")


def _issuer(text: str) -> str:
    TrustedIssuer.parse(text)
    return text


def _token_secret(text: str) -> str:
    if len(text.encode()) < 32:
        raise ValueError("expected at least 32 bytes")
    return text


def _vault_key(text: str) -> str:
    try:
        key = base64.b64decode(text, altchars=b"-_" if re.search("[-_]", text) else None)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise ValueError("expected 32 bytes in base64, as `openssl rand -base64 32` prints them")
    return text


def _says(description: str, parse: Callable[[str], str] | None = None) -> Meta:
    """Describe a setting; ``parse`` checks its text (of a list: each item) where a type cannot.

    It returns the text in its normal form, or raises ValueError without a secret in it.
    """
    return Meta(description=description, extra={"parse": parse} if parse else None)


Port = Annotated[int, Meta(ge=0, le=65_535)]


class Settings(Struct, frozen=True, kw_only=True):
    """Everything an operator decides, validated."""

    database_url: Annotated[
        Secret, _says("PostgreSQL 15 or newer.", _url("postgresql", "postgres"))
    ]
    redis_url: Annotated[
        Secret, _says("Valkey or Redis 6.2 or newer.", _url("redis", "rediss", "unix"))
    ]
    objects_url: Annotated[
        str, _says("Recordings: file:///path or s3://bucket/prefix.", _url("file", "s3"))
    ]
    token_secret: Annotated[
        Secret, _says("The HS256 key of access tokens, 32 bytes or more.", _token_secret)
    ]
    secret_keys: Annotated[
        tuple[Secret, ...],
        _says("Keys of the vault, 32 bytes in base64 each; the first one encrypts.", _vault_key),
    ]

    public_url: Annotated[str, _says("Where people reach the server.", _base)] = (
        "http://localhost:8080"
    )
    host: Annotated[str, _says("The address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, _says("The port to listen on; 0 takes a free one.")] = 8080
    ops_host: Annotated[str, _says("Where health and metrics listen: never public.")] = "127.0.0.1"
    ops_port: Annotated[Port, _says("The port of health and metrics; 0 takes a free one.")] = 8081

    hub_workers: Annotated[
        int, Meta(ge=1, le=64), _says("Processes for live classes, on one port; about one a core.")
    ] = 1
    link_host: Annotated[
        str, _says("Where this machine's processes take the links of other nodes: never public.")
    ] = "127.0.0.1"

    token_issuer: Annotated[
        str, Meta(min_length=1), _says("The issuer that access tokens must name.")
    ] = "liveclass"  # noqa: S105 (a name, no secret)
    trusted_issuers: Annotated[
        tuple[str, ...],
        _says(
            "Identity providers whose tokens hold too, separated by commas: ISSUER jwks=URL "
            "algorithms=RS256+ES256+EdDSA tenants=ID+…|any.",
            _issuer,
        ),
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        _says("Web origins, beside public_url and the tenants' domains.", _origin),
    ] = ()
    egress_allow: Annotated[
        tuple[str, ...],
        _says("Private networks that may be streamed to: cidr[:port|:*].", _network),
    ] = ()
    own_addresses: Annotated[
        tuple[str, ...],
        _says(
            "Where this installation is reached from outside, beside this machine's addresses: "
            "networks that are never streamed to, unless egress_allow names them.",
            lambda text: str(ip_network(text)),
        ),
    ] = ()
    webhook_allow: Annotated[
        tuple[str, ...],
        _says("Private networks that webhooks may go to, also by http: cidr[:port|:*].", _network),
    ] = ()
    stream_key_refs: Annotated[
        tuple[str, ...],
        _says(
            "What a stream key reference given over REST must begin with, as env:STREAM_KEY_ or "
            "file:/run/secrets/{tenant}/; none, unless set.",
            _reference,
        ),
    ] = ()

    ice_servers: Annotated[
        tuple[str, ...],
        _says(
            "What browsers and encoders may use to get through: stun:HOST[:PORT], "
            "turn:HOST[:PORT][?transport=udp|tcp], turns:HOST[:PORT].",
            parse_ice_url,
        ),
    ] = ()
    turn_secret: Annotated[
        Secret | None, _says("The secret shared with the TURN servers (static-auth-secret).")
    ] = None
    media_addresses: Annotated[
        tuple[str, ...],
        _says("Addresses of this machine that take media; unset, all but loopback.", _address),
    ] = ()
    media_public_address: Annotated[
        str | None,
        _says("Where the internet reaches this machine's media behind a 1:1 NAT.", _address),
    ] = None
    media_ports: Annotated[
        str | None,
        _says("The range of UDP ports for media, FIRST-LAST; unset, the system's.", _ports),
    ] = None

    log_format: Annotated[
        Literal["auto", "console", "json"],
        _says("The form of the log: auto is console in a terminal, and elsewhere json."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _says("The least that is logged.")
    ] = "info"

    drain_seconds: Annotated[
        int, Meta(ge=0, le=3600), _says("How long goodbyes are spread over at SIGTERM.")
    ] = 10
    media_workers: Annotated[
        int, Meta(ge=1, le=64), _says("How many processes carry media; each takes 60 viewers.")
    ] = 1
    runtime_dir: Annotated[
        Path | None, _says("Where local sockets are made (0700); unset, a temporary directory.")
    ] = None
    spool_dir: Annotated[
        Path | None,
        _says("Where recordings wait to be stored; unset, below runtime_dir or /var/tmp (0700)."),
    ] = None
    loop: Annotated[Literal["uvloop", "asyncio"], _says("The event loop.")] = "uvloop"

    @property
    def own_networks(self) -> tuple[IPNetwork, ...]:
        """Where others reach this installation, as far as it was said."""
        public = () if self.media_public_address is None else (self.media_public_address,)
        return tuple(map(ip_network, (*self.own_addresses, *public)))


settings_key = web.AppKey("settings", Settings)


def load(environ: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of ``environ``; ``overrides`` (by field, from flags) win.

    Raises:
        InvalidSettingsError: Naming every problem, one per line, and never a value of a secret.

    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX)}
    for field in fields(Settings):
        name = variable(field.name)
        try:
            text = _text(name, given)
            if overrides and field.name in overrides:
                text = overrides[field.name]
            if text is not None:
                values[field.name] = _value(field, text)
            elif field.default is NODEFAULT:
                problems.append(f"{name}: required")
        except ValueError as error:
            problems.append(f"{name}: {error}")
    problems += [f"{name}: no such setting" for name in given]
    problems += _contradictions(values)
    if problems:
        raise InvalidSettingsError("\n".join(sorted(problems)))
    return Settings(**values)


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """Say which settings make no sense without each other."""
    relays = [each for each in values.get("ice_servers", ()) if each.startswith("turn")]
    if relays and values.get("turn_secret") is None:
        yield f"{variable('turn_secret')}: required by {relays[0]}"


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()


def settings_table(form: Literal["env", "md"]) -> str:
    """Return every setting with its default and description, as an env file or Markdown."""
    lines = ["| setting | default | |", "|---|---|---|"] if form == "md" else []
    for field in fields(Settings):
        name, default = variable(field.name), _shown(field.default)
        says = " ".join(meta.description for meta in _metas(field.type) if meta.description)
        if form == "md":
            shown = "required" if default is None else f"`{default}`" if default else ""
            lines.append(f"| `{name}` | {shown} | {says.replace('|', chr(92) + '|')} |")
        else:
            required = " Required." if default is None else ""
            lines += [f"# {says}{required}", f"#{name}={default or ''}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _text(name: str, given: dict[str, str]) -> str | None:
    """Take a setting's text, or that of its file, out of ``given``; empty counts as unset."""
    text, path = given.pop(name, ""), given.pop(f"{name}_FILE", "")
    if text and path:
        raise ValueError(f"set either this or {name}_FILE")
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise ValueError(f"the file of {name}_FILE: {reason}") from None
    return text or None


def _value(field: FieldInfo, text: str) -> object:
    """Return the typed value of a setting's text; a tuple's items are separated by commas."""
    kind = _bare(field.type)
    parse = next((meta.extra["parse"] for meta in _metas(field.type) if meta.extra), None)
    if get_origin(kind) is not tuple:
        return _single(field.type, parse, text)
    items = [item for item in map(str.strip, text.split(",")) if item]
    if not items:
        raise ValueError("expected at least one item")
    return tuple(_single(get_args(kind)[0], parse, item) for item in items)


def _single(kind: Any, parse: Callable[[str], str] | None, text: str) -> object:
    try:
        return msgspec.convert(parse(text) if parse else text, kind, strict=False, dec_hook=_hook)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _hook(kind: Any, value: object) -> object:
    return value if isinstance(value, kind) else kind(value)


def _metas(kind: Any) -> Iterator[Meta]:
    return (meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, Meta))


def _bare(kind: Any) -> Any:
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _shown(default: object) -> str | None:
    if default is NODEFAULT:
        return None
    return "" if default is None or default == () else str(default)
