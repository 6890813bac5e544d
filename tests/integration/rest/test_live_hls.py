"""What is on air as HLS: who finds it, in which order, and who may play it."""

import pytest

from server.hub.asks import Arrive, Who
from server.media.fabric import Answer
from tests.integration.rest.test_standing import does, room  # noqa: F401 (a fixture)
from tests.patience import PATIENCE

FILES = {
    "index.m3u8": Answer(200, {"Content-Type": "application/vnd.apple.mpegurl"}, b"#EXTM3U\n"),
    "live-7.m4s": Answer(200, {"Content-Type": "video/iso.segment"}, b"media"),
}


@pytest.fixture
def engine(fabric, monkeypatch):
    """An engine that carries the class, and how much room it has."""

    async def hls(session, file):
        return FILES.get(file, Answer(404))

    monkeypatch.setattr(fabric, "hls", hls)
    return fabric


@pytest.fixture
def on_air(api, school, engine, projector):
    """Begin the class, and return what its student may play."""

    async def begin():
        await does(api, school.teacher, school.session, "session.start", "1")
        assert await projector.wait_for(school.session, 1, timeout=PATIENCE)
        return await playback(api, school, school.student)

    return begin


async def playback(api, school, who):
    return (await api.get(who, f"/v1/sessions/{school.session}/playback")).body["items"]


async def test_what_there_is_room_for_comes_first(api, school, engine, on_air, monkeypatch):
    ways = await on_air()
    assert [way["kind"] for way in ways] == ["whep", "hls"]
    monkeypatch.setattr(engine, "has_room", lambda: False)
    ways = await playback(api, school, school.student)
    assert [way["kind"] for way in ways] == ["hls", "whep"]


async def test_before_a_class_begins_there_is_no_hls(api, school, engine):
    assert await playback(api, school, school.student) == []
    assert [way["kind"] for way in await playback(api, school, school.teacher)] == ["whep"]


@pytest.mark.parametrize("who", ["teacher", "student"])
async def test_it_is_played_with_the_grant_alone(api, school, on_air, who):
    await on_air()
    ways = await playback(api, school, getattr(school, who))
    (url,) = (way["url"] for way in ways if way["kind"] == "hls")
    playlist = await api.get(None, url)
    assert (playlist.status, playlist.raw) == (200, b"#EXTM3U\n")
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert playlist.headers["Cache-Control"] == "no-cache"
    segment = await api.get(None, url.replace("index.m3u8", "live-7.m4s"))
    assert (segment.status, segment.raw) == (200, b"media")
    assert "immutable" in segment.headers["Cache-Control"]
    missing = await api.get(None, url.replace("index.m3u8", "live-8.m4s"))
    assert missing.status == 404
    assert "Cache-Control" not in missing.headers
    for name in ("../secret.m3u8", "live.exe"):
        assert (await api.get(None, url.replace("index.m3u8", name))).status == 404


async def test_who_is_removed_plays_no_more_whatever_their_grant_says(
    api,
    school,
    on_air,
    room,  # noqa: F811
):
    session, student = school.session, school.student
    room.submit(Arrive(Who(student.id, "Student", "student")))
    ways = await on_air()
    url = ways[1]["url"]
    assert (await api.get(None, url)).status == 200
    await does(api, school.teacher, session, "participant.remove", "2", user=student.id)
    assert (await api.get(None, url)).status == 403
    assert (await api.get(None, url.replace("index.m3u8", "live-7.m4s"))).status == 403


async def test_a_grant_of_another_kind_or_class_opens_nothing(api, school, on_air):
    ways = await on_air()
    url = ways[1]["url"]
    grant = url.split("/")[-2]
    for forged in (grant.replace(".student.", ".teacher."), grant.replace(".student.", "."), "x"):
        answer = await api.get(None, url.replace(grant, forged))
        assert answer.status == 401
    recorded = url.replace("/live/", f"/recordings/{school.session}/")
    assert (await api.get(None, recorded)).status == 401
