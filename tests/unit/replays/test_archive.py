"""An archive that is written while it is sent is one that every program reads."""

import hashlib
import io
import json
from zipfile import ZipFile

from server.replays.archive import zipped


async def test_what_is_sent_is_a_zip_with_a_manifest() -> None:
    big = [bytes([number]) * 70_000 for number in range(5)]

    async def pieces(parts):
        for part in parts:
            yield part

    async def files():
        yield "empty", pieces([])
        yield "media/größe.m4s", pieces(big)

    sent = [each async for each in zipped(files(), {"title": "T"}, 1_700_000_000_000)]
    assert max(map(len, sent)) < 71_000, "memory holds a piece"
    with ZipFile(io.BytesIO(b"".join(sent))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["empty", "media/größe.m4s", "manifest.json"]
        assert archive.read("media/größe.m4s") == b"".join(big)
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["format"], manifest["title"]) == ("liveclass-replay/1", "T")
    assert manifest["files"]["media/größe.m4s"] == {
        "bytes": 350_000,
        "sha256": hashlib.sha256(b"".join(big)).hexdigest(),
    }
