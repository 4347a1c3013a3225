import type { Transact } from '#platform/database/transaction.ts'
import type { DeploymentReport } from './deployment.ts'
import { endDeployment } from './deployment-store.ts'
import { orgEvent } from './events.ts'
import { findOrg } from './store.ts'

/** Stores how a task's deployment ended, and announces it; once, however often it is called. */
export async function settleDeployment(
  transact: Transact,
  { accountId, taskId }: { readonly accountId: string; readonly taskId: string },
  report: DeploymentReport,
): Promise<void> {
  const { deployId, status } = report
  await transact.quiet('the end of a deployment')(async (tx) => {
    const ended = await endDeployment(tx, { accountId, taskId, deployId, status })
    const row = ended && (await findOrg(tx, { accountId, id: ended.orgId }))
    if (row === undefined) return
    const type = ended?.isValidation ? 'salesforce.validated' : 'salesforce.deployed'
    tx.journal(orgEvent(type, row, undefined, { taskId, ...report }))
  })
}
