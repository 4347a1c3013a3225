ALTER TABLE "task" ADD COLUMN "rank" SMALLINT NOT NULL DEFAULT 0;

-- Tasks that wait for their lane's turn, in the order in which the lane lets them go.
CREATE INDEX "task_lane_order_idx" ON "task"("account_id", "priority", (coalesce("fairness_key", '')), "rank" DESC, "id")
  WHERE "held" = 'SHARE';

CREATE TABLE "task_clock" (
    "priority" "priority" NOT NULL,
    "now" BIGINT NOT NULL,

    CONSTRAINT "task_clock_pkey" PRIMARY KEY ("priority")
) WITH (fillfactor = 10);

INSERT INTO "task_clock" ("priority", "now") VALUES ('CRITICAL', 0), ('NORMAL', 0), ('BATCH', 0);

CREATE TABLE "task_share" (
    "priority" "priority" NOT NULL,
    "account_id" UUID NOT NULL,
    "next" BIGINT NOT NULL,
    "taken" INTEGER NOT NULL,
    "lane_next" BIGINT NOT NULL DEFAULT 0,
    "lane_now" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "places" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "task_share_pkey" PRIMARY KEY ("priority","account_id")
) WITH (fillfactor = 50);

CREATE TABLE "task_lane" (
    "priority" "priority" NOT NULL,
    "account_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "weight" INTEGER NOT NULL,
    "next" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "task_lane_pkey" PRIMARY KEY ("priority","account_id","key")
);

CREATE INDEX "task_lane_next_idx" ON "task_lane"("priority", "account_id", "next", "key");

-- Chooses tasks that wait in the lanes of an account for these jobs: always one of the lane that is most behind, and of
-- that the one with the highest rank. There may be fewer of them than jobs.
CREATE FUNCTION "take_from_lanes"(wanted_priority priority, wanted_account uuid, jobs uuid[])
RETURNS TABLE ("taskId" uuid, "jobId" uuid) LANGUAGE plpgsql AS $$
DECLARE
  now_at float8;
  lane task_lane;
BEGIN
  SELECT lane_now INTO now_at FROM task_share
  WHERE priority = wanted_priority AND account_id = wanted_account FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  FOREACH "jobId" IN ARRAY jobs LOOP
    LOOP
      SELECT * INTO lane FROM task_lane
      WHERE priority = wanted_priority AND account_id = wanted_account AND key <> '' ORDER BY next, key LIMIT 1;
      EXIT WHEN NOT FOUND;
      SELECT id INTO "taskId" FROM task
      WHERE account_id = wanted_account AND priority = wanted_priority AND coalesce(fairness_key, '') = lane.key
        AND held = 'SHARE'
      ORDER BY rank DESC, id LIMIT 1 FOR UPDATE;
      EXIT WHEN FOUND;
      DELETE FROM task_lane WHERE priority = wanted_priority AND account_id = wanted_account AND key = lane.key;
    END LOOP;
    EXIT WHEN lane IS NULL;
    now_at := greatest(now_at, lane.next);
    UPDATE task_lane SET next = lane.next + 1.0 / lane.weight
    WHERE priority = wanted_priority AND account_id = wanted_account AND key = lane.key;
    UPDATE task SET held = NULL, held_at = NULL, job_id = "jobId" WHERE account_id = wanted_account AND id = "taskId";
    RETURN NEXT;
  END LOOP;
  UPDATE task_share SET lane_now = now_at WHERE priority = wanted_priority AND account_id = wanted_account;
END $$;

-- Chooses tasks without a fairness key for these jobs: those with the highest rank among those that wait for it and those
-- that the jobs stood for. The latter wait again where others go before them, for the jobs of these.
CREATE FUNCTION "take_by_rank"(wanted_priority priority, wanted_account uuid, tasks uuid[], jobs uuid[])
RETURNS TABLE ("taskId" uuid, "jobId" uuid) LANGUAGE plpgsql AS $$
DECLARE
  fixed uuid[];
  free uuid[];
  chosen uuid[];
  freed uuid[];
BEGIN
  -- Others that choose for the same account wait here.
  PERFORM FROM task_lane WHERE priority = wanted_priority AND account_id = wanted_account AND key = '' FOR UPDATE;
  -- What waits in another lane, or for its rate, has come back for its own turn.
  SELECT coalesce(array_agg(job_id), '{}') INTO fixed FROM task
  WHERE account_id = wanted_account AND id = ANY(tasks) AND job_id = ANY(jobs) AND status IN ('PENDING', 'SCHEDULED')
    AND (fairness_key IS NOT NULL OR held = 'RATE');
  RETURN QUERY SELECT id, job_id FROM task
    WHERE account_id = wanted_account AND id = ANY(tasks) AND job_id = ANY(fixed);
  free := ARRAY(SELECT job FROM unnest(jobs) AS job WHERE job <> ALL(fixed));
  UPDATE task SET held = 'SHARE', held_at = coalesce(held_at, now()), status = 'PENDING'
  WHERE account_id = wanted_account AND id = ANY(tasks) AND job_id = ANY(free) AND status IN ('PENDING', 'SCHEDULED');
  chosen := ARRAY(
    SELECT id FROM task
    WHERE account_id = wanted_account AND priority = wanted_priority AND coalesce(fairness_key, '') = '' AND held = 'SHARE'
    ORDER BY rank DESC, id LIMIT cardinality(free) FOR UPDATE
  );
  freed := ARRAY(
    SELECT job_id FROM task WHERE account_id = wanted_account AND id = ANY(chosen) AND job_id <> ALL(free)
  );
  UPDATE task SET job_id = freed[waiting.place] FROM (
    SELECT id, row_number() OVER () AS place FROM task
    WHERE account_id = wanted_account AND id = ANY(tasks) AND id <> ALL(chosen) AND held = 'SHARE' AND job_id = ANY(free)
  ) AS waiting
  WHERE task.account_id = wanted_account AND task.id = waiting.id AND waiting.place <= cardinality(freed);
  RETURN QUERY
    UPDATE task SET held = NULL, held_at = NULL, job_id = free[taken.place]
    FROM unnest(chosen) WITH ORDINALITY AS taken (id, place)
    WHERE task.account_id = wanted_account AND task.id = taken.id
    RETURNING task.id, task.job_id;
  IF NOT EXISTS (
    SELECT FROM task
    WHERE account_id = wanted_account AND priority = wanted_priority AND coalesce(fairness_key, '') = '' AND held = 'SHARE'
  ) THEN
    DELETE FROM task_lane WHERE priority = wanted_priority AND account_id = wanted_account AND key = '';
  END IF;
END $$;
