import pytest

from protocol.rest.assets import NewUpload, UploadType
from server.assets.kinds import KINDS, MOST_BYTES, sniff

MP4 = b"\0\0\0\x20ftyp%s\0\0\0\0"
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webm"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\xef\xbb\xbf\r\n%PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "image/webp"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (MP4 % b"isom", "video/mp4"),
        (MP4 % b"mp42", "video/mp4"),
        (WEBM, "video/webm"),
        # Near them, and none of them.
        (b"", None),
        (b"<svg onload='alert(1)'>", None),
        (b"<html>%PDF-1.4", None),
        (b"PK\3\4", None),
        (b"RIFF\1\2\3\4WAVE", None),
        (b"GIF90a", None),
        (b"\x89PNG", None),
        (MP4 % b"heic", None),
        (MP4 % b"qt  ", None),
        (WEBM.replace(b"\x84webm", b"\x88matroska"), None),
        (b"MZ", None),
    ],
)
def test_a_file_is_what_its_first_bytes_say(head, kind):
    assert sniff(head) == kind


def test_what_may_be_announced_is_what_is_known():
    announced = UploadType.__origin__.__args__
    assert set(KINDS) == set(announced)
    assert all(name == kind.content_type for name, kind in KINDS.items())
    assert "bytes" in NewUpload.__struct_fields__
    assert MOST_BYTES == 512 << 20
