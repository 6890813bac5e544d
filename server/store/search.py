"""Search over what a tenant's classes say: who finds what, in one place.

A person finds what they could come upon by themselves. Which classes: those a role of theirs
covers, or that they were let into; not one that they wait for or were shut out of. What of a
class: staff of it all; others what the view of students shows (``findable.is_public``), and their
own. The log's role in a class wins over a given one (:mod:`server.auth.policy` says the same of
one class). Counts, facets and corrections are made of what is found by that rule, and of nothing
else.

Words are matched in the language of each text. Texts that match beyond :data:`MOST` are those of
the newest classes: then the counts say so, and what a common word finds is still answered fast.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .pool import AcquiredConnection
from .projections.search import DICTIONARIES
from .standings import Granted, Reach

MOST = 2000
"""How many texts are ranked and counted."""
START, STOP = "\x02", "\x03"
"""What stands around the words that matched, in a snippet."""
_LIKENESS = 0.4
"""How many of the trigrams of two words are the same, if one may stand for the other."""
_STAFF = ("assistant", "teacher", "admin")
_WORD = re.compile(r"[^\W\d_]{4,40}")


class Searcher(NamedTuple):
    """Who searches: what they reach in any role, and as staff."""

    user: str
    all: Reach
    staff: Reach

    @classmethod
    def of(cls, user: str, granted: Iterable[Granted], *, is_staff: bool) -> "Searcher":
        """Return what ``granted`` opens; with ``is_staff`` also the parts for staff."""
        given = [*granted]
        as_staff = [each for each in given if is_staff and each.role in _STAFF]
        return cls(user, Reach.of(user, given, ()), Reach.of(user, as_staff, ()))


class Wanted(Struct, frozen=True):
    """What to look for; times are in milliseconds since the epoch."""

    text: str
    kind: str | None = None
    course: str | None = None
    teacher: str | None = None
    session: str | None = None
    language: str | None = None
    since: int | None = None
    until: int | None = None


class Place(Struct, frozen=True):
    """Where in the order of hits a page begins; hits are as old as they were ``as_of``."""

    as_of: int
    score: float
    session: str
    kind: str
    source: str
    ordinal: int


class Hit(Struct, frozen=True):
    """One text that matches; ``snippet`` with :data:`START` and :data:`STOP`."""

    score: float
    session: str
    kind: str
    source: str
    ordinal: int
    session_title: str
    lesson: str | None
    lesson_title: str | None
    course: str | None
    course_title: str | None
    teacher: str | None
    teacher_name: str | None
    at: int
    start_ms: int | None
    snippet: str


class Count(Struct, frozen=True):
    """How many hits there are of one value; ``name`` is what people call it."""

    value: str
    count: int
    name: str | None = None


class Found(Struct, frozen=True):
    """One page of hits, and the counts of all; ``corrected`` is what was looked for instead."""

    total: int
    is_exact: bool
    hits: tuple[Hit, ...]
    kinds: tuple[Count, ...]
    courses: tuple[Count, ...]
    teachers: tuple[Count, ...]
    months: tuple[Count, ...]
    corrected: str | None = None


# $1 user, $2–$4 reach, $5–$7 reach as staff, $8–$13 filters, $14–$15 dictionaries by language.
_VISIBLE = """
visible AS MATERIALIZED (
    SELECT s.id, s.title, s.started_at, l.id AS lesson, l.title AS lesson_title,
        c.id AS course, c.title AS course_title,
        coalesce(s.started_at, s.scheduled_at, s.created_at) AS at,
        coalesce(known.dictionary, 'simple') AS dictionary,
        CASE WHEN me.role IS NOT NULL THEN me.role <> 'student'
            ELSE $5::boolean OR coalesce(c.id = ANY ($6::uuid[]), false)
                OR s.id = ANY ($7::uuid[]) END AS is_staff
    FROM sessions s
    LEFT JOIN lessons l ON l.id = s.lesson_id
    LEFT JOIN courses c ON c.id = l.course_id
    LEFT JOIN session_participants me ON me.session_id = s.id AND me.user_id = $1
    LEFT JOIN unnest($14::text[], $15::text[]) AS known (language, dictionary)
        ON known.language = split_part(lower(s.language), '-', 1)
    WHERE (CASE WHEN me.role IS NOT NULL THEN me.status = 'admitted'
            ELSE $2::boolean OR coalesce(c.id = ANY ($3::uuid[]), false)
                OR s.id = ANY ($4::uuid[]) END)
      AND ($8::uuid IS NULL OR c.id = $8)
      AND ($9::uuid IS NULL OR EXISTS (
        SELECT FROM session_participants t
        WHERE t.session_id = s.id AND t.user_id = $9 AND t.role = 'teacher'))
      AND ($10::uuid IS NULL OR s.id = $10)
      AND ($11::text IS NULL OR lower(s.language) = lower($11)
        OR lower(s.language) LIKE lower($11) || '-%')
      AND ($12::timestamptz IS NULL OR coalesce(s.started_at, s.scheduled_at, s.created_at) >= $12)
      AND ($13::timestamptz IS NULL OR coalesce(s.started_at, s.scheduled_at, s.created_at) < $13)
)"""

# A query of what is not to be there alone would find nearly everything: it finds nothing.
_FIND = f"""
WITH {_VISIBLE},
asked AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY dictionary)::int AS number, dictionary, query
    FROM (
        SELECT dictionary, websearch_to_tsquery(dictionary::regconfig, $16) AS query
        FROM (SELECT search_dictionaries() UNION SELECT dictionary FROM visible) AS d (dictionary)
    ) AS parsed
    WHERE querytree(query) NOT IN ('', 'T')
),
texts AS MATERIALIZED (
    SELECT found.* FROM (
        SELECT coalesce(array_agg(id ORDER BY at DESC, id DESC), '{{}}') AS ids,
            coalesce(array_agg(id) FILTER (WHERE is_staff), '{{}}') AS staffed
        FROM visible) AS v,
        (SELECT coalesce(array_agg(dictionary ORDER BY number), '{{}}') AS dictionaries,
            coalesce(array_agg(query ORDER BY number), '{{}}') AS queries FROM asked) AS a,
        search_texts(a.dictionaries, a.queries, v.ids, v.staffed, $1, $17, {MOST}) AS found
    WHERE coalesce($17, '') NOT IN ('session', 'lesson', 'course')
),
titled AS (
    SELECT DISTINCT ON (place.kind, place.id)
        v.id AS session_id, place.kind, place.id AS source_id, place.title, v.dictionary
    FROM visible v CROSS JOIN LATERAL (VALUES
        ('session', v.id, v.title), ('lesson', v.lesson, v.lesson_title),
        ('course', v.course, v.course_title)) AS place (kind, id, title)
    WHERE place.id IS NOT NULL AND ($17::text IS NULL OR place.kind = $17)
    ORDER BY place.kind, place.id, v.at DESC, v.id DESC
),
titles AS (
    SELECT t.session_id, t.kind, t.source_id, 0::bigint, asked.number,
        ts_rank_cd(words.words, asked.query, 1)
    FROM titled t
    JOIN asked ON asked.dictionary = t.dictionary
    CROSS JOIN LATERAL (SELECT to_tsvector(t.dictionary::regconfig, t.title)) AS words (words)
    WHERE words.words @@ asked.query
),
found AS MATERIALIZED (
    SELECT f.session_id, f.kind, f.source_id, f.ordinal, f.query, v.at, v.course, v.course_title,
        (0.01 + f.rank) * (CASE f.kind
            WHEN 'course' THEN 4 WHEN 'lesson' THEN 4 WHEN 'session' THEN 4
            WHEN 'chapter' THEN 3 WHEN 'highlight' THEN 2 WHEN 'slide' THEN 1.5
            WHEN 'answer' THEN 1.2 WHEN 'chat' THEN 0.6 ELSE 1 END)
        * (1 + 1 / (1 + greatest(0, extract(epoch FROM $18::timestamptz - v.at)::float8)
            / (180 * 86400))) AS score
    FROM (SELECT * FROM texts UNION ALL SELECT * FROM titles)
        AS f (session_id, kind, source_id, ordinal, query, rank)
    JOIN visible v ON v.id = f.session_id
),
teachers AS MATERIALIZED (
    SELECT DISTINCT ON (p.session_id) p.session_id, p.user_id, u.display_name
    FROM session_participants p JOIN users u ON u.id = p.user_id
    WHERE p.role = 'teacher' AND p.session_id IN (SELECT session_id FROM found)
    ORDER BY p.session_id, p.join_time NULLS LAST, p.user_id
),
page AS (
    SELECT * FROM found
    WHERE $19::float8 IS NULL
        OR (score, session_id, kind, source_id, ordinal) < ($19, $20::uuid, $21, $22::uuid, $23)
    ORDER BY score DESC, session_id DESC, kind DESC, source_id DESC, ordinal DESC LIMIT $24
),
hits AS (
    SELECT h.score, h.session_id AS session, h.kind, h.source_id AS source, h.ordinal,
        v.title AS session_title, v.lesson, v.lesson_title, v.course, v.course_title,
        t.user_id AS teacher, t.display_name AS teacher_name,
        floor(extract(epoch FROM coalesce(f.at, v.at)) * 1000)::bigint AS at,
        CASE WHEN h.kind IN ('session', 'lesson', 'course', 'slide') THEN f.start_ms
            ELSE coalesce(f.start_ms, floor(extract(epoch FROM
                greatest(f.at - v.started_at, interval '0')) * 1000)::bigint) END AS start_ms,
        ts_headline(a.dictionary::regconfig,
            translate(coalesce(f.text, CASE h.kind WHEN 'session' THEN v.title
                WHEN 'lesson' THEN v.lesson_title ELSE v.course_title END), '{START}{STOP}', ''),
            a.query, 'StartSel={START}, StopSel={STOP}, MaxWords=40, MinWords=20') AS snippet
    FROM page h
    JOIN visible v ON v.id = h.session_id
    JOIN asked a ON a.number = h.query
    LEFT JOIN teachers t ON t.session_id = h.session_id
    LEFT JOIN findable f ON f.session_id = h.session_id AND f.kind = h.kind
        AND f.source_id = h.source_id AND f.ordinal = h.ordinal
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM found),
    'is_exact', (SELECT count(*) FROM texts) < {MOST},
    'hits', (SELECT coalesce(jsonb_agg(to_jsonb(hits) ORDER BY
        score DESC, session DESC, kind DESC, source DESC, ordinal DESC), '[]') FROM hits),
    'kinds', (SELECT coalesce(jsonb_agg(jsonb_build_object('value', kind, 'count', n)
        ORDER BY n DESC, kind), '[]')
        FROM (SELECT kind, count(*) AS n FROM found GROUP BY kind) AS k),
    'courses', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'value', course, 'name', name, 'count', n) ORDER BY n DESC, course), '[]')
        FROM (SELECT course, min(course_title) AS name, count(*) AS n
            FROM found WHERE course IS NOT NULL GROUP BY course
            ORDER BY n DESC, course LIMIT 50) AS c),
    'teachers', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'value', user_id, 'name', name, 'count', n) ORDER BY n DESC, user_id), '[]')
        FROM (SELECT user_id, min(display_name) AS name, count(*) AS n
            FROM found JOIN teachers USING (session_id) GROUP BY user_id
            ORDER BY n DESC, user_id LIMIT 50) AS t),
    'months', (SELECT coalesce(jsonb_agg(jsonb_build_object('value', month, 'count', n)
        ORDER BY month DESC), '[]')
        FROM (SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*) AS n
            FROM found GROUP BY 1 ORDER BY 1 DESC LIMIT 60) AS m)
)"""  # noqa: S608

_LIKE = f"""
WITH {_VISIBLE}
SELECT DISTINCT ON (number) number, word FROM (
    SELECT * FROM search_words($16, (SELECT array_agg(id) FROM visible))
    UNION ALL
    SELECT wanted.number::int, known.word, similarity(known.word, wanted.word)
    FROM visible,
        unnest(tsvector_to_array(to_tsvector('simple',
            concat_ws(' ', title, lesson_title, course_title)))) AS known (word),
        unnest($16::text[]) WITH ORDINALITY AS wanted (word, number)
    WHERE known.word % wanted.word
) AS best (number, word, likeness)
ORDER BY number, likeness DESC, word"""  # noqa: S608


async def search(
    connection: AcquiredConnection,
    who: Searcher,
    wanted: Wanted,
    *,
    now_ms: int,
    after: Place | None = None,
    limit: int = 20,
) -> Found:
    """Return what ``who`` finds, the best first, from what follows ``after``.

    Where nothing is found, words that no class knows are read as those they are most like.
    """
    found = await _find(connection, who, wanted, now_ms, after, limit)
    if found.total:
        return found
    corrected = await _correct(connection, who, wanted)
    if corrected == wanted.text:
        return found
    instead = await _find(connection, who, replace(wanted, text=corrected), now_ms, after, limit)
    return replace(instead, corrected=corrected) if instead.total else found


async def _find(
    connection: AcquiredConnection,
    who: Searcher,
    wanted: Wanted,
    now_ms: int,
    after: Place | None,
    limit: int,
) -> Found:
    as_of, *place = (
        (now_ms, None, None, None, None, None) if after is None else msgspec.structs.astuple(after)
    )
    # What is best depends on what is asked: a plan for all cases takes five times as long.
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    row: bytes = await connection.fetchval(
        _FIND, *_scope(who, wanted), wanted.text, wanted.kind, as_of, *place, limit
    )
    return msgspec.json.decode(row, type=Found)


async def _correct(connection: AcquiredConnection, who: Searcher, wanted: Wanted) -> str:
    """Return the text with each word as the classes that they see spell what is most like it."""
    words = [word.lower() for word in _WORD.findall(wanted.text)]
    if not words:
        return wanted.text
    await connection.execute(f"SET LOCAL pg_trgm.similarity_threshold = {_LIKENESS}")
    rows = await connection.fetch(_LIKE, *_scope(who, wanted), words)
    best = {words[number - 1]: word for number, word in rows}
    return _WORD.sub(lambda word: best.get(word[0].lower(), word[0]), wanted.text)


def _scope(who: Searcher, wanted: Wanted) -> tuple[object, ...]:
    reach, staff = who.all, who.staff
    return (
        who.user, reach.is_whole, reach.courses, reach.sessions,
        staff.is_whole, staff.courses, staff.sessions,
        wanted.course, wanted.teacher, wanted.session, wanted.language, wanted.since, wanted.until,
        [*DICTIONARIES], [*DICTIONARIES.values()],
    )  # fmt: skip
