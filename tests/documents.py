"""Files as teachers upload them, and as others make them to do harm."""

import io

from PIL import Image


def pictures_pdf(pages):
    """A PDF whose pages are pictures."""
    images = [Image.new("RGB", (400, 300), (index * 40 % 255, 80, 120)) for index in range(pages)]
    out = io.BytesIO()
    images[0].save(out, "PDF", save_all=True, append_images=images[1:])
    return out.getvalue()


def text_pdf(pages=1, *, box="0 0 612 792", text="Hello fractions", content=None, extra=b""):
    """A PDF whose pages all say ``text``; ``extra`` goes into its trailer."""
    content = content or b"BT /F1 24 Tf 72 700 Td (%s) Tj ET" % text.encode()
    kids = b" ".join(b"%d 0 R" % (5 + index) for index in range(pages))
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R "
        b"/Resources << /Font << /F1 3 0 R >> >> >>" % box.encode()
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        *[page] * pages,
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, extra, start,
    )  # fmt: skip
    return bytes(out)


def locked_pdf():
    """A PDF that asks for a password: nobody's digest is that of 32 zero bytes."""
    zeros = b"00" * 32
    return text_pdf(
        extra=b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> "
        b"/ID [<%s> <%s>]" % (zeros, zeros, zeros[:32], zeros[:32])
    )


def endless_pdf():
    """A PDF whose page takes minutes to draw."""
    lines = b"".join(
        b"%d %d m %d %d l S " % (i % 600, i % 700, i * 7 % 600, i * 13 % 700)
        for i in range(300_000)
    )
    return text_pdf(content=lines)


def picture(kind="PNG", size=(320, 200), **more):
    """A picture."""
    out = io.BytesIO()
    Image.new("RGB", size, (20, 120, 200)).save(out, kind, **more)
    return out.getvalue()
