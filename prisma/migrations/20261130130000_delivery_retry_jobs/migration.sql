-- The pg-boss job that a delivery waits for before it may be attempted again. Deliveries that wait already have none, and
-- are attempted when they are due, as before.
ALTER TABLE "delivery" ADD COLUMN "job_id" UUID;

-- What is due for a webhook; what waits for a job is not.
DROP INDEX "delivery_due_idx";
CREATE INDEX "delivery_due_idx" ON "delivery"("webhook_id", "due_at") WHERE "status" = 'PENDING' AND "job_id" IS NULL;
