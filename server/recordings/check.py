"""Whether a copy of a recording's folder is what was recorded."""

import hashlib
from pathlib import Path

from server.media.hls import manifest, playlist

PIECE = 1 << 20


def faults(directory: Path) -> list[str]:
    """Compare every file with the manifest; return what is wrong, one sentence each."""
    try:
        listed = manifest.decode((directory / manifest.NAME).read_bytes())
        text = (directory / playlist.NAME).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        return [f"{Path(error.filename).name} is missing."]
    except (OSError, ValueError) as error:
        return [f"It cannot be read: {error}."]
    found = [
        fault for name, each in listed.files.items() if (fault := _fault(directory / name, each))
    ]
    named = {name for each in playlist.parse(text).segments for name in (each.init, each.name)}
    found += [f"{name} is not in the manifest." for name in sorted(named - listed.files.keys())]
    return found


def _fault(path: Path, listed: manifest.ListedFile) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except FileNotFoundError:
        return f"{path.name} is missing."
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}."
    if digest.hexdigest() != listed.sha256:
        return f"{path.name} is not what was recorded."
    return None
