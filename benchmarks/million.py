"""Screenings as a site has them after a year or two, by set-based SQL: a million in a few minutes.

Of a thousand, the newest last: 700 clear, 10 clear and drawn for the audit, 140 flagged, 40 held, 90 edited
away, 18 imported, 1 failed, 1 pending. Most of what was queued has been decided; about 2.5 % are open. The
texts come from a table of those given, over and over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
SECONDS_APART = 63
"""A million in two years."""

TEXTS = "CREATE TABLE benchmark_texts (number integer PRIMARY KEY, text text NOT NULL)"

KINDS = """
CREATE OR REPLACE VIEW benchmark_kinds AS SELECT * FROM (VALUES
    (0, 700, 'object', 'done', 'clear', '', true, 0.0),
    (700, 710, 'object', 'done', 'clear', 'audit', true, 0.6),
    (710, 850, 'object', 'done', 'flagged', 'flagged', true, 0.88),
    (850, 890, 'object', 'done', 'held', 'held', true, 0.9),
    (890, 980, 'object', 'superseded', '', '', false, 0.0),
    (980, 998, 'import', 'done', 'clear', '', true, 0.0),
    (998, 999, 'object', 'failed', '', 'failed', true, 0.8),
    (999, 1000, 'object', 'pending', '', '', true, 0.0)
) AS kind (first, beyond, source, status, verdict, queued_for, is_current, decided)
"""

SCREENINGS = """
INSERT INTO moderation_screening (
    source, content_type_id, object_id, field, text, text_key, author_key, is_current, created, status,
    priority, attempts, deaths, error_code, verdict, severity, outcome, queued_for, sampling_probability,
    scored, reviewed, action_pending, hidden_by_us, labels, language, author_name, page_key
)
SELECT
    source,
    CASE WHEN source = 'object' THEN %(content_type)s END,
    CASE WHEN source = 'object' THEN (1000000000 + rows.number)::text ELSE '' END,
    CASE WHEN source = 'object' THEN 'comment' ELSE '' END,
    texts.text,
    encode(sha256(rows.number::text::bytea), 'hex'),
    (rows.number * 7919 %% 20000)::text,
    is_current,
    moment,
    status,
    0,
    0,
    0,
    CASE WHEN status = 'failed' THEN 'scoring-error:ValueError' ELSE '' END,
    verdict,
    CASE verdict WHEN 'held' THEN 0.45 + 0.1 * random() WHEN 'flagged' THEN 0.5 * random()
        WHEN 'clear' THEN -0.3 - 0.1 * random() ELSE 0 END,
    CASE WHEN chance >= decided THEN '' WHEN verdict = 'clear' OR random() < 0.3 THEN 'show' ELSE 'hide' END,
    queued_for,
    CASE WHEN status = 'pending' THEN NULL WHEN queued_for IN ('', 'audit') THEN 0.01 ELSE 1 END,
    CASE WHEN status = 'done' THEN moment + interval '1 second' END,
    CASE WHEN chance < decided THEN moment + interval '1 hour' END,
    false,
    verdict = 'held',
    CASE WHEN verdict IN ('flagged', 'held') THEN (
        SELECT jsonb_agg(label)::text FROM benchmark_labels WHERE rows.number * 7907 %% 100 < percent
    ) ELSE '' END,
    CASE WHEN status = 'pending' THEN '' WHEN rows.number * 7901 %% 1000 < 920 THEN 'en'
        WHEN rows.number * 7901 %% 1000 < 999 THEN 'de' ELSE 'fr' END,
    CASE WHEN source = 'object' THEN 'Author ' || rows.number * 7919 %% 20000 ELSE '' END,
    CASE WHEN source = 'object' THEN 'articles.article:' || rows.number * 7879 %% 5000 ELSE '' END
FROM (
    SELECT number, number * 7919 %% 1000 AS kind_number, random() AS chance,
        now() - make_interval(secs => %(seconds)s * (%(newest)s - number)) AS moment
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
) AS rows
JOIN benchmark_kinds ON kind_number >= benchmark_kinds.first AND kind_number < beyond
JOIN benchmark_texts AS texts ON texts.number = rows.number %% %(texts)s
ORDER BY rows.number
"""

SCORINGS = """
INSERT INTO moderation_scoring (
    screening_id, model_version_id, purpose, is_basis, scores, thresholds, created
)
SELECT
    id, CASE WHEN number <= %(newest)s / 10 THEN %(older)s ELSE %(version)s END, 'live', true,
    jsonb_build_object(
        'toxic', score, 'severe_toxic', score * 0.1, 'obscene', score * 0.6, 'threat', score * 0.04,
        'insult', score * 0.7, 'identity_hate', score * 0.1
    ),
    %(thresholds)s::jsonb,
    scored
