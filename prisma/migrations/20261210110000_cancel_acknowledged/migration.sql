ALTER TABLE "task" ADD COLUMN "cancel_acknowledged_at" TIMESTAMPTZ(3);
