ALTER TABLE "task" ADD COLUMN "concurrency_key" TEXT,
ADD COLUMN "held" TEXT,
ADD COLUMN "held_at" TIMESTAMPTZ(3);

-- Tasks that wait without a job, in the order in which they are let go.
CREATE INDEX "task_held_for_idx" ON "task"("account_id", "held", "concurrency_key", "id") WHERE "held" IS NOT NULL;

CREATE TABLE "task_concurrency" (
    "account_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "running" INTEGER NOT NULL,

    CONSTRAINT "task_concurrency_pkey" PRIMARY KEY ("account_id","key")
);

CREATE TABLE "task_rate" (
    "account_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "task_rate_pkey" PRIMARY KEY ("account_id","type","key")
);
