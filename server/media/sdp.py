"""What we change in our answers, and the answers of WHIP and WHEP that are not SDP."""

import re
from http import HTTPStatus

import msgspec

from protocol.rest import Problem, ProblemCode
from server.media.fabric import Answer

PROBLEM = "application/problem+json"

START_KBPS = 2_500
MIN_KBPS = 500
MAX_KBPS = 6_000
MAX_CANDIDATES = 64
"""Of a peer: each is checked from each of our addresses."""
RETRY_SECONDS = 2
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
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": str(RETRY_SECONDS), **(headers or {})}
    return Answer(status, {"Content-Type": PROBLEM, **(headers or {})}, body)


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


def complete(sdp: str) -> str:
    """Return our answer with what WHIP wants said, and aiortc does but does not say.

    Candidates may be trickled to us, and nothing but multiplexed RTCP is taken (RFC 8858 §3).
    """
    trickled = sdp.replace("\r\nm=", "\r\na=ice-options:trickle\r\nm=", 1)
    return trickled.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-mux-only\r\n")


def is_useless(line: str) -> bool:
    """Say whether a line of a peer's SDP is better not believed.

    Names under ``.local`` only the peer's own network knows, candidates that are broken or for
    RTCP alone (RTCP is multiplexed), and, because the peer may be found without any, the end of
    candidates.
    """
    if line.startswith(("a=end-of-candidates", "a=rtcp:")):
        return True
    if not line.startswith("a=candidate:"):
        return False
    fields = line.split()
    return len(fields) < 8 or fields[1] != "1" or fields[4].lower().endswith(".local")
