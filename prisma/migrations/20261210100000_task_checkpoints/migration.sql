ALTER TYPE "attempt_status" ADD VALUE 'PREEMPTED';

ALTER TABLE "task" ADD COLUMN "uncounted_attempts" INTEGER NOT NULL DEFAULT 0;

-- Losses that don't count are attempts that don't count; only tasks that may run again need the number.
UPDATE "task" SET uncounted_attempts = uncounted_losses WHERE uncounted_losses > 0;

CREATE TABLE "task_checkpoint" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "value" JSONB NOT NULL,
    "saved_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "task_checkpoint_pkey" PRIMARY KEY ("account_id","task_id")
);

ALTER TABLE "task_checkpoint" ADD CONSTRAINT "task_checkpoint_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
