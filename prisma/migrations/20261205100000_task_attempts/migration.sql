CREATE TYPE "attempt_status" AS ENUM ('ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED', 'LOST');

CREATE TABLE "task_attempt" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "status" "attempt_status" NOT NULL,
    "worker_id" INTEGER,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3) NOT NULL,
    "error" JSONB,

    CONSTRAINT "task_attempt_pkey" PRIMARY KEY ("account_id","task_id","number")
);

-- What was an array in the task's row. Its last element may be the attempt that ran last.
INSERT INTO "task_attempt" (account_id, task_id, number, status, started_at, finished_at, error)
SELECT account_id, id, (past->>'number')::int,
       (CASE past->'error'->>'code' WHEN 'WORKER_LOST' THEN 'LOST' ELSE 'FAILED' END)::attempt_status,
       (past->>'startedAt')::timestamptz, (past->>'finishedAt')::timestamptz, nullif(past->'error', 'null')
FROM "task", jsonb_array_elements(past_attempts) AS past
WHERE past_attempts <> '[]'
ON CONFLICT DO NOTHING;

ALTER TABLE "task_attempt" ADD CONSTRAINT "task_attempt_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "task" DROP COLUMN "past_attempts";
