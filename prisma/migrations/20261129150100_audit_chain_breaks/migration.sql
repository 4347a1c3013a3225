-- A chain that was missing, or not sealed by this installation, when it was continued says so from then on: what is
-- not vouched for ends with this entry. The seal covers it, where it is there; older seals stay as good as they were.
ALTER TABLE "audit_chain" ADD COLUMN "broken_seq" BIGINT,
ADD COLUMN "broken_at" TIMESTAMPTZ(3),
ADD COLUMN "broken_by" TEXT;
