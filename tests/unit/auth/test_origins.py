import pytest

from server.auth.origins import Origins, origin_of

ORIGINS = Origins("https://live.example/app", ["http://localhost:3000"])


@pytest.mark.parametrize(
    "origin",
    [None, "https://live.example", "HTTPS://Live.Example", "http://localhost:3000"],
)
def test_ours_the_configured_and_none_at_all_may_connect(origin) -> None:
    assert ORIGINS.permits(origin, ())


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://live.example",
        "https://live.example:8443",
        "https://live.example.evil.example",
        "http://localhost",
        "http://school.example",
    ],
)
def test_no_other_may(origin) -> None:
    assert not ORIGINS.permits(origin, ("school.example",))


def test_a_domain_of_the_tenant_may_over_https() -> None:
    assert ORIGINS.permits("https://school.example", ("School.example",))
    assert not ORIGINS.permits("https://school.example", ())


def test_an_origin_has_neither_path_nor_usual_port() -> None:
    assert origin_of("https://Live.example:443/x") == "https://live.example"
    assert origin_of("http://live.example:80") == "http://live.example"
    assert origin_of("http://live.example:8080/") == "http://live.example:8080"
