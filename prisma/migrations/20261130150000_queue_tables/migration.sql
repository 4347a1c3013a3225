-- Jobs are taken by a statement on the queue's own table.
DROP FUNCTION "claim_jobs";

-- Deliveries whose job should have come long ago.
CREATE INDEX "delivery_job_idx" ON "delivery"("due_at") WHERE "status" = 'PENDING' AND "job_id" IS NOT NULL;
