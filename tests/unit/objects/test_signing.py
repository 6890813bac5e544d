"""Signed URLs open one object, for one method, until their moment."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from server.errors import ForbiddenError
from server.objects.signing import PATH, UrlSigner
from server.secrets.secret import Secret


class Time:
    def __init__(self):
        self.ms = 1_795_302_000_000

    def now_ms(self):
        return self.ms

    def monotonic(self):
        return self.ms / 1000


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def signer(time):
    return UrlSigner(Secret("secret"), "https://school.example/", time)


def taken_apart(url):
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "school.example")
    return parts.path.removeprefix(PATH), dict(parse_qsl(parts.query))


def test_a_url_is_good_until_its_moment(signer, time):
    key, query = taken_apart(signer.sign("GET", "t/a b.mp4", seconds=60))
    assert key == "t/a%20b.mp4"
    signer.check("GET", "t/a b.mp4", query)
    signer.check("HEAD", "t/a b.mp4", query)
    time.ms += 59_999
    signer.check("GET", "t/a b.mp4", query)
    time.ms += 1
    with pytest.raises(ForbiddenError, match="expired"):
        signer.check("GET", "t/a b.mp4", query)


@pytest.mark.parametrize(
    ("method", "key", "change"),
    [
        ("PUT", "t/a", {}),
        ("DELETE", "t/a", {}),
        ("GET", "t/b", {}),
        ("GET", "t/a", {"expires": "99999999999"}),
        ("GET", "t/a", {"expires": "x"}),
        ("GET", "t/a", {"signature": "0" * 64}),
        ("GET", "t/a", {"signature": "ü\udc80"}),
        ("GET", "t/a", {"signature": ""}),
        ("GET", "t/a", {"type": "text/html"}),
    ],
)
def test_anything_else_is_refused(signer, method, key, change):
    _, query = taken_apart(signer.sign("GET", "t/a", seconds=60))
    with pytest.raises(ForbiddenError):
        signer.check(method, key, query | change)


def test_a_url_to_put_names_the_type(signer):
    _, query = taken_apart(signer.sign("PUT", "t/a", seconds=60, content_type="image/png"))
    signer.check("PUT", "t/a", query)
    with pytest.raises(ForbiddenError):
        signer.check("PUT", "t/a", query | {"type": "text/html"})


def test_another_secret_signs_otherwise(signer, time):
    _, query = taken_apart(signer.sign("GET", "t/a", seconds=60))
    with pytest.raises(ForbiddenError):
        UrlSigner(Secret("other"), "https://school.example", time).check("GET", "t/a", query)
    with pytest.raises(ForbiddenError):
        signer.check("GET", "t/a", {})
