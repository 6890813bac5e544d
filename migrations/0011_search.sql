-- What people look for: every text of every class, in one table, and how it is found.

CREATE EXTENSION IF NOT EXISTS btree_gin;

SET LOCAL ROLE :prefix_owner;

-- One row for each thing that a search can point to: a sentence of a transcript, a message, a page
-- of slides. Written by the projector from the log, as the other tables are.
CREATE TABLE findable (
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN (
                    'transcript', 'caption', 'chapter', 'highlight', 'note', 'chat', 'question',
                    'answer', 'slide')),
    -- The artifact, message, question or asset; of a caption, the session.
    source_id   uuid NOT NULL,
    -- Which segment or page of it; of a caption, its event's sequence.
    ordinal     bigint NOT NULL DEFAULT 0,
    -- Since the class started; null: at its moment, "at".
    start_ms    bigint,
    at          timestamptz NOT NULL,
    author_id   uuid,
    -- Whether the view of students shows it; otherwise staff find it, and its author.
    is_public   boolean NOT NULL,
    text        text NOT NULL,
    -- The text search configuration of "words"; null words: it was taken out of sight.
    dictionary  text NOT NULL,
    words       tsvector,
    PRIMARY KEY (session_id, kind, source_id, ordinal),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
-- By class, and by tenant; what waits to be sorted in is read by every search, so it is little.
CREATE INDEX findable_words ON findable USING gin (tenant_id, session_id, words)
    WITH (gin_pending_list_limit = 256);
CREATE INDEX ON findable (tenant_id, dictionary);
CREATE INDEX ON findable (author_id) WHERE author_id IS NOT NULL;

-- The words of each class that were spoken or written with care, to correct what was mistyped by.
CREATE TABLE class_words (
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    word        text NOT NULL,
    PRIMARY KEY (session_id, word),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON class_words USING gin (tenant_id, word gin_trgm_ops)
    WITH (gin_pending_list_limit = 256);

ALTER TABLE findable ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON findable TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON findable TO :prefix_projector USING (true);
ALTER TABLE class_words ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON class_words TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON class_words TO :prefix_projector USING (true);
GRANT SELECT ON findable, class_words TO :prefix_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON findable, class_words TO :prefix_projector;

-- It replaces what each table had of its own.
ALTER TABLE chat_messages DROP COLUMN search;
ALTER TABLE questions DROP COLUMN search;
ALTER TABLE artifacts DROP COLUMN search;

-- Chat and questions teach no words: there people mistype. Nor does what not everybody may see.
CREATE FUNCTION learn_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO class_words (tenant_id, session_id, word)
    SELECT DISTINCT added.tenant_id, added.session_id, word
    FROM added, unnest(tsvector_to_array(to_tsvector('simple', added.text))) AS word
    WHERE added.is_public
      AND added.kind IN ('transcript', 'caption', 'chapter', 'highlight', 'slide')
      AND length(word) BETWEEN 4 AND 40 AND word !~ '[0-9]'
    LIMIT 5000
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER words_of_added AFTER INSERT ON findable
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION learn_words();
CREATE TRIGGER words_of_changed AFTER UPDATE ON findable
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION learn_words();
REVOKE EXECUTE ON FUNCTION learn_words() FROM PUBLIC;

-- The functions below read as the owner, because PostgreSQL uses no index on words or trigrams
-- beneath a policy (their operators might leak). So they keep to the tenant themselves.

CREATE FUNCTION search_tenant() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('app.tenant_id', true), '')::uuid
$$;

CREATE FUNCTION search_dictionaries() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE known AS (
        (SELECT dictionary FROM findable WHERE tenant_id = search_tenant()
         ORDER BY dictionary LIMIT 1)
        UNION ALL
        SELECT (SELECT f.dictionary FROM findable f
                WHERE f.tenant_id = search_tenant() AND f.dictionary > known.dictionary
                ORDER BY f.dictionary LIMIT 1)
        FROM known WHERE known.dictionary IS NOT NULL)
    SELECT dictionary FROM known WHERE dictionary IS NOT NULL
$$;

