"""``python -m tests.searching``: how long searches take in a school's archive; one JSON line.

A real PostgreSQL is filled by COPY with classes of so many segments each, of words as frequent as
words are (Zipf: the commonest is in most sentences), and 50 chat messages per class. Then people
search, one after the other; the time is that of the whole answer, facets and snippets included.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from contextlib import AsyncExitStack
from itertools import accumulate

import asyncpg
import click

from server.embedded import EmbeddedServices
from server.ids import new_id
from server.logs import configure
from server.store import courses, search, standings, tenants, users
from server.store.migrate import migrate
from server.store.pool import Pools
from server.store.search import Searcher, Wanted
from tests.directories import reachable_directory

WORDS, CHAT, COURSES, OF_STUDENT = 20_000, 50, 25, 20
NOW_MS = 1_795_302_000_000
DAY_MS = 86_400_000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "el", "in")]


class Archive:
    """A tenant with ``classes`` of ``segments`` each, and the people who search it."""

    def __init__(self, pools, classes, segments, seed):
        self.pools, self.classes, self.segments = pools, classes, segments
        self.random = random.Random(seed)
        self.words = self._vocabulary()
        self.weights = [*accumulate(1 / rank for rank in range(1, WORDS + 1))]
        self.sessions = [new_id() for _ in range(classes)]
        self.teacher, self.student, self.pupil = new_id(), new_id(), new_id()
        self.phrases = []

    def _vocabulary(self):
        words = set()
        while len(words) < WORDS:
            words.add("".join(self.random.choices(SYLLABLES, k=self.random.randint(2, 4))))
        return self.random.sample(sorted(words), WORDS)

    async def fill(self, url):
        self.tenant = (await tenants.create(self.pools, "School")).id
        async with self.pools.tenant(self.tenant) as connection:
            for person in (self.teacher, self.student, self.pupil):
                await users.ensure(connection, self.tenant, person, "Somebody")
            await users.give_role(connection, self.tenant, self.teacher, "teacher")
            await users.give_role(connection, self.tenant, self.pupil, "student")
            self.courses = [
                (await courses.create(connection, self.tenant, title=f"Course {number}")).id
                for number in range(COURSES)
            ]
            lessons = [
                (await courses.create_lesson(connection, self.tenant, course, title="One")).id
                for course in self.courses
            ]
        connection = await asyncpg.connect(url)
        try:
            await self._copy(connection, lessons)
        finally:
            await connection.close()

    async def _copy(self, connection, lessons):
        await connection.execute("SET ROLE liveclass_owner")
        await connection.execute("ALTER TABLE findable DISABLE TRIGGER USER")
        await connection.execute("SET maintenance_work_mem = '512MB'")
        await connection.execute("CREATE TABLE raw (session_id uuid, kind text, n int, text text)")
        await connection.executemany(
            "INSERT INTO sessions (id, tenant_id, lesson_id, title, status, started_at) "
            "VALUES ($1, $2, $3, $4, 'ended', to_timestamp($5::float8 / 1000))",
            [
                (session, self.tenant, lessons[number % COURSES], self._text(3),
                 float(NOW_MS - number * DAY_MS))
                for number, session in enumerate(self.sessions)
            ],
        )  # fmt: skip
        people = [(session, self.teacher, "teacher") for session in self.sessions]
        mine = self.random.sample(self.sessions, min(OF_STUDENT, self.classes))
        people += [(session, self.student, "student") for session in mine]
        await connection.executemany(
            "INSERT INTO session_participants (tenant_id, session_id, user_id, role) "
            f"VALUES ('{self.tenant}', $1, $2, $3)", people,
        )  # fmt: skip
        for session in self.sessions:
            rows = [(session, "transcript", n, self._text(12)) for n in range(self.segments)]
            rows += [(session, "chat", n, self._text(6)) for n in range(CHAT)]
            rows += [(session, "chapter", n, self._text(3)) for n in range(10)]
            self.phrases.append(self.random.choice(rows)[-1])
            await connection.copy_records_to_table("raw", records=rows)
        await connection.execute("DROP INDEX findable_words")
        await connection.execute(
            """
            INSERT INTO findable (tenant_id, session_id, kind, source_id, ordinal, start_ms, at,
                is_public, text, dictionary, words)
            SELECT s.tenant_id, s.id, r.kind,
                CASE r.kind WHEN 'transcript' THEN s.id ELSE gen_random_uuid() END, r.n,
                r.n * 3000, s.started_at, r.kind <> 'chat' OR r.n % 5 > 0, r.text, 'english',
                to_tsvector('english', r.text)
            FROM raw r JOIN sessions s ON s.id = r.session_id
            """
        )
        await connection.execute(
            "INSERT INTO class_words (tenant_id, session_id, word) "
            "SELECT DISTINCT f.tenant_id, f.session_id, word FROM findable f, "
            "unnest(tsvector_to_array(to_tsvector('simple', f.text))) AS word "
            "WHERE f.kind <> 'chat' AND length(word) >= 4"
        )
        await connection.execute(
            "CREATE INDEX findable_words ON findable USING gin (tenant_id, session_id, words) "
            "WITH (gin_pending_list_limit = 256)"
        )
        await connection.execute("DROP TABLE raw")
        await connection.execute("ALTER TABLE findable ENABLE TRIGGER USER")
        for table in ("findable", "class_words", "sessions", "session_participants"):
            await connection.execute(f"VACUUM ANALYZE {table}")

    def _text(self, words):
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=words))

    def queries(self, count):
        """Yield ``(name, user, wanted)``: so many of each sort."""
        choose = self.random
        for _ in range(count):
            rare = choose.choice(self.words[WORDS // 2 :])
            medium = choose.choice(self.words[100:1000])
            common = choose.choice(self.words[:10])
            phrase = " ".join(choose.choice(self.phrases).split()[:3])
            typo = next(
                word for word in iter(lambda: choose.choice(self.words), 0) if len(word) > 7
            )
            place = choose.randrange(1, len(typo) - 1)
            course = {"course": choose.choice(self.courses)}
            yield "rare word", self.teacher, Wanted(rare)
            yield "word in 1 of 100", self.teacher, Wanted(medium)
            yield "common word", self.teacher, Wanted(common)
            yield "two common words", self.teacher, Wanted(f"{common} {self.words[5]}")
            yield "common and rare", self.teacher, Wanted(f"{common} {rare}")
            yield "phrase", self.teacher, Wanted(f'"{phrase}"')
            yield "typo", self.teacher, Wanted(typo[:place] + typo[place + 1 :])
            yield "common, one course", self.teacher, Wanted(common, **course)
            yield "common, chapters", self.teacher, Wanted(common, kind="chapter")
            yield (
                "common, one month",
                self.teacher,
                Wanted(common, since=NOW_MS - 600 * DAY_MS, until=NOW_MS - 570 * DAY_MS),
            )
            yield (
                "student of 20 classes",
                self.student,
                Wanted(choose.choice([common, medium, rare])),
            )
            yield "student of all", self.pupil, Wanted(choose.choice([common, medium, rare]))

    async def find(self, user, wanted):
        async with self.pools.tenant(self.tenant) as connection:
            granted, _ = await standings.list_granted(connection, self.tenant, user)
            who = Searcher.of(user, granted, is_staff=True)
            return await search.search(connection, who, wanted, now_ms=NOW_MS, limit=20)


def percentile(times, share):
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000, 1)


async def measure(classes, segments, count, seed):
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(reachable_directory())
        services = await stack.enter_async_context(EmbeddedServices(directory, fast=True))
        await migrate(services.database_url)
        pools = await stack.enter_async_context(Pools.open(services.database_url, size=2))
        archive = Archive(pools, classes, segments, seed)
        began = time.perf_counter()
        await archive.fill(services.database_url)
        print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        times, totals = {}, {}
        for name, user, wanted in [*archive.queries(3), *archive.queries(count)]:
            began = time.perf_counter()
            found = await archive.find(user, wanted)
            times.setdefault(name, []).append(time.perf_counter() - began)
            totals.setdefault(name, []).append(found.total)
        # The first three of each only warm up.
        warm = {name: each[3:] for name, each in times.items()}
        warm["all"] = [each for some in warm.values() for each in some]
        totals["all"] = [each for some in totals.values() for each in some]
        return {
            name: {
                "p50_ms": percentile(each, 0.5), "p95_ms": percentile(each, 0.95),
                "p99_ms": percentile(each, 0.99), "hits": round(statistics.median(totals[name])),
            }
            for name, each in warm.items()
        }  # fmt: skip


@click.command()
@click.option("--classes", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--segments", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--count", type=click.IntRange(1), default=40, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(classes, segments, count, seed):
    """Fill an archive, search in it, and say how long that took."""
    configure("console", "warning")
    results = asyncio.run(measure(classes, segments, count, seed))
    for name, row in results.items():
        print(f"{name:<24}" + "".join(f"{key} {value:>8}  " for key, value in row.items()))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
