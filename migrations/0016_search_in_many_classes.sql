-- Finding of slides, and finding in many classes at once: by chunks of classes, the newest first.

SET LOCAL ROLE :prefix_owner;

CREATE INDEX ON findable (tenant_id, kind);

-- Slides are found for as long as their text is kept.
ALTER TABLE asset_pages ADD COLUMN dictionary text NOT NULL DEFAULT 'simple';
CREATE FUNCTION find_page() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO findable (tenant_id, session_id, kind, source_id, ordinal, at, is_public,
            text, dictionary, words)
        VALUES (NEW.tenant_id, NEW.session_id, 'slide', NEW.asset_id, NEW.page, now(), true,
            NEW.text, NEW.dictionary, to_tsvector(NEW.dictionary::regconfig, NEW.text))
        ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM findable WHERE session_id = OLD.session_id AND kind = 'slide'
            AND source_id = OLD.asset_id AND ordinal = OLD.page;
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION find_page() FROM PUBLIC;
CREATE TRIGGER found AFTER INSERT OR DELETE ON asset_pages
    FOR EACH ROW EXECUTE FUNCTION find_page();

DROP FUNCTION search_texts(text[], tsquery[], uuid[], boolean[], uuid, text, int);

-- Return some texts that match, of the classes given (the newest first) and of no other: all, if
-- they are less than "most", or those of the newest classes. Those of "staffed" completely; of the
-- others, only what is public or the viewer's own. What is common is soon found class by class;
-- what is rare, at once and wherever it is.
CREATE FUNCTION search_texts(
    dictionaries text[], queries tsquery[], sessions uuid[], staffed uuid[], viewer uuid,
    of_kind text, most int
) RETURNS TABLE (
    session_id uuid, kind text, source_id uuid, ordinal bigint, query int, rank real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    -- Of most kinds there are so few that they are read, and compared without the index of words.
    matches text := CASE WHEN of_kind NOT IN ('transcript', 'caption', 'chat')
            THEN '(f.words @@ $1) IS TRUE' ELSE 'f.words @@ $1' END
        || ' AND f.dictionary = $2 AND f.tenant_id = $3'
        || CASE WHEN of_kind IS NULL THEN '' ELSE format(' AND f.kind = %L', of_kind) END;
    shown text := 'SELECT f.session_id, f.kind, f.source_id, f.ordinal, $4,
            ts_rank_cd(f.words, $1, 1)
        FROM findable f WHERE ' || matches || ' AND %s
          AND (f.is_public OR f.author_id = $6 OR f.session_id = ANY ($7))
          AND (f.kind <> ''caption'' OR NOT EXISTS (
            SELECT FROM findable t
            WHERE t.session_id = f.session_id AND t.kind = ''transcript''))';
    -- By the index, class by class; or whatever matches, and then of which class it is.
    by_class text := format(shown, 'f.session_id = ANY ($5)');
    at_once text := format(shown, '(f.session_id = ANY ($5)) IS TRUE');
    number int;
    more bigint;
    matching bigint;
    found bigint := 0;
    size int := 8;
    first int := 1;
BEGIN
    WHILE first <= cardinality(sessions) AND found < most LOOP
        matching := 0;
        FOR number IN 1 .. cardinality(queries) LOOP
            RETURN QUERY EXECUTE by_class
                USING queries[number], dictionaries[number], search_tenant(), number,
                    sessions[first : first + size - 1], viewer, staffed;
            GET DIAGNOSTICS more = ROW_COUNT;
            matching := matching + more;
        END LOOP;
        found := found + matching;
        first := first + size;
        -- As many as are likely to be enough. Too many: then it may be rare.
        size := least(500, greatest(4, size * (most - found) / greatest(matching, 1)));
        EXIT WHEN size > 300 AND cardinality(sessions) - first > 100;
    END LOOP;
    IF first > cardinality(sessions) OR found >= most THEN
        RETURN;
    END IF;
    matching := 0;
    FOR number IN 1 .. cardinality(queries) LOOP
        EXECUTE 'SELECT count(*) FROM (SELECT FROM findable f WHERE ' || matches
            || ' LIMIT $4) AS few'
            INTO more USING queries[number], dictionaries[number], search_tenant(), most;
        matching := matching + more;
    END LOOP;
    IF matching < most THEN
        by_class := at_once;
        size := cardinality(sessions);
    END IF;
    WHILE first <= cardinality(sessions) AND found < most LOOP
        FOR number IN 1 .. cardinality(queries) LOOP
            RETURN QUERY EXECUTE by_class
                USING queries[number], dictionaries[number], search_tenant(), number,
                    sessions[first : first + size - 1], viewer, staffed;
            GET DIAGNOSTICS more = ROW_COUNT;
            found := found + more;
        END LOOP;
        first := first + size;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION
    search_texts(text[], tsquery[], uuid[], uuid[], uuid, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    search_texts(text[], tsquery[], uuid[], uuid[], uuid, text, int) TO :prefix_app;

-- Return for each of the words the one most like it that these classes know, if one is like it: by
-- pg_trgm.similarity_threshold. The words alone use the index, their tenant is looked at then.
CREATE OR REPLACE FUNCTION search_words(wanted text[], sessions uuid[])
RETURNS TABLE (number int, word text, likeness real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT w.number::int, best.word, best.likeness
    FROM unnest(wanted) WITH ORDINALITY AS w (wanted, number)
    CROSS JOIN LATERAL (
        SELECT c.word, similarity(c.word, w.wanted) AS likeness
        FROM class_words c
        WHERE c.word % w.wanted AND (c.tenant_id = search_tenant()) IS TRUE
          AND (c.session_id = ANY (sessions)) IS TRUE
        GROUP BY c.word
        ORDER BY likeness DESC, count(*) DESC, c.word LIMIT 1) AS best
$$;

RESET ROLE;
