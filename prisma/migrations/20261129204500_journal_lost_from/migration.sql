-- A failover loses the transactions that were committed last, which need not have the highest ids: one with a lower id may
-- have been committed later. Cursors from the lowest one that is known to be lost can't be resumed.
ALTER TABLE "journal_history" ADD COLUMN "lost_from" BIGINT;
