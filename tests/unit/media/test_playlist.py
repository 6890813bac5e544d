"""Playlists as players read them, and as we read them after a crash."""

from server.media.hls import manifest
from server.media.hls.playlist import File, Playlist, Segment, parse

AT = 1_795_338_000_000
SEGMENTS = [
    Segment("a.m4s", "init-0.mp4", 2_000, AT, False),
    Segment("b.m4s", "init-0.mp4", 2_133, AT + 2_000, False),
    Segment("c.m4s", "init-1.mp4", 400, AT + 9_000, True),
]


def recorded() -> Playlist:
    playlist = Playlist()
    for segment in SEGMENTS:
        for name in (segment.init, segment.name):
            playlist.files.setdefault(name, File(len(playlist.files) + 1, name[0] * 64))
        playlist.add(segment)
    return playlist


def test_a_playlist_says_what_a_player_needs() -> None:
    assert recorded().vod().decode() == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init-0.mp4"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-22T09:00:00.000Z\n'
        "#EXTINF:2.000,\na.m4s\n#EXTINF:2.133,\nb.m4s\n"
        '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init-1.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T09:00:09.000Z\n#EXTINF:0.400,\nc.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_a_playlist_that_grows_tells_whoever_goes_on_what_is_stored() -> None:
    playlist = recorded()
    text = playlist.event().decode()
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
    assert "#EXT-X-ENDLIST" not in text
    again = parse(text)
    assert again.segments == SEGMENTS
    assert again.files == playlist.files
    assert not again.ended
    assert (again.duration_ms, again.size) == (4_533, 15)
    # What is added then is written as if it had never been read.
    more = Segment("d.m4s", "init-1.mp4", 2_000, AT + 9_400, False)
    for each in (playlist, again):
        each.files["d.m4s"] = File(9, "d" * 64)
        each.add(more)
    assert again.event() == playlist.event()
    assert parse(again.vod().decode()).ended


def test_the_target_of_a_playlist_that_grows_stays_what_it_was() -> None:
    playlist = Playlist()
    targets = set()
    for number, duration in enumerate((400, 2_000, 4_100, 1_000)):
        playlist.add(Segment(f"{number}.m4s", "i.mp4", duration, AT, False))
        targets.add(playlist.event().decode().splitlines()[2])
    assert targets == {"#EXT-X-TARGETDURATION:6"}


def test_the_clock_has_a_pair_where_time_jumps_and_nowhere_else() -> None:
    playlist = recorded()
    assert playlist.clock == ((AT, 0), (AT + 9_000, 4_133))
    # Another size is a discontinuity, and no jump in time.
    playlist.add(Segment("d.m4s", "init-0.mp4", 2_000, AT + 9_400, True))
    assert playlist.clock == ((AT, 0), (AT + 9_000, 4_133))


def test_a_manifest_lists_every_file() -> None:
    listed = manifest.manifest_of(recorded())
    assert [*listed.files] == ["init-0.mp4", "a.m4s", "b.m4s", "init-1.mp4", "c.m4s"]
    assert listed.files["b.m4s"] == manifest.ListedFile(3, "b" * 64, 2_133)
    assert (listed.bytes, listed.duration_ms) == (15, 4_533)
    assert manifest.decode(manifest.encode(listed)) == listed
