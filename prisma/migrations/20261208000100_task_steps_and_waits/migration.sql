ALTER TYPE "attempt_status" ADD VALUE 'WAITED';

CREATE TABLE "task_step" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "size_bytes" INTEGER NOT NULL,
    "result" JSONB NOT NULL,

    CONSTRAINT "task_step_pkey" PRIMARY KEY ("account_id","task_id","name")
);

CREATE TABLE "task_wait" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "awaited_task_id" UUID,
    "may_submitter_decide" BOOLEAN NOT NULL,
    "attempt" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deadline" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "value" JSONB,
    "ended_by" JSONB,
    "comment" TEXT,

    CONSTRAINT "task_wait_pkey" PRIMARY KEY ("account_id","task_id","key")
);

CREATE TABLE "task_signal" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "sent_by" JSONB NOT NULL,
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "task_signal_pkey" PRIMARY KEY ("account_id","task_id","id")
);

-- Which tasks continue when one ends, and which of those were missed.
CREATE INDEX "task_wait_awaited_idx" ON "task_wait"("account_id", "awaited_task_id") WHERE "ended_at" IS NULL AND "awaited_task_id" IS NOT NULL;

-- AddForeignKey
ALTER TABLE "task_step" ADD CONSTRAINT "task_step_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_wait" ADD CONSTRAINT "task_wait_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_signal" ADD CONSTRAINT "task_signal_account_id_task_id_fkey" FOREIGN KEY ("account_id", "task_id") REFERENCES "task"("account_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
