-- AlterTable
ALTER TABLE "account" ADD COLUMN     "quotas" JSONB NOT NULL DEFAULT '{}';

-- CreateTable
CREATE TABLE "usage" (
    "account_id" UUID NOT NULL,
    "quota" TEXT NOT NULL,
    "used" BIGINT NOT NULL,

    CONSTRAINT "usage_pkey" PRIMARY KEY ("account_id","quota")
);

-- CreateTable
CREATE TABLE "usage_change" (
    "id" BIGSERIAL NOT NULL,
    "account_id" UUID NOT NULL,
    "quota" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "usage_change_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "usage_change_account_id_idx" ON "usage_change"("account_id");

-- What is counted for quotas is noted by the tables themselves, statement by statement, in the transaction that changes
-- them: also what cascades, which no program sees. A change is a new row and never an update, so that transactions of one
-- account don't wait for each other.

CREATE FUNCTION "note_task_usage"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO usage_change (account_id, quota, amount)
    SELECT account_id, quota, amount FROM (
      SELECT account_id,
             count(*) FILTER (WHERE status IN ('SCHEDULED', 'PENDING')) AS waiting,
             count(*) FILTER (WHERE status = 'ACTIVE') AS running,
             sum(octet_length(input::text) + coalesce(octet_length(result::text), 0)) AS bytes
      FROM added GROUP BY account_id
    ) AS task, LATERAL (VALUES ('waitingTasks', waiting), ('runningTasks', running), ('storedBytes', bytes)) AS change (quota, amount)
    WHERE amount <> 0;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO usage_change (account_id, quota, amount)
    SELECT account_id, quota, -amount FROM (
      SELECT account_id,
             count(*) FILTER (WHERE status IN ('SCHEDULED', 'PENDING')) AS waiting,
             count(*) FILTER (WHERE status = 'ACTIVE') AS running,
             sum(octet_length(input::text) + coalesce(octet_length(result::text), 0)) AS bytes
      FROM removed GROUP BY account_id
    ) AS task, LATERAL (VALUES ('waitingTasks', waiting), ('runningTasks', running), ('storedBytes', bytes)) AS change (quota, amount)
    WHERE amount <> 0;
  ELSE
    -- An input never changes, so it is not looked at.
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

CREATE TRIGGER "task_added_usage" AFTER INSERT ON "task" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "note_task_usage"();
CREATE TRIGGER "task_changed_usage" AFTER UPDATE ON "task" REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_task_usage"();
CREATE TRIGGER "task_removed_usage" AFTER DELETE ON "task" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_task_usage"();

-- For any table of which each row takes some bytes: the argument is an expression that says how many. A table that is
-- updated needs all three triggers, one that is only added to and deleted from the first and the last.
CREATE FUNCTION "note_stored_bytes"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
  change CONSTANT TEXT := CASE TG_OP
    WHEN 'INSERT' THEN format('SELECT account_id, %s AS bytes FROM added', TG_ARGV[0])
    WHEN 'DELETE' THEN format('SELECT account_id, -(%s) AS bytes FROM removed', TG_ARGV[0])
    ELSE format('SELECT account_id, %1$s AS bytes FROM added UNION ALL SELECT account_id, -(%1$s) FROM removed', TG_ARGV[0])
  END;
BEGIN
  EXECUTE format(
    'INSERT INTO usage_change (account_id, quota, amount)
     SELECT account_id, ''storedBytes'', sum(bytes) FROM (%s) AS each_row GROUP BY account_id HAVING sum(bytes) <> 0', change);
  RETURN NULL;
END $$;

CREATE TRIGGER "task_log_added_usage" AFTER INSERT ON "task_log" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('octet_length(message)');
CREATE TRIGGER "task_log_removed_usage" AFTER DELETE ON "task_log" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('octet_length(message)');

CREATE TRIGGER "task_part_added_usage" AFTER INSERT ON "task_part" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
CREATE TRIGGER "task_part_changed_usage" AFTER UPDATE ON "task_part" REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');
CREATE TRIGGER "task_part_removed_usage" AFTER DELETE ON "task_part" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION "note_stored_bytes"('size_bytes');

-- What is there already.
INSERT INTO usage (account_id, quota, used)
SELECT account_id, quota, sum(used) FROM (
  SELECT account_id, 'waitingTasks' AS quota, count(*) AS used FROM task WHERE status IN ('SCHEDULED', 'PENDING') GROUP BY 1
  UNION ALL
  SELECT account_id, 'runningTasks', count(*) FROM task WHERE status = 'ACTIVE' GROUP BY 1
  UNION ALL
  SELECT account_id, 'storedBytes', sum(octet_length(input::text) + coalesce(octet_length(result::text), 0)) FROM task GROUP BY 1
  UNION ALL
  SELECT account_id, 'storedBytes', sum(octet_length(message)) FROM task_log GROUP BY 1
  UNION ALL
  SELECT account_id, 'storedBytes', sum(size_bytes) FROM task_part GROUP BY 1
) AS present GROUP BY account_id, quota;
