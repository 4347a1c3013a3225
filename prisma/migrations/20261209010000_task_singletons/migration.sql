ALTER TABLE "task" ADD COLUMN "singleton_key" TEXT;

-- At most one task of a type with the same key waits or runs. Tasks without a key are not in it.
CREATE UNIQUE INDEX "task_singleton_idx" ON "task"("account_id", "type", "singleton_key")
  WHERE "singleton_key" IS NOT NULL AND "status" IN ('SCHEDULED', 'PENDING', 'ACTIVE');
