"""What we change in session descriptions, and the answers of WHIP and WHEP that are not SDP."""

import re
from http import HTTPStatus

import msgspec

from protocol.rest import Problem, ProblemCode
from server.media.fabric import Answer

PROBLEM = "application/problem+json"

START_KBPS = 2_500
MIN_KBPS = 500
MAX_KBPS = 6_000
# Level 4.2: 1080p60. What we pass on we need not decode.
_LEVEL = "2a"

_H264_FMTP = re.compile(
    r"^(a=fmtp:\d+ [^\r\n]*profile-level-id=[0-9a-fA-F]{4})[0-9a-fA-F]{2}", re.M
)


class UnacceptableOfferError(Exception):
    """The offer cannot be answered; status, code and detail say why."""

    def __init__(self, status: int, code: ProblemCode, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code: ProblemCode = code
        self.detail = detail

    def answer(self) -> Answer:
        """Return the problem document (RFC 9457)."""
        return problem(self.status, self.code, self.detail)


def problem(
    status: int, code: ProblemCode, detail: str, headers: dict[str, str] | None = None
) -> Answer:
    """Return an RFC 9457 problem as an answer."""
    body = msgspec.json.encode(Problem(code, HTTPStatus(status).phrase, status, detail))
    return Answer(status, {"Content-Type": PROBLEM, **(headers or {})}, body)


def offer(body: bytes) -> str:
    """Return the offer that was posted, without what only costs time.

    Candidates under ``.local`` are names only the peer's own network knows; looking them up
    costs seconds. Without them the end of candidates must not be believed either: the peer's
    address is learnt from its first check.

    Raises:
        UnacceptableOfferError: If the body is not an SDP offer with media and ICE.

    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _not_sdp() from None
    lines = [line.rstrip("\r") for line in text.split("\n")]
    has = {line[:2] for line in lines}
    if lines[0] != "v=0" or not {"o=", "s=", "m="} <= has:
        raise _not_sdp()
    if "a=ice-ufrag:" not in text or "a=fingerprint:" not in text:
        raise UnacceptableOfferError(400, "bad_request", "The offer has no ICE or DTLS attributes.")
    kept = [line for line in lines if not _is_dropped(line)]
    return "\r\n".join(kept).rstrip("\r\n") + "\r\n"


def kinds(text: str) -> frozenset[str]:
    """Return what an offer has media sections for.

    Raises:
        UnacceptableOfferError: If it has two of a kind: one publisher is one picture.

    """
    sections = re.findall(r"^m=(audio|video) ", text, re.M)
    if len(sections) != len(set(sections)):
        raise UnacceptableOfferError(
            422, "bad_request", "Offer at most one audio and one video section."
        )
    return frozenset(sections)


def answer(sdp: str) -> str:
    """Return our answer with a usable bitrate from the start and the level we take."""
    hints = (
        f";x-google-start-bitrate={START_KBPS};x-google-min-bitrate={MIN_KBPS}"
        f";x-google-max-bitrate={MAX_KBPS}"
    )
    return re.sub(
        r"^(a=fmtp:\d+ [^\r\n]*profile-level-id=[^\r\n]*)",
        rf"\g<1>{hints}",
        _H264_FMTP.sub(rf"\g<1>{_LEVEL}", sdp),
        flags=re.M,
    )


def candidates(fragment: bytes) -> list[tuple[str | None, str]]:
    """Return the candidates of a trickle fragment (RFC 8840 §9) as pairs of mid and candidate.

    Raises:
        UnacceptableOfferError: If the fragment is not text.

    """
    try:
        text = fragment.decode()
    except UnicodeDecodeError:
        raise _not_sdp() from None
    mid = None
    found: list[tuple[str | None, str]] = []
    for line in text.splitlines():
        if line.startswith("a=mid:"):
            mid = line[6:].strip()
        elif line.startswith("a=candidate:") and not _is_dropped(line):
            found.append((mid, line[12:].strip()))
    return found


def _is_dropped(line: str) -> bool:
    if line.startswith("a=end-of-candidates"):
        return True
    if not line.startswith("a=candidate:"):
        return False
    fields = line.split()
    return len(fields) < 8 or fields[4].lower().endswith(".local")


def _not_sdp() -> UnacceptableOfferError:
    return UnacceptableOfferError(400, "bad_request", "The body is not an SDP offer.")
