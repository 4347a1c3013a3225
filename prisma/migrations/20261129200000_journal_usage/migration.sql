-- CreateTable
CREATE TABLE "journal_usage" (
    "account_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "bytes" BIGINT NOT NULL,

    CONSTRAINT "journal_usage_pkey" PRIMARY KEY ("account_id","day")
);

-- How much the journal stores for each account, by days (UTC), because it is dropped by days. Processes add up what they
-- write and record it about once a second, so that appending to the journal needs no statement of its own.
INSERT INTO "journal_usage" ("account_id", "day", "bytes")
SELECT account_id, (at AT TIME ZONE 'UTC')::date,
  sum(octet_length(data::text) + octet_length(actor::text) + octet_length(subject) + coalesce(octet_length(origin::text), 0))
FROM "journal" GROUP BY 1, 2;

-- Entries are rarely changed: the log lines of a task are removed from them on request.
CREATE FUNCTION "note_journal_change"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  UPDATE journal_usage AS known SET bytes = greatest(0, known.bytes + changed.bytes)
  FROM (
    SELECT account_id, (at AT TIME ZONE 'UTC')::date AS day, sum(bytes) AS bytes FROM (
      SELECT account_id, at, octet_length(data::text) AS bytes FROM added
      UNION ALL
      SELECT account_id, at, -octet_length(data::text) FROM removed
    ) AS each_row GROUP BY 1, 2
  ) AS changed
  WHERE known.account_id = changed.account_id AND known.day = changed.day;
  RETURN NULL;
END $$;
CREATE TRIGGER "journal_changed_usage" AFTER UPDATE ON "journal" REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_journal_change"();

-- A task's labels count as stored, as its input does.
CREATE OR REPLACE FUNCTION "note_task_usage"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO usage_change (account_id, quota, amount)
    SELECT account_id, quota, amount FROM (
      SELECT account_id,
             count(*) FILTER (WHERE status IN ('SCHEDULED', 'PENDING')) AS waiting,
             count(*) FILTER (WHERE status = 'ACTIVE') AS running,
             sum(octet_length(input::text) + octet_length(labels::text) + coalesce(octet_length(result::text), 0)) AS bytes
      FROM added GROUP BY account_id
    ) AS task, LATERAL (VALUES ('waitingTasks', waiting), ('runningTasks', running), ('storedBytes', bytes)) AS change (quota, amount)
    WHERE amount <> 0;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO usage_change (account_id, quota, amount)
    SELECT account_id, quota, -amount FROM (
      SELECT account_id,
             count(*) FILTER (WHERE status IN ('SCHEDULED', 'PENDING')) AS waiting,
             count(*) FILTER (WHERE status = 'ACTIVE') AS running,
             sum(octet_length(input::text) + octet_length(labels::text) + coalesce(octet_length(result::text), 0)) AS bytes
      FROM removed GROUP BY account_id
    ) AS task, LATERAL (VALUES ('waitingTasks', waiting), ('runningTasks', running), ('storedBytes', bytes)) AS change (quota, amount)
    WHERE amount <> 0;
  ELSE
    -- Input and labels never change, so they are left out.
    INSERT INTO usage_change (account_id, quota, amount)
    SELECT account_id, quota, amount FROM (
      SELECT account_id, sum(waiting) AS waiting, sum(running) AS running, sum(bytes) AS bytes FROM (
        SELECT account_id, (status IN ('SCHEDULED', 'PENDING'))::int AS waiting, (status = 'ACTIVE')::int AS running,
               coalesce(octet_length(result::text), 0) AS bytes
        FROM added
        UNION ALL
        SELECT account_id, -(status IN ('SCHEDULED', 'PENDING'))::int, -(status = 'ACTIVE')::int,
               -coalesce(octet_length(result::text), 0)
        FROM removed
      ) AS each_task GROUP BY account_id
    ) AS task, LATERAL (VALUES ('waitingTasks', waiting), ('runningTasks', running), ('storedBytes', bytes)) AS change (quota, amount)
    WHERE amount <> 0;
  END IF;
  RETURN NULL;
END $$;

INSERT INTO "usage_change" ("account_id", "quota", "amount")
SELECT account_id, 'storedBytes', sum(octet_length(labels::text)) FROM "task" GROUP BY account_id;
