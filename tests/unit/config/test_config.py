from base64 import b64encode
from pathlib import Path

import pytest
from msgspec.structs import fields

from server.config import Settings, load, settings_table, variable
from server.errors import InvalidSettingsError
from server.secrets.secret import Secret

VAULT_KEY = b64encode(bytes(range(32))).decode()
REQUIRED = {
    "LIVECLASS_DATABASE_URL": "postgresql://liveclass:hunter2@db/liveclass",
    "LIVECLASS_REDIS_URL": "redis://cache:6379/0",
    "LIVECLASS_OBJECTS_URL": "s3://bucket/prefix",
    "LIVECLASS_TOKEN_SECRET": "t" * 32,
    "LIVECLASS_SECRET_KEYS": VAULT_KEY,
}


def problems(**environ: str) -> list[str]:
    with pytest.raises(InvalidSettingsError) as caught:
        load(REQUIRED | environ)
    return str(caught.value).splitlines()


def test_the_required_settings_suffice_and_the_rest_has_defaults() -> None:
    settings = load(REQUIRED | {"PATH": "/bin", "LIVECLASS_PORT": ""})
    assert settings.database_url == Secret("postgresql://liveclass:hunter2@db/liveclass")
    assert settings.port == 8080
    assert settings.log_format == "auto"
    assert settings.runtime_dir is None


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        load({"LIVECLASS_LOG_FORMAT": "xml", "LIVECLASS_PORT": "65536", "LIVECLASS_PROT": "1"})
    assert str(caught.value).splitlines() == [
        "LIVECLASS_DATABASE_URL: required",
        "LIVECLASS_LOG_FORMAT: Invalid enum value 'xml'",
        "LIVECLASS_OBJECTS_URL: required",
        "LIVECLASS_PORT: Expected `int` <= 65535",
        "LIVECLASS_PROT: no such setting",
        "LIVECLASS_REDIS_URL: required",
        "LIVECLASS_SECRET_KEYS: required",
        "LIVECLASS_TOKEN_SECRET: required",
    ]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("PORT", "many", "Expected `int`, got `str`"),
        ("DRAIN_SECONDS", "-1", "Expected `int` >= 0"),
        ("DATABASE_URL", "mysql://db/x", "expected a URL of postgresql://… or postgres://…"),
        ("TOKEN_SECRET", "short", "expected at least 32 bytes"),
        ("ALLOWED_ORIGINS", "school.example", "expected scheme://host[:port]"),
        ("ALLOWED_ORIGINS", ",", "expected at least one item"),
        ("PUBLIC_URL", "ftp://school.example", "expected http(s)://host[:port][/path]"),
        ("ICE_SERVERS", "https://turn.example", "expected stun:HOST[:PORT] or turn(s):HOST"),
        ("ICE_SERVERS", "stun:a?transport=udp", "expected stun:HOST[:PORT] or turn(s):HOST"),
        ("MEDIA_PORTS", "50000", "expected FIRST-LAST, from 1024 to 65535"),
        ("MEDIA_PORTS", "50999-50000", "expected FIRST-LAST, from 1024 to 65535"),
        ("MEDIA_PORTS", "80-1024", "expected FIRST-LAST, from 1024 to 65535"),
        ("MEDIA_PUBLIC_ADDRESS", "class.example", "does not appear to be an IPv4 or IPv6 address"),
        ("MEDIA_ADDRESSES", "10.0.0.7,10.0.0.0/8", "does not appear to be an IPv4 or IPv6"),
        ("SECRET_KEYS", f"{VAULT_KEY},AAAA", "expected 32 bytes in base64"),
        ("SECRET_KEYS", "not base64 at all", "expected 32 bytes in base64"),
        ("EGRESS_ALLOW", "10.0.0.0/8:70000", "a port is a number from 1 to 65535, or *"),
        ("EGRESS_ALLOW", "10.0.0.1/8", "has host bits set"),
        ("EGRESS_ALLOW", "example.org", "does not appear to be"),
        ("STREAM_KEY_REFS", "vault:x", "expected the beginning of env:NAME"),
        ("STREAM_KEY_REFS", "file:/a/../etc", "expected the beginning of env:NAME"),
    ],
)
def test_a_value_that_does_not_hold_is_refused(name: str, text: str, problem: str) -> None:
    (line,) = problems(**{f"LIVECLASS_{name}": text})
    assert line.startswith(f"LIVECLASS_{name}: ")
    assert problem in line


