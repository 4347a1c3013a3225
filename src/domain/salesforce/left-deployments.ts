import { AppError } from '#lib/errors.ts'
import type { Call } from './calls.ts'
import { connect } from './connection.ts'
import { claimLeft, type LeftDeployment } from './deployment-store.ts'
import { settleDeployment } from './deployments.ts'
import { SalesforceFailure } from './errors.ts'
import { deployAnswer, reportOf } from './tasks/deploy-result.ts'
import type { TokenKeeper, TokenKeeperDeps } from './token-keeper.ts'

/** How many deployments one round looks at. */
const batchSize = 10

/**
 * Makes the function that looks after deployments which their tasks have left under way in an org: the worker was lost, or
 * the org took longer to cancel than the task waited. Those of cancelled tasks are cancelled; the end of each is announced.
 */
export function createDeploymentCare({
  transact,
  keeper,
  call,
}: Pick<TokenKeeperDeps, 'transact'> & { readonly keeper: TokenKeeper; readonly call: Call }) {
  async function look(left: LeftDeployment): Promise<void> {
    const { accountId, taskId, orgId, deployId, isCancelled } = left
    await keeper.use({ accountId, id: orgId }, async (session) => {
      const connection = await connect(session, call)
      const url = `/metadata/deployRequest/${encodeURIComponent(deployId)}`
      const state = async () => deployAnswer.parse(await connection.request(url)).deployResult
      let result = await state()
      if (!result.done && isCancelled && result.status !== 'Canceling') {
        const body = JSON.stringify({ deployResult: { status: 'Canceling' } })
        await connection.request({ method: 'PATCH', url, body, headers: { 'content-type': 'application/json' } })
        result = await state()
      }
      if (result.done) await settleDeployment(transact, { accountId, taskId }, reportOf(result))
    })
  }

  return async (): Promise<void> => {
    const left = await transact.quiet('the claim of deployments to look at')((tx) => claimLeft(tx, batchSize))
    for (const one of left) await look(one).catch(ignoreRefusals)
  }
}

/** It is looked at again; what Salesforce refused is stored as the state of the org. */
function ignoreRefusals(error: unknown): void {
  if (!(error instanceof AppError) && !(error instanceof SalesforceFailure)) throw error
}
