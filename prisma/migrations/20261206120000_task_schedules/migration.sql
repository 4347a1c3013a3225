CREATE TYPE "schedule_status" AS ENUM ('ACTIVE', 'PAUSED', 'FAILED', 'ENDED');

CREATE TABLE "task_schedule" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "task" JSONB NOT NULL,
    "cron" TEXT,
    "every_ms" INTEGER,
    "rrule" TEXT,
    "time_zone" TEXT NOT NULL,
    "anchor_at" TIMESTAMPTZ(3) NOT NULL,
    "start_at" TIMESTAMPTZ(3),
    "end_at" TIMESTAMPTZ(3),
    "max_runs" INTEGER,
    "overlap" TEXT NOT NULL,
    "missed" TEXT NOT NULL,
    "status" "schedule_status" NOT NULL DEFAULT 'ACTIVE',
    "status_reason" TEXT,
    "next_at" TIMESTAMPTZ(3),
    "decided_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "queued" TIMESTAMPTZ(3)[] NOT NULL DEFAULT ARRAY[]::TIMESTAMPTZ(3)[],
    "runs" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "maker" JSONB NOT NULL,
    "created_by" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "task_schedule_pkey" PRIMARY KEY ("account_id","id"),
    CONSTRAINT "task_schedule_recurrence" CHECK (num_nonnulls("cron", "every_ms", "rrule") = 1)
);

-- What the scheduler looks for: schedules that are due, and those with runs that wait for an earlier one.
CREATE INDEX "task_schedule_due_idx" ON "task_schedule"("next_at") WHERE "status" = 'ACTIVE';
CREATE INDEX "task_schedule_queued_idx" ON "task_schedule"("account_id", "id")
  WHERE "status" = 'ACTIVE' AND "queued" <> '{}';
-- Schedules whose next time was decided under a clock that was ahead.
CREATE INDEX "task_schedule_decided_idx" ON "task_schedule"("decided_at") WHERE "status" = 'ACTIVE';
CREATE INDEX "task_schedule_ended_idx" ON "task_schedule"("ended_at") WHERE "status" = 'ENDED';

CREATE TABLE "task_schedule_run" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "schedule_id" UUID NOT NULL,
    "scheduled_for" TIMESTAMPTZ(3) NOT NULL,
    "is_manual" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "task_schedule_run_pkey" PRIMARY KEY ("account_id","task_id")
);

CREATE INDEX "task_schedule_run_schedule_idx" ON "task_schedule_run"("account_id", "schedule_id", "task_id");

ALTER TABLE "task_schedule_run" ADD CONSTRAINT "task_schedule_run_account_id_task_id_fkey"
  FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "task_schedule_run" ADD CONSTRAINT "task_schedule_run_account_id_schedule_id_fkey"
  FOREIGN KEY ("account_id", "schedule_id") REFERENCES "task_schedule"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