-- Return up to "most" texts that match, of the classes given (the newest first) and of no other.
-- Where is_staff says no, only what is public or the viewer's own. If more match than "most",
-- they are those of the newest classes.
CREATE FUNCTION search_texts(
    dictionaries text[], queries tsquery[], sessions uuid[], is_staff boolean[], viewer uuid,
    of_kind text, most int
) RETURNS TABLE (
    session_id uuid, kind text, source_id uuid, ordinal bigint, query int, rank real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place int;
    number int;
    matching int;
    room int := most;
    tenant uuid := search_tenant();
BEGIN
    -- With few classes it is cheapest to ask each. With many, words that are rare are found at
    -- once; words that are not, class by class until there are enough.
    IF cardinality(sessions) > 100 THEN
        SELECT count(*) INTO matching FROM (
            SELECT FROM unnest(dictionaries, queries) AS q (dictionary, query)
            JOIN findable f ON f.tenant_id = tenant AND f.words @@ q.query
                AND f.dictionary = q.dictionary
            LIMIT most + 1) AS found;
        IF matching <= most THEN
            RETURN QUERY
            SELECT f.session_id, f.kind, f.source_id, f.ordinal, q.number::int,
                ts_rank_cd(f.words, q.query, 1)
            FROM unnest(dictionaries, queries) WITH ORDINALITY AS q (dictionary, query, number)
            JOIN findable f ON f.tenant_id = tenant AND f.words @@ q.query
                AND f.dictionary = q.dictionary
            JOIN unnest(search_texts.sessions, search_texts.is_staff) AS s (id, is_staff)
                ON s.id = f.session_id
            WHERE (s.is_staff OR f.is_public OR f.author_id = viewer)
              AND (of_kind IS NULL OR f.kind = of_kind)
              AND (f.kind <> 'caption' OR NOT EXISTS (
                SELECT FROM findable t
                WHERE t.session_id = f.session_id AND t.kind = 'transcript'));
            RETURN;
        END IF;
    END IF;
    FOR place IN 1 .. cardinality(sessions) LOOP
        FOR number IN 1 .. cardinality(queries) LOOP
            RETURN QUERY
            SELECT f.session_id, f.kind, f.source_id, f.ordinal, number,
                ts_rank_cd(f.words, queries[number], 1)
            FROM findable f
            WHERE f.session_id = sessions[place] AND f.tenant_id = tenant
              AND f.words @@ queries[number] AND f.dictionary = dictionaries[number]
              AND (search_texts.is_staff[place] OR f.is_public OR f.author_id = viewer)
              AND (of_kind IS NULL OR f.kind = of_kind)
              AND (f.kind <> 'caption' OR NOT EXISTS (
                SELECT FROM findable t
                WHERE t.session_id = f.session_id AND t.kind = 'transcript'));
            GET DIAGNOSTICS matching = ROW_COUNT;
            room := room - matching;
        END LOOP;
        EXIT WHEN room <= 0;
    END LOOP;
END
$$;

-- Return for each of the words the one most like it that these classes know, if one is like it.
CREATE FUNCTION search_words(wanted text[], sessions uuid[])
RETURNS TABLE (number int, word text, likeness real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT w.number::int, best.word, best.likeness
    FROM unnest(wanted) WITH ORDINALITY AS w (wanted, number)
    CROSS JOIN LATERAL (
        SELECT c.word, similarity(c.word, w.wanted) AS likeness
        FROM class_words c
        WHERE c.tenant_id = search_tenant() AND c.word % w.wanted
          AND c.session_id = ANY (sessions)
        GROUP BY c.word
        ORDER BY likeness DESC, count(*) DESC, c.word LIMIT 1) AS best
    WHERE best.likeness >= 0.4
$$;

REVOKE EXECUTE ON FUNCTION
    search_dictionaries(), search_words(text[], uuid[]),
    search_texts(text[], tsquery[], uuid[], boolean[], uuid, text, int)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    search_dictionaries(), search_words(text[], uuid[]),
    search_texts(text[], tsquery[], uuid[], boolean[], uuid, text, int)
    TO :prefix_app;

RESET ROLE;
