-- A process on the same machine sees that another one has ended, and takes back its tasks at once; all others wait for the
-- end of its lease. Workers of before can't be seen.
ALTER TABLE "worker" ADD COLUMN "process_start" TEXT NOT NULL DEFAULT '',
  ADD COLUMN "process_view" TEXT NOT NULL DEFAULT '',
  ADD COLUMN "embedded_in" TEXT;
