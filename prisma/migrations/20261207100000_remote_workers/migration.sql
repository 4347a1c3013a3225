-- Workers are also programs of an account that claim tasks over the API. The processes that were workers before this
-- migration are gone when the server starts.
ALTER TABLE "worker" ADD COLUMN "account_id" UUID,
ADD COLUMN "principal_id" TEXT,
ADD COLUMN "name" TEXT,
ADD COLUMN "version" TEXT,
ADD COLUMN "slots" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN "wanted_slots" INTEGER,
ADD COLUMN "types" TEXT[] NOT NULL DEFAULT '{}',
ADD COLUMN "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN "draining_at" TIMESTAMPTZ(3),
ADD COLUMN "drained_at" TIMESTAMPTZ(3),
ADD COLUMN "left_at" TIMESTAMPTZ(3);

UPDATE "worker" SET "seen_at" = "started_at", "left_at" = CURRENT_TIMESTAMP;

CREATE UNIQUE INDEX "worker_remote_idx" ON "worker"("account_id", "principal_id", "name")
  WHERE "account_id" IS NOT NULL AND "left_at" IS NULL;
CREATE INDEX "worker_present_idx" ON "worker"("account_id", "id") WHERE "left_at" IS NULL;

CREATE TABLE "task_type" (
    "account_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "input_schema" JSONB NOT NULL,
    "result_schema" JSONB,
    "settings" JSONB NOT NULL,
    "registered_by" JSONB NOT NULL,
    "registered_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "task_type_pkey" PRIMARY KEY ("account_id","name")
);

ALTER TABLE "task" ADD COLUMN "remote" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "rate_reserved" BOOLEAN NOT NULL DEFAULT false;

-- Tasks that wait for a remote worker, in the order in which their lane lets them go.
CREATE INDEX "task_worker_lane_idx" ON "task"("account_id", "priority", "type", (coalesce("fairness_key", '')), "rank" DESC, "id")
  WHERE "held" = 'WORKER';

CREATE TABLE "worker_share" (
    "account_id" UUID NOT NULL,
    "priority" "priority" NOT NULL,
    "now" DOUBLE PRECISION NOT NULL DEFAULT 0,

    CONSTRAINT "worker_share_pkey" PRIMARY KEY ("account_id","priority")
) WITH (fillfactor = 50);

CREATE TABLE "worker_lane" (
    "account_id" UUID NOT NULL,
    "priority" "priority" NOT NULL,
    "type" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "weight" INTEGER NOT NULL,
    "next" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "worker_lane_pkey" PRIMARY KEY ("account_id","priority","type","key")
);

CREATE INDEX "worker_lane_next_idx" ON "worker_lane"("account_id", "priority", "type", "next", "key");

CREATE TABLE "task_lease" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "fence" INTEGER NOT NULL,
    "worker_id" INTEGER NOT NULL,
    "lease_ms" INTEGER NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,
    "lines" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "task_lease_pkey" PRIMARY KEY ("account_id","task_id")
) WITH (fillfactor = 70);

CREATE INDEX "task_lease_until_idx" ON "task_lease"("until");
CREATE INDEX "task_lease_worker_idx" ON "task_lease"("worker_id");

ALTER TABLE "task_lease" ADD CONSTRAINT "task_lease_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Chooses up to so many tasks of these types that wait for a remote worker: always one of the lane that is most behind,
-- and of that the one with the highest rank. What was chosen waits no longer.
CREATE FUNCTION "take_for_worker"(wanted_account uuid, wanted_priority priority, wanted_types text[], wanted_count int)
RETURNS TABLE ("taskId" uuid, "jobId" uuid) LANGUAGE plpgsql AS $$
DECLARE
  now_at float8;
  lane worker_lane;
BEGIN
  -- Others that choose for the same account, or open lanes of it, wait here.
  SELECT share.now INTO now_at FROM worker_share AS share
  WHERE share.account_id = wanted_account AND share.priority = wanted_priority FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  FOR place IN 1..wanted_count LOOP
    LOOP
      SELECT ahead.* INTO lane FROM unnest(wanted_types) AS wanted (type) CROSS JOIN LATERAL (
        SELECT * FROM worker_lane AS one
        WHERE one.account_id = wanted_account AND one.priority = wanted_priority AND one.type = wanted.type
        ORDER BY one.next, one.key LIMIT 1
      ) AS ahead ORDER BY ahead.next, ahead.type, ahead.key LIMIT 1;
      EXIT WHEN NOT FOUND;
      SELECT task.id, task.job_id INTO "taskId", "jobId" FROM task
      WHERE task.account_id = wanted_account AND task.priority = wanted_priority AND task.type = lane.type
        AND coalesce(task.fairness_key, '') = lane.key AND task.held = 'WORKER'
      ORDER BY task.rank DESC, task.id LIMIT 1 FOR UPDATE;
      EXIT WHEN FOUND;
      DELETE FROM worker_lane AS one WHERE one.account_id = wanted_account AND one.priority = wanted_priority
        AND one.type = lane.type AND one.key = lane.key;
    END LOOP;
    EXIT WHEN lane IS NULL;
    -- A lane that no worker has served for a while has no claim to the turns that it has missed.
    now_at := greatest(now_at, lane.next);
    UPDATE worker_lane AS one SET next = now_at + 1.0 / lane.weight
    WHERE one.account_id = wanted_account AND one.priority = wanted_priority AND one.type = lane.type AND one.key = lane.key;
    UPDATE task SET held = NULL, held_at = NULL WHERE task.account_id = wanted_account AND task.id = "taskId";
    RETURN NEXT;
  END LOOP;
  UPDATE worker_share AS share SET now = now_at WHERE share.account_id = wanted_account AND share.priority = wanted_priority;
END $$;
