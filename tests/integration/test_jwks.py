"""Tokens of a trusted issuer, which answers over HTTP on this machine."""

import asyncio
import json
import uuid
from types import SimpleNamespace

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.auth.issuers import TrustedIssuer
from server.auth.jwks import PAUSE_SECONDS, FetchError, Issuers
from server.auth.tokens import InvalidTokenError, Tokens, user_id
from server.errors import UnavailableError
from server.secrets.secret import Secret
from tests.unit.auth.test_tokens import SECRET, TENANT, Clock, claims
from tests.unit.auth.test_tokens import signed as signed_by_us

NAME = "https://id.example"
EC_1, EC_2 = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
P384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)
ED = ed25519.Ed25519PrivateKey.generate()
ALGORITHMS = {
    "ES256": jwt.algorithms.ECAlgorithm,
    "RS256": jwt.algorithms.RSAAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}


def jwk(kid, algorithm, key, **more):
    public = ALGORITHMS[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, **more}


def signed(key=EC_1, algorithm="ES256", kid="1", *, headers=None, **changes):
    whole = claims(iss=NAME, **changes)
    return jwt.encode(whole, key, algorithm, headers={"kid": kid, **(headers or {})})


class Provider:
    """An identity provider; ``answer`` is what it says, ``asked`` how often it was asked."""

    def __init__(self):
        self.keys = [jwk("1", "ES256", EC_1)]
        self.answer = None
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def handle(self, request):
        self.asked += 1
        await self.may_answer.wait()
        if self.answer is not None:
            return web.Response(**self.answer)
        return web.json_response({"keys": self.keys})


@pytest.fixture
async def provider(aiohttp_server):
    provider = Provider()
    app = web.Application()
    app.router.add_get("/keys", provider.handle)
    provider.url = str((await aiohttp_server(app)).make_url("/keys"))
    return provider


@pytest.fixture
async def trusting(provider):
    """Our tokens and the provider's; the first keys have come."""
    clock = Clock()
    line = f"{NAME} jwks={provider.url} algorithms=ES256+RS256+EdDSA tenants={TENANT}"
    async with Issuers.open([TrustedIssuer.parse(line)], clock) as issuers:
        keys = issuers.find(NAME)
        await keys.refresh()
        tokens = Tokens(Secret(SECRET), "us", clock, issuers)
        yield SimpleNamespace(tokens=tokens, keys=keys, clock=clock, provider=provider)


async def test_a_trusted_issuers_word_counts_and_so_does_ours(trusting) -> None:
    identity = trusting.tokens.verify(signed(sub="ann", role="teacher"))
    assert (identity.user, identity.tenant) == (user_id(NAME, "ann"), TENANT)
    assert trusting.tokens.verify(signed_by_us()).name == "Ann"
    assert trusting.provider.asked == 1


async def test_keys_are_rotated_without_a_restart(trusting) -> None:
    provider = trusting.provider
    provider.keys = [jwk("2", "ES256", EC_2), jwk("r", "RS256", RSA), jwk("e", "EdDSA", ED)]
    trusting.clock.ms += 1000 * PAUSE_SECONDS
    waiting = [trusting.tokens.authenticate(signed(EC_2, kid="2")) for _ in range(20)]
    assert {each.name for each in await asyncio.gather(*waiting)} == {"Ann"}
    assert provider.asked == 2  # once for all who waited
    assert trusting.tokens.verify(signed(RSA, "RS256", "r")).name == "Ann"
    assert trusting.tokens.verify(signed(ED, "EdDSA", "e")).name == "Ann"
    with pytest.raises(InvalidTokenError):  # withdrawn
        trusting.tokens.verify(signed(EC_1, kid="1"))


async def test_strangers_cannot_have_an_issuer_asked_again_and_again(trusting) -> None:
    trusting.clock.ms += 1000 * PAUSE_SECONDS
    with pytest.raises(InvalidTokenError):
        await trusting.tokens.authenticate(signed(kid="x"))
    for n in range(50):
        with pytest.raises(UnavailableError):
            await trusting.tokens.authenticate(signed(kid=f"x{n}"))
    assert trusting.provider.asked == 2
    assert (await trusting.tokens.authenticate(signed())).name == "Ann"


