"""The manifest of a recording that is complete: every file, its size and its SHA-256."""

import msgspec

from server.media.hls.playlist import File, Playlist

NAME = "manifest.json"
ONE_FILE = "recording.mp4"
"""All of it as one file, where somebody asked for that; the manifest does not list it."""
FORMAT = "liveclass-recording/1"


class ListedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file; a segment also has a duration."""

    bytes: int
    sha256: str
    duration_ms: int | None = None


class Manifest(msgspec.Struct, frozen=True):
    """What a recording consists of, in the order in which it plays."""

    format: str
    duration_ms: int
    bytes: int
    files: dict[str, ListedFile]

    @property
    def known(self) -> dict[str, File]:
        """The files as a playlist knows them."""
        return {name: File(each.bytes, each.sha256) for name, each in self.files.items()}


def manifest_of(playlist: Playlist) -> Manifest:
    """Return the manifest of the files that a playlist names."""
    durations = {segment.name: segment.duration_ms for segment in playlist.segments}
    files = {
        name: ListedFile(each.bytes, each.sha256, durations.get(name))
        for name, each in playlist.files.items()
    }
    return Manifest(FORMAT, playlist.duration_ms, playlist.size, files)


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest))


def decode(data: bytes) -> Manifest:
    """Return the manifest that :func:`encode` wrote.

    Raises:
        ValueError: If it is none.

    """
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ValueError("this is no manifest") from error
    if found.format != FORMAT:
        raise ValueError("this manifest has another format")
    return found
