import pytest

from server.auth.issuers import TrustedIssuer

ID = "01a20668-d9e3-7000-b01d-7bc920ac8e97"
LINE = f"https://id.example jwks=https://id.example/keys algorithms=ES256+RS256 tenants={ID}"


def test_an_issuer_is_a_line() -> None:
    assert TrustedIssuer.parse(LINE) == TrustedIssuer(
        "https://id.example",
        "https://id.example/keys",
        frozenset(("ES256", "RS256")),
        frozenset((ID,)),
    )
    assert TrustedIssuer.parse(LINE.replace(ID, "any")).tenants is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("jwks=https", "jwks=http"), "https only"),
        (("jwks=https://id.example", "jwks=http://10.0.0.1"), "https only"),
        (("jwks=https://id.example/keys", "jwks=file:///etc/keys"), "https only"),
        (("jwks=https://id.example/keys", "jwks=https:"), "https only"),
        (("ES256", "HS256"), "algorithms are of"),
        (("ES256", "none"), "algorithms are of"),
        ((ID, "school"), "tenants are"),
        ((f"tenants={ID}", ""), "expected ISSUER"),
        (("algorithms", "algorithm"), "expected ISSUER"),
        (("jwks=https://id.example/keys", "https://id.example/keys"), "expected ISSUER"),
    ],
)
def test_what_does_not_hold_is_said(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        TrustedIssuer.parse(LINE.replace(*changes))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:1"])
def test_this_machine_may_answer_without_tls(host) -> None:
    line = LINE.replace("jwks=https://id.example", f"jwks=http://{host}")
    assert TrustedIssuer.parse(line).jwks == f"http://{host}/keys"
