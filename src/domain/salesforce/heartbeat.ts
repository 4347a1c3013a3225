import { AppError } from '#lib/errors.ts'
import { SalesforceFailure } from './errors.ts'
import { orgEvent } from './events.ts'
import { claimDue, claimExpiring, deleteOldLogins } from './store.ts'
import type { TokenKeeper, TokenKeeperDeps } from './token-keeper.ts'

/** How many orgs one round takes. */
const batchSize = 10
/** After how long an org that could not be refreshed is tried again, in milliseconds. */
const retryMs = 60 * 60 * 1000
/** How long before an org expires that is announced, in milliseconds. */
const orgNoticeMs = 3 * 24 * 60 * 60 * 1000
/** After how long without use of a refresh token its end is announced, in milliseconds: Salesforce may end it after 30 days. */
const unusedNoticeMs = 20 * 24 * 60 * 60 * 1000

/** Makes the function that uses authorizations before they end for lack of use, and announces what is about to expire. */
export function createHeartbeat({
  transact,
  clock,
  keeper,
  sql,
}: Pick<TokenKeeperDeps, 'transact' | 'clock' | 'sql'> & { readonly keeper: TokenKeeper }) {
  async function refreshDue(): Promise<void> {
    const nextAt = new Date(clock.now().getTime() + retryMs)
    const due = await transact.quiet('the claim of orgs to refresh')((tx) => claimDue(tx, nextAt, batchSize))
    for (const org of due) await keeper.refresh(org, org.accessVersion).catch(ignoreRefusals)
  }

  async function announce(): Promise<void> {
    const now = clock.now().getTime()
    const limits = {
      before: new Date(now + orgNoticeMs),
      unusedSince: new Date(now - unusedNoticeMs),
      limit: batchSize,
    }
    await transact(async (tx) => {
      for (const org of await claimExpiring(tx, limits)) {
        const reason = org.isOrgExpiring ? 'ORG_EXPIRES' : 'UNUSED'
        const expiresAt = org.isOrgExpiring ? (org.expiresAt?.toISOString() ?? null) : null
        tx.journal(orgEvent('salesforce.auth_expiring', org, undefined, { reason, expiresAt }))
      }
    })
  }

  return async (): Promise<void> => {
    await deleteOldLogins(sql)
    await refreshDue()
    await announce()
  }
}

/** What Salesforce refused is stored as the state of the org. */
function ignoreRefusals(error: unknown): void {
  if (!(error instanceof AppError) && !(error instanceof SalesforceFailure)) throw error
}
