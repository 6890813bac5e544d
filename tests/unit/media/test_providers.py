"""The platforms' profiles, and what follows from them."""

import pytest

from server.media.destinations import providers
from server.media.destinations.address import parse
from server.media.destinations.providers import (
    CUSTOM,
    PROVIDERS,
    Picture,
    most_kbps,
    objections,
    owns,
    provider,
    secured,
    warnings_of,
)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_an_address_that_a_profile_names_is_its_own_and_secure_where_it_can_be(name: str) -> None:
    profile = PROVIDERS[name]
    assert profile.name == name
    for url in (profile.ingest, profile.backup):
        if url is not None:
            assert parse(url).app
            assert owns(profile, url)
            assert secured(profile, url) == url
    for host, secure in profile.secure_hosts:
        assert owns(profile, f"rtmps://{(secure or host).replace('*', 'a')}/app")


def test_who_is_not_known_is_a_plain_server() -> None:
    assert provider("somebody") is CUSTOM
    assert owns(CUSTOM, "rtmp://a.example/live")
    assert secured(CUSTOM, "rtmp://a.example/live") == "rtmp://a.example/live"


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("youtube", "rtmp://a.rtmp.youtube.com/live2", "rtmps://a.rtmps.youtube.com:443/live2"),
        ("youtube", "rtmp://b.rtmp.youtube.com:1935/live2?backup=1",
         "rtmps://b.rtmps.youtube.com:443/live2?backup=1"),
        ("twitch", "rtmp://fra05.contribute.live-video.net/app",
         "rtmps://fra05.contribute.live-video.net:443/app"),
        ("twitch", "rtmp://live.twitch.tv/app", "rtmp://live.twitch.tv/app"),
        ("x", "rtmp://va.pscp.tv:80/x", "rtmps://va.pscp.tv:443/x"),
    ],
)  # fmt: skip
def test_plain_connections_are_secured_where_it_is_offered(
    name: str, url: str, expected: str
) -> None:
    assert secured(PROVIDERS[name], url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "rtmps://youtube.com.evil.example/live2",
        "rtmps://evil.example/a.rtmps.youtube.com",
        "rtmps://a.rtmps.youtube.com@evil.example/live2",
        "rtmp://127.0.0.1/live2",
        "rtmp:///live2",
    ],
)
def test_what_only_looks_like_the_platform_is_not_its_own(url: str) -> None:
    assert not owns(PROVIDERS["youtube"], url)


def test_a_class_sends_what_every_platform_takes() -> None:
    assert most_kbps(["youtube", "twitch", "custom"]) == 6_000
    assert most_kbps(["custom", "somebody"]) is None
    assert most_kbps([]) is None


def test_a_good_picture_meets_no_objection() -> None:
    for profile in PROVIDERS.values():
        assert objections(profile, Picture(1280, 720, 2_500, 30, 2.4)) == []
        assert objections(profile, Picture(720, 1280, 2_500, 30, 2.4)) == []


def test_what_to_know_of_a_destination_is_told_before() -> None:
    youtube = PROVIDERS["youtube"]
    found = warnings_of(youtube, url="rtmp://a.rtmp.youtube.com/live2", profile="tolerant")
    assert [each.code for each in found] == ["secured", "strict", "max_kbps", "max_hours"]
    found = warnings_of(youtube, url=youtube.ingest or "", profile="strict")
    assert [each.code for each in found] == ["max_kbps", "max_hours"]
    found = warnings_of(CUSTOM, url="rtmp://a.example/live", profile="tolerant")
    assert [each.code for each in found] == ["plain"]


def test_holds_are_bounded() -> None:
    assert all(0 < each.hold_seconds <= providers.HOLD_SECONDS for each in PROVIDERS.values())
