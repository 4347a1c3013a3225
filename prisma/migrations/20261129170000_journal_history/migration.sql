-- Positions begin with the number of the history that they belong to, since a failover or a restore may cut a history and
-- give its transaction ids out again. The upper bits of "xid" hold the number, the lower 44 the transaction id.
LOCK TABLE "journal" IN EXCLUSIVE MODE;

CREATE TABLE "journal_history" (
    "number" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "system_identifier" BIGINT NOT NULL,
    "relation" BIGINT NOT NULL,
    "began_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "journal_history_pkey" PRIMARY KEY ("number")
);
-- What was written before histories had numbers.
INSERT INTO "journal_history" ("number", "tag", "system_identifier", "relation") VALUES (0, '0', 0, 0);

-- The number is the server's timeline, which a promotion and a recovery to a point in time increase, plus a base, which
-- the journal increases by replacing this function when the tables were restored from a dump. pg_walfile_name is folded
-- into cached plans; that is sound, because a timeline never changes while a server accepts writes, and because the
-- function fails on a standby.
CREATE FUNCTION "journal_history_number"() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT ('x' || left(pg_walfile_name('0/1'), 8))::bit(32)::bigint + 0 $$;
CREATE OR REPLACE FUNCTION "journal_xid"() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT (journal_history_number() << 44) + pg_current_xact_id()::text::bigint $$;
CREATE OR REPLACE FUNCTION "journal_horizon"() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT (journal_history_number() << 44) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;

-- The last entry whose order is final, or the last one that was dropped.
CREATE FUNCTION "journal_end"() RETURNS TABLE ("xid" BIGINT, "seq" BIGINT) LANGUAGE sql STABLE AS $$
  SELECT known.xid, known.seq FROM (
    (SELECT j.xid, j.seq FROM journal AS j WHERE j.xid < journal_horizon() ORDER BY j.xid DESC, j.seq DESC LIMIT 1)
    UNION ALL SELECT p.xid, p.seq FROM journal_pruned AS p
  ) AS known ORDER BY known.xid DESC, known.seq DESC LIMIT 1
$$;

-- Readers go by position alone: a clock that was wrong must not make them pass anything by.
ALTER TABLE "audit_cursor" DROP COLUMN "at";
ALTER TABLE "delivery_cursor" DROP COLUMN "at";
