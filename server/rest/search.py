"""Search over all classes that somebody may see."""

import base64
import re

import msgspec
from msgspec.structs import asdict

from protocol import rest
from protocol.codec import timestamp
from protocol.rest import SearchQuery, SearchResults
from server.auth.access import STAFFERS
from server.config import settings_key
from server.errors import InvalidInputError
from server.rest.ports import clock_key
from server.rest.route import Call
from server.store import search as store
from server.store import standings
from server.store.search import START, STOP, Count, Found, Hit, Place, Searcher, Wanted

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ORDINALS = range(1 << 62)
_TIMES = range(1 << 43)


async def search(call: Call[None, SearchQuery]) -> SearchResults:
    """Find what was said, written and shown in classes.

    Transcripts (captions, where there is none yet), chapters, highlights, notes, chat, questions
    and answers, slides, and the titles of classes, lessons and courses. Everybody finds what they
    may see: students nothing that was meant for staff, only their own notes, and nothing of
    classes that are not theirs; the same holds for the counts. Where nothing is found, words are
    read as those they are most like, and ``corrected`` says so.
    """
    query = call.query
    after = None if query.after is None else _place(query.after)
    limit = query.limit
    now_ms = call.app[clock_key].now_ms() if after is None else after.as_of
    wanted = Wanted(
        text=query.q,
        kind=query.kind,
        course=query.course,
        teacher=query.teacher,
        session=query.session,
        language=query.language,
        since=None if query.from_ is None else int(query.from_.timestamp() * 1000),
        until=None if query.to is None else int(query.to.timestamp() * 1000),
    )
    who = call.identity
    async with call.database() as connection:
        granted, _ = await standings.list_granted(connection, who.tenant, who.user)
        found = await store.search(
            connection,
            Searcher.of(who.user, granted, is_staff=who.role in STAFFERS),
            wanted,
            now_ms=now_ms,
            after=after,
            limit=limit + 1,
        )
    return _results(found, limit, now_ms, call.app[settings_key].public_url)


def _results(found: Found, limit: int, now_ms: int, public_url: str) -> SearchResults:
    shown = found.hits[:limit]
    return SearchResults(
        items=tuple(_hit(each, public_url) for each in shown),
        next=_cursor(shown[-1], now_ms) if len(found.hits) > limit else None,
        total=found.total,
        total_is_exact=found.is_exact,
        corrected=found.corrected,
        facets=rest.SearchFacets(
            kinds=_counts(found.kinds),
            courses=_counts(found.courses),
            teachers=_counts(found.teachers),
            months=_counts(found.months),
        ),
    )


def _hit(hit: Hit, public_url: str) -> rest.SearchHit:
    fields = asdict(hit)
    del fields["score"]
    fields["id"] = fields.pop("source")
    moment = "" if hit.start_ms is None else f"?at={hit.start_ms}"
    snippet, highlights = _highlighted(hit.snippet)
    return rest.SearchHit(
        **fields
        | {
            "at": timestamp(hit.at),
            "url": f"{public_url}/sessions/{hit.session}/replay{moment}",
            "snippet": snippet,
            "highlights": highlights,
        },
    )


def _highlighted(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the text without marks, and where they were."""
    first, *rest_ = marked.split(START)
    text, ranges = first, []
    for part in rest_:
        match, _, more = part.partition(STOP)
        ranges.append((len(text), len(text) + len(match)))
        text += match + more
    return text, tuple(ranges)


def _counts(counts: tuple[Count, ...]) -> tuple[rest.FacetCount, ...]:
    return tuple(rest.FacetCount(each.value, each.name, each.count) for each in counts)


def _cursor(hit: Hit, as_of: int) -> str:
    place = Place(as_of, hit.score, hit.session, hit.kind, hit.source, hit.ordinal)
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> Place:
    """Return what :func:`_cursor` was made of.

    Raises:
        InvalidInputError: If it was not made here.

    """
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = msgspec.json.decode(data, type=Place)
    except ValueError:  # of base64, UTF-8 and msgspec
        place = None
    if (
        place is None
        or place.as_of not in _TIMES
        or place.ordinal not in _ORDINALS
        or not _UUID.fullmatch(place.session)
        or not _UUID.fullmatch(place.source)
        or "\0" in place.kind
    ):
        raise InvalidInputError("Expected `next` of the page before.", field="after")
    return place