def test_a_secret_shows_neither_in_settings_nor_in_problems() -> None:
    assert "hunter2" not in repr(load(REQUIRED))
    assert VAULT_KEY not in repr(load(REQUIRED))
    lines = problems(LIVECLASS_TOKEN_SECRET="hunter3", LIVECLASS_DATABASE_URL="db:hunter4")
    assert "hunter" not in "".join(lines)


def test_a_file_gives_the_value_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("f" * 40 + "\n")
    environ = {**REQUIRED, "LIVECLASS_TOKEN_SECRET_FILE": str(tmp_path / "secret")}
    del environ["LIVECLASS_TOKEN_SECRET"]
    assert load(environ).token_secret == Secret("f" * 40)


def test_a_file_that_is_not_there_or_not_alone_is_a_problem(tmp_path: Path) -> None:
    (line,) = problems(LIVECLASS_LOG_LEVEL_FILE=str(tmp_path / "none"))
    assert line.endswith("LIVECLASS_LOG_LEVEL_FILE: No such file or directory")
    (line,) = problems(LIVECLASS_PORT="1", LIVECLASS_PORT_FILE=str(tmp_path))
    assert line == "LIVECLASS_PORT: set either this or LIVECLASS_PORT_FILE"
    (tmp_path / "latin").write_bytes(b"\xe9")
    (line,) = problems(LIVECLASS_PORT_FILE=str(tmp_path / "latin"))
    assert line == "LIVECLASS_PORT: the file of LIVECLASS_PORT_FILE: not UTF-8"


def test_flags_override_the_environment() -> None:
    environ = REQUIRED | {"LIVECLASS_PORT": "9000"}
    assert load(environ, {"port": "9001"}).port == 9001


def test_networks_and_lists_are_typed() -> None:
    settings = load(
        REQUIRED
        | {
            "LIVECLASS_EGRESS_ALLOW": "127.0.0.1, 10.0.0.0/8:1935,10.1.0.0/16:*,fd00::/8,[::1]:443",
            "LIVECLASS_ALLOWED_ORIGINS": "https://School.example/,http://localhost:3000",
            "LIVECLASS_RUNTIME_DIR": "/run/liveclass",
        }
    )
    assert settings.egress_allow == (
        "127.0.0.1",
        "10.0.0.0/8:1935",
        "10.1.0.0/16:*",
        "fd00::/8",
        "[::1]:443",
    )
    assert settings.allowed_origins == ("https://school.example", "http://localhost:3000")
    assert settings.runtime_dir == Path("/run/liveclass")


def test_the_tables_name_every_setting_and_what_it_is_for() -> None:
    markdown, environ = settings_table("md"), settings_table("env")
    for field in fields(Settings):
        assert f"| `{variable(field.name)}` |" in markdown
        assert f"#{variable(field.name)}=" in environ
    assert all(line.count(" | ") == 2 for line in markdown.splitlines()[2:])
    assert all(not line.endswith("|  |") for line in markdown.splitlines()[2:])


def test_a_relay_needs_the_secret_that_it_shares() -> None:
    relay = {"LIVECLASS_ICE_SERVERS": "stun:stun.example,turn:turn.example?transport=udp"}
    assert problems(**relay) == [
        "LIVECLASS_TURN_SECRET: required by turn:turn.example?transport=udp"
    ]
    settings = load(REQUIRED | relay | {"LIVECLASS_TURN_SECRET": "shared"})
    assert settings.ice_servers == ("stun:stun.example", "turn:turn.example?transport=udp")
    assert settings.turn_secret == Secret("shared")
    assert load(REQUIRED | {"LIVECLASS_ICE_SERVERS": "stun:stun.example"}).turn_secret is None


def test_where_media_is_taken() -> None:
    settings = load(
        REQUIRED
        | {
            "LIVECLASS_MEDIA_ADDRESSES": "10.0.0.7, 2001:DB8::7",
            "LIVECLASS_MEDIA_PUBLIC_ADDRESS": "203.0.113.7",
            "LIVECLASS_MEDIA_PORTS": "50000-50999",
        }
    )
    assert settings.media_addresses == ("10.0.0.7", "2001:db8::7")
    assert settings.media_public_address == "203.0.113.7"
    assert settings.media_ports == "50000-50999"
