import base64
import json
import uuid
from dataclasses import dataclass

import jwt
import pytest

from server.auth import tokens as module
from server.auth.tokens import Identity, InvalidTokenError, TokenExpiredError, Tokens, user_id
from server.secrets.secret import Secret

SECRET = "s" * 32
TENANT = str(uuid.UUID(int=1))
USER = str(uuid.UUID(int=0xABC))
SESSION = str(uuid.UUID(int=3))


@dataclass
class Clock:
    ms: int = 1_800_000_000_500

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def tokens(clock: Clock | None = None, *, secret: str = SECRET, issuer: str = "us") -> Tokens:
    return Tokens(Secret(secret), issuer, clock or Clock())


def claims(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "iss": "us",
        "aud": "liveclass",
        "exp": 1_900_000_000,
        "sub": USER,
        "tenant": TENANT,
        "role": "student",
        "name": "Ann",
    }
    return {name: value for name, value in (whole | changes).items() if value is not ...}


def signed(algorithm: str = "HS256", key: str = SECRET, **changes: object) -> str:
    return jwt.encode(claims(**changes), key, algorithm)


def test_what_is_issued_is_what_is_verified() -> None:
    clock = Clock()
    token = tokens(clock).issue(
        subject=USER,
        tenant=TENANT,
        role="teacher",
        name="Ann",
        ttl_seconds=60,
        session=SESSION,
        scope=["publish"],
    )
    assert tokens(clock).verify(token) == Identity(
        user=USER,
        tenant=TENANT,
        session=SESSION,
        role="teacher",
        name="Ann",
        scope=frozenset({"publish"}),
        expires_at_ms=1_800_000_060_000,
    )


def test_a_token_ends_on_its_second_without_leeway() -> None:
    clock = Clock(1_800_000_000_000)
    token = signed(exp=1_800_000_060)
    ours = tokens(clock)
    clock.ms = 1_800_000_059_999
    assert ours.verify(token).name == "Ann"
    clock.ms = 1_800_000_060_000
    for each in (ours, tokens(clock)):  # one remembers it, the other does not
        with pytest.raises(TokenExpiredError):
            each.verify(token)


def test_a_bounded_number_of_tokens_is_remembered(monkeypatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    ours, made = tokens(), [signed(name=str(number)) for number in range(5)]
    first = [ours.verify(token) for token in made]
    again = [ours.verify(token) for token in reversed(made)]
    assert [each.name for each in again] == ["4", "3", "2", "1", "0"]
    assert [new is old for new, old in zip(reversed(again), first, strict=True)] == [
        False, False, True, True, True,
    ]  # fmt: skip


def test_a_forged_token_that_has_expired_is_invalid_not_expired() -> None:
    with pytest.raises(InvalidTokenError, match="signature"):
        tokens().verify(signed(key="x" * 32, exp=1))


def test_no_algorithm_but_ours_is_taken() -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}."
    for token in (unsigned, signed("HS512", "s" * 64), signed("HS384", "s" * 48)):
        with pytest.raises(InvalidTokenError, match="algorithm"):
            tokens().verify(token)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iss": "them"}, "another issuer"),
        ({"aud": "other"}, "another audience"),
        ({"exp": ...}, "no claim “exp”"),
        ({"sub": ...}, "no claim “sub”"),
        ({"tenant": ...}, "tenant"),
        ({"tenant": "not a uuid"}, "tenant"),
        ({"role": "owner"}, "role"),
        ({"session": 7}, "session"),
        ({"exp": "tomorrow"}, "exp"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"sub": ""}, "sub"),
    ],
)
def test_claims_that_do_not_hold_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        tokens().verify(signed(**changes))
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "a", "a.b.c", "…", "x" * 20_000, "a.b.c.d", "\0.\0.\0", "\udcff"]
)
def test_what_is_no_jwt_is_invalid(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        tokens().verify(text)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tokens(secret="s" * 31)


def test_a_subject_that_is_a_uuid_is_the_user() -> None:
    assert user_id("us", USER.upper()) == USER


def test_any_other_subject_gives_one_user_per_issuer() -> None:
    ann = user_id("us", "ann@school.example")
    assert uuid.UUID(ann).version == 5
    assert ann == user_id("us", "ann@school.example")
    assert ann != user_id("them", "ann@school.example")
    assert ann != user_id("us", "bob@school.example")
    assert user_id("us", "{" + USER + "}") != USER
