-- A suspended account keeps everything, and nothing of it is served; a deleted one is emptied step by step.
ALTER TABLE "account" ADD COLUMN "suspended_at" TIMESTAMPTZ(3), ADD COLUMN "suspension_reason" TEXT,
  ADD COLUMN "deletion_at" TIMESTAMPTZ(3);
