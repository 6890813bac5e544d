"""What was posted as an offer: read, made whole, and refused with the reason where it cannot work.

The rules are those of WHIP (RFC 9725 §4.2, §4.4) and WHEP (draft-ietf-wish-whep), which are
mirror images: one audio and one video section at most, bundled, and no answer in part.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from server.media.sdp import MAX_CANDIDATES, UnacceptableOfferError, is_useless

Use = Literal["publish", "watch"]

MAX_LINES = 2_000

_MEDIA = re.compile(r"m=(?P<kind>[a-z]+) (?P<port>[0-9]+) (?P<protocol>[A-Z/]+) .+")
# FFmpeg 8.0 writes its own flag of Constrained Baseline, 0x200, where two digits belong.
_CONSTRAINED = re.compile(r"(profile-level-id=42)200([0-9a-fA-F]{2})\b")
_ROLES = ("sendrecv", "sendonly", "recvonly", "inactive")
_USABLE: dict[Use, frozenset[str]] = {
    "publish": frozenset(("sendonly", "sendrecv")),
    "watch": frozenset(("recvonly", "sendrecv")),
}
# What a bundle's first section says for all (RFC 9143 §7.1.3): aiortc wants it in each.
_OF_TRANSPORT = ("ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtcp-mux")


@dataclass(frozen=True, slots=True)
class Section:
    """One ``m=`` section."""

    kind: str
    lines: tuple[str, ...]

    def attribute(self, name: str) -> str | None:
        """Return the value of the first attribute ``name``; of a property it is empty."""
        return _attribute(self.lines, name)

    @property
    def direction(self) -> str:
        """Return which way media shall flow: both ways unless it says so (RFC 8866 §6.7)."""
        return next((each for each in _ROLES if f"a={each}" in self.lines), "sendrecv")


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered."""

    session: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """Return what there are sections for."""
        return frozenset(each.kind for each in self.sections)

    @property
    def ice_username(self) -> str:
        """Return the username fragment that names the peer's ICE session."""
        return self.sections[0].attribute("ice-ufrag") or ""

    @property
    def text(self) -> str:
        """Return the offer as SDP."""
        lines = [*self.session, *(line for each in self.sections for line in each.lines)]
        return "\r\n".join(lines) + "\r\n"


def read(body: bytes, use: Use) -> Offer:
    """Return the offer that was posted to publish or to watch.

    Candidates under ``.local`` are names only the peer's own network knows; looking them up
    costs seconds. Without them the end of candidates must not be believed either: the peer's
    address is learnt from its first check.

    Raises:
        UnacceptableOfferError: If the body is no SDP offer, or one that cannot be answered whole.

    """
    session, groups = _grouped(body)
    _refuse_other_media(groups)
    _require_bundle(session, groups)
    sections = _completed(session, groups)
    _require_transport(sections)
    _require_direction(sections, use)
    return Offer(session, sections)


def _grouped(body: bytes) -> tuple[tuple[str, ...], list[Section]]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _not_sdp() from None
    lines = [line.rstrip("\r") for line in text.rstrip("\r\n").split("\n")]
    if len(lines) > MAX_LINES or lines[0] != "v=0" or not {"o=", "s="} <= {x[:2] for x in lines}:
        raise _not_sdp()
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if not starts:
        raise _not_sdp()
    groups = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        media = _MEDIA.fullmatch(lines[start])
        if media is None:
            raise _not_sdp()
        groups.append(Section(media["kind"], tuple(_useful(lines[start:end]))))
    return tuple(lines[: starts[0]]), groups


def _useful(lines: list[str]) -> Iterator[str]:
    """Give the lines of a section that are believed, with no more candidates than we check."""
    candidates = 0
    for line in lines:
        if is_useless(line):
            continue
        if line.startswith("a=candidate:"):
            candidates += 1
            if candidates > MAX_CANDIDATES:
                continue
        yield _CONSTRAINED.sub(r"\g<1>e0\g<2>", line)


def _refuse_other_media(groups: list[Section]) -> None:
    """Refuse what would be answered in part only (RFC 9725 §4.4.2, §4.4.3)."""
    kinds = [each.kind for each in groups]
    if other := set(kinds) - {"audio", "video"}:
        which = "Data channels are" if "application" in other else "Only audio and video are"
        is_not = " not" if "application" in other else ""
        raise UnacceptableOfferError(422, "bad_request", f"{which}{is_not} taken here.")
    if len(kinds) != len(set(kinds)):
        raise UnacceptableOfferError(
            422, "bad_request", "Offer at most one audio and one video section."
        )


def _completed(session: tuple[str, ...], groups: list[Section]) -> tuple[Section, ...]:
    """Return the sections, each with what it has in common with the first one of the bundle."""
    first = groups[0]
    common: dict[str, str] = {}
    for name in _OF_TRANSPORT:
        for value in (_attribute(session, name), first.attribute(name)):
            if value is not None:
                common[name] = f"a={name}:{value}" if value else f"a={name}"

    def complete(section: Section) -> Section:
        missing = [line for name, line in common.items() if section.attribute(name) is None]
        return Section(section.kind, (*section.lines, *missing))

    return tuple(map(complete, groups))


def _require_transport(sections: tuple[Section, ...]) -> None:
    if any(each.attribute(name) is None for each in sections for name in _OF_TRANSPORT[:3]):
        raise UnacceptableOfferError(400, "bad_request", "The offer has no ICE or DTLS attributes.")


def _require_bundle(session: tuple[str, ...], sections: list[Section]) -> None:
    """Refuse more than one transport: max-bundle and rtcp-mux are demanded (RFC 9725 §4.4.1)."""
    if len(sections) > 1:
        mids = {each.attribute("mid") for each in sections}
        groups = [set(line.split()[1:]) for line in session if line.startswith("a=group:BUNDLE")]
        if len(mids) != len(sections) or mids not in groups:
            raise UnacceptableOfferError(
                422, "bad_request", "Bundle the sections: use the policy max-bundle."
            )
    for each in sections:
        # A section that exists only bundled need not say so (RFC 9143 §7.1.1).
        if each.attribute("rtcp-mux") is None and each.attribute("bundle-only") is None:
            raise UnacceptableOfferError(
                422, "bad_request", "Multiplex RTP and RTCP: a=rtcp-mux is missing."
            )


def _require_direction(sections: tuple[Section, ...], use: Use) -> None:
    wrong = sorted({each.direction for each in sections} - _USABLE[use])
    if wrong:
        wanted = "sendonly" if use == "publish" else "recvonly"
        raise UnacceptableOfferError(
            422, "bad_request", f"To {use} offer {wanted}, not {wrong[0]}."
        )


def _attribute(lines: tuple[str, ...], name: str) -> str | None:
    for line in lines:
        if line == f"a={name}":
            return ""
        if line.startswith(f"a={name}:"):
            return line[len(name) + 3 :].strip()
    return None


def _not_sdp() -> UnacceptableOfferError:
    return UnacceptableOfferError(400, "bad_request", "The body is not an SDP offer.")
