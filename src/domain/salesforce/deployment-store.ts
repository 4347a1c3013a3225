import type { Sql } from '#platform/database/sql.ts'
import type { Deployment } from './deployment.ts'

const findSql = `
  SELECT task_id AS "taskId", org_id AS "orgId", deploy_id AS "deployId", is_validation AS "isValidation",
    started_at AS "startedAt", status
  FROM salesforce_deployment WHERE account_id = $1 AND task_id = $2`

/** What a task has started in an org. */
export async function findDeployment(sql: Sql, accountId: string, taskId: string): Promise<Deployment | undefined> {
  return (await sql.query<Deployment>(findSql, [accountId, taskId]))[0]
}

const startSql = `
  INSERT INTO salesforce_deployment (account_id, task_id, org_id, deploy_id, is_validation)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (account_id, task_id) DO UPDATE SET org_id = excluded.org_id, deploy_id = excluded.deploy_id,
    is_validation = excluded.is_validation, started_at = now(), status = NULL`

/** Notes what a task has started; what it had started before is forgotten. */
export async function saveDeployment(
  sql: Sql,
  {
    accountId,
    taskId,
    orgId,
    deployId,
    isValidation,
  }: Omit<Deployment, 'startedAt' | 'status'> & { accountId: string },
): Promise<void> {
  await sql.query(startSql, [accountId, taskId, orgId, deployId, isValidation])
}

const endSql = `
  UPDATE salesforce_deployment SET status = $4
  WHERE account_id = $1 AND task_id = $2 AND deploy_id = $3 AND status IS NULL
  RETURNING org_id AS "orgId", is_validation AS "isValidation"`

/** Notes how a deployment ended; undefined when that is known already. */
export async function endDeployment(
  sql: Sql,
  { accountId, taskId, deployId, status }: { accountId: string; taskId: string; deployId: string; status: string },
): Promise<Pick<Deployment, 'orgId' | 'isValidation'> | undefined> {
  const rows = await sql.query<Pick<Deployment, 'orgId' | 'isValidation'>>(endSql, [
    accountId,
    taskId,
    deployId,
    status,
  ])
  return rows[0]
}

// A task's own attempts look more often than this. Salesforce keeps the outcome of a deployment for weeks.
const claimLeftSql = `
  UPDATE salesforce_deployment AS claimed SET looked_at = now()
  FROM (
    SELECT deployment.account_id, deployment.task_id, task.status = 'CANCELLED' AS is_cancelled
    FROM salesforce_deployment AS deployment JOIN task ON task.account_id = deployment.account_id AND task.id = task_id
    WHERE deployment.status IS NULL AND (looked_at IS NULL OR looked_at < now() - interval '1 minute')
      AND task.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND deployment.started_at > now() - interval '7 days'
    ORDER BY looked_at NULLS FIRST LIMIT $1 FOR UPDATE OF deployment SKIP LOCKED
  ) AS found
  WHERE claimed.account_id = found.account_id AND claimed.task_id = found.task_id
  RETURNING claimed.account_id AS "accountId", claimed.task_id AS "taskId", org_id AS "orgId", deploy_id AS "deployId",
    is_cancelled AS "isCancelled"`

/** A deployment that is under way although its task has ended. */
export interface LeftDeployment extends Pick<Deployment, 'taskId' | 'orgId' | 'deployId'> {
  readonly accountId: string
  /** Whether its task was cancelled. */
  readonly isCancelled: boolean
}

/** Such deployments, each at most once a minute. */
export async function claimLeft(tx: Sql, limit: number): Promise<LeftDeployment[]> {
  return tx.query(claimLeftSql, [limit])
}
