-- Takes the first due jobs of a queue: they are gone when the transaction commits, and nobody else waits for them.
-- The rows are deleted by their place, one after the other. A queue fills and empties within seconds, so the planner's
-- statistics of it are never true, and a join of the jobs with their table may read the whole queue once for each job.
CREATE FUNCTION "claim_jobs"("queue" TEXT, "most" INTEGER) RETURNS TABLE ("id" UUID, "data" JSONB) LANGUAGE plpgsql AS $$
DECLARE
  -- Not the time at which the transaction began: a job may have been sent since.
  due CONSTANT TIMESTAMPTZ := clock_timestamp();
  waiting CURSOR FOR
    SELECT job.id, job.data FROM pgboss.job_common AS job
    WHERE job.name = queue AND job.state < 'active' AND NOT job.blocked AND job.start_after <= due
    ORDER BY job.priority DESC, job.created_on LIMIT most FOR UPDATE SKIP LOCKED;
BEGIN
  FOR taken IN waiting LOOP
    DELETE FROM pgboss.job_common WHERE CURRENT OF waiting;
    id := taken.id;
    data := taken.data;
    RETURN NEXT;
  END LOOP;
END $$;