FROM (
    SELECT id, id AS number, scored, round((severity + 0.41)::numeric, 6) AS score
    FROM moderation_screening WHERE id > %(after)s AND status = 'done'
) AS done
"""

SHARES = """
CREATE OR REPLACE VIEW benchmark_labels AS SELECT * FROM (VALUES
    ('toxic', 100), ('insult', 60), ('obscene', 50), ('severe_toxic', 8), ('identity_hate', 10), ('threat', 3)
) AS share (label, percent)
"""

LABEL_SCORES = """
INSERT INTO moderation_labelscore (scoring_id, label, score)
SELECT scoring.id, label, (scoring.scores ->> label)::float
FROM moderation_scoring AS scoring
JOIN moderation_screening AS screening ON screening.id = scoring.screening_id
CROSS JOIN LATERAL jsonb_array_elements_text(screening.labels::jsonb) AS label
WHERE screening.id > %(after)s AND screening.labels <> ''
"""

REVIEWS = """
INSERT INTO moderation_review (
    screening_id, number, kind, decision, outcome, labels, model_version_id, reviewer_name, note, created,
    reason
)
SELECT
    id, 1, 'decision',
    CASE WHEN outcome <> 'hide' THEN 'false_positive' WHEN id %% 100 = 7 THEN 'other_reason'
        ELSE 'uphold' END,
    outcome, jsonb_build_object('toxic', outcome = 'hide', 'insult', NULL), %(version)s,
    CASE WHEN id <= %(newest)s / 5 THEN 'moderator who left' ELSE 'moderator ' || id %% 7 END, '', reviewed,
    CASE WHEN outcome <> 'hide' OR id %% 100 <> 7 THEN '' WHEN id %% 1000 = 7 THEN 'illegal' ELSE 'spam' END
FROM moderation_screening WHERE id > %(after)s AND outcome <> ''
"""

AUDIT_ENTRIES = """
INSERT INTO moderation_auditentry (created, username, action, target_type, target_id, before, after)
SELECT
    reviewed, 'moderator ' || id %% 7, 'review.decided', 'screening', id::text, '{"outcome": ""}',
    jsonb_build_object('outcome', outcome, 'decision', 'uphold')
FROM moderation_screening WHERE id > %(after)s AND outcome <> ''
"""

SIZES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relname IN ('moderation_screening', 'moderation_scoring', 'moderation_labelscore',
    'moderation_review', 'moderation_auditentry')
ORDER BY 1
"""


def prepare(texts: Sequence[str]) -> None:
    """The texts, and which kinds of screenings there are."""
    with connection.cursor() as cursor:
        cursor.execute(TEXTS)
        rows = [(number, text.replace("\x00", "")) for number, text in enumerate(texts)]
        cursor.executemany("INSERT INTO benchmark_texts VALUES (%s, %s)", rows)
        cursor.execute(KINDS)
        cursor.execute(SHARES)


def grow(
    first: int, last: int, *, newest: int, texts: int, content_type: int, version: int, older: int
) -> None:
    """Add the screenings with the numbers `first` to `last`, and what belongs to them.

    newest: the number that is as old as this moment. texts: how many there are. content_type, version: ids.
    older: id of the version that scored the oldest tenth; one moderator made the oldest fifth of decisions.
    """
    thresholds = json.dumps(dict.fromkeys(LABELS, 0.41))
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM moderation_screening")
        (after,) = cursor.fetchone()
        cursor.execute("SELECT setseed(0.5)")
        numbers = {"first": first, "last": last, "newest": newest, "texts": texts}
        settings = {"seconds": SECONDS_APART, "content_type": content_type}
        cursor.execute(SCREENINGS, {**numbers, **settings})
        values = {"after": after, "version": version, "older": older, "newest": newest}
        values["thresholds"] = thresholds
        for statement in (SCORINGS, LABEL_SCORES, REVIEWS, AUDIT_ENTRIES):
            cursor.execute(statement, values)
        # as autovacuum leaves it behind some time later
        cursor.execute("VACUUM (ANALYZE)")


INDEX_SIZES = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relkind = 'i' AND relname IN ('moderation_open', 'moderation_open_by_id', 'moderation_open_reasons',
    'moderation_by_language', 'moderation_by_version', 'moderation_reviewer_dates', 'moderation_by_reason',
    'moderation_by_author_name', 'moderation_by_page', 'moderation_words')
ORDER BY 1
"""


def bytes_by_index() -> dict[str, int]:
    """{index of the queue's lists, filters and search: bytes}."""
    with connection.cursor() as cursor:
        cursor.execute(INDEX_SIZES)
        return dict(cursor.fetchall())


def bytes_by_table() -> dict[str, int]:
    """{table: bytes with its indexes}."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        return dict(cursor.fetchall())