async def test_an_issuer_that_is_away_takes_nobody_who_is_known(trusting) -> None:
    provider = trusting.provider
    for broken in (
        {"status": 500},
        {"status": 302, "headers": {"Location": provider.url}},
        {"text": "{"},
        {"text": '{"keys": 7}'},
        {"text": json.dumps({"keys": [{}] * 101})},
        {"body": b" " * 70_000 + b'{"keys":[]}'},
    ):
        provider.answer = broken
        trusting.clock.ms += 1000 * PAUSE_SECONDS
        with pytest.raises(UnavailableError):
            await trusting.tokens.authenticate(signed(EC_2, kid="2"))
        with pytest.raises(FetchError):
            await trusting.keys.fetch()
        assert trusting.tokens.verify(signed()).name == "Ann"
        provider.answer = None


async def test_who_waits_for_a_key_keeps_nobody_waiting_who_does_not(trusting) -> None:
    provider = trusting.provider
    provider.may_answer.clear()
    provider.keys.append(jwk("2", "ES256", EC_2))
    trusting.clock.ms += 1000 * PAUSE_SECONDS
    async with asyncio.TaskGroup() as group:
        first = group.create_task(trusting.tokens.authenticate(signed(EC_2, kid="2")))
        second = group.create_task(trusting.tokens.authenticate(signed(EC_2, kid="2")))
        while provider.asked < 2:
            await asyncio.sleep(0)
        assert (await trusting.tokens.authenticate(signed())).name == "Ann"
        first.cancel()  # who asked first goes away: the other still gets an answer
        await asyncio.sleep(0)
        provider.may_answer.set()
    assert second.result().name == "Ann"
    assert provider.asked == 2


async def test_a_key_is_good_for_its_own_algorithm_and_name(trusting) -> None:
    provider = trusting.provider
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    provider.keys = [
        jwk("r", "RS256", RSA),
        jwk("e", "ES256", EC_1, alg="ES384"),
        jwk("c", "ES256", EC_1, use="enc"),
        jwk("p", "ES256", P384),
        jwk("s", "RS256", SMALL),
        {"kty": "oct", "kid": "o", "k": "c2VjcmV0" * 8},
        {"kty": "EC", "crv": "P-256", "kid": "b", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "n", "n": "A" * 5000, "e": "AQAB"},
        {"kid": 7},
    ]
    assert await trusting.keys.fetch() == 1
    forged = {
        "signed with the public key as a secret": _hs256(pem),
        "signed with the key set's text": _hs256(json.dumps(provider.keys[0]).encode()),
        "with a shared secret of the key set": _hs256(b"secret" * 8, "o"),
        "with our secret": _hs256(SECRET.encode()),
        "unsigned": jwt.encode(claims(iss=NAME), None, "none", headers={"kid": "r"}),
        "another key": signed(EC_2, kid="r"),
        "another algorithm": signed(RSA, "PS256", "r"),
        "longer hash": signed(RSA, "RS512", "r"),
        "small key": signed(RSA, "RS256", "s"),
        "for encryption": signed(EC_1, kid="c"),
        "for another algorithm": signed(EC_1, kid="e"),
        "key in the header": signed(EC_2, kid="z", headers={"jwk": jwk("z", "ES256", EC_2)}),
        "keys elsewhere": signed(EC_2, kid="z", headers={"jku": provider.url}),
        "no name": jwt.encode(claims(iss=NAME), RSA, "RS256"),
        "a path for a name": signed(EC_2, kid="../../r"),
        "our name": jwt.encode(claims(), RSA, "RS256", headers={"kid": "r"}),
        "nobody's name": jwt.encode(claims(iss="x"), RSA, "RS256", headers={"kid": "r"}),
    }
    for what, token in forged.items():
        assert not _holds(trusting.tokens, token), what
    assert trusting.tokens.verify(signed(RSA, "RS256", "r")).name == "Ann"


def _holds(tokens, token):
    try:
        return tokens.verify(token)
    except InvalidTokenError:
        return None


def _hs256(secret, kid="r"):
    # By hand: the library refuses to be misused in this way.
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    body = b".".join(
        jwt.utils.base64url_encode(json.dumps(part).encode())
        for part in ({"alg": "HS256", "typ": "JWT", "kid": kid}, claims(iss=NAME))
    )
    signature = jwt.utils.base64url_encode(algorithm.sign(body, secret))
    return (body + b"." + signature).decode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tenant": str(uuid.UUID(int=2))}, "does not speak for this tenant"),
        ({"scope": "operator"}, "may not give this scope"),
        ({"aud": "other"}, "another audience"),
        ({"exp": ...}, "no claim “exp”"),
    ],
)
async def test_an_issuer_speaks_for_its_tenants_and_not_for_us(trusting, changes, message) -> None:
    with pytest.raises(InvalidTokenError, match=message):
        trusting.tokens.verify(signed(**changes))
