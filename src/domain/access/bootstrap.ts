import type { Clock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import type { Database } from '#platform/database/client.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { hasAccounts, insertAccount, lockEmptyInstallation } from './account-store.ts'
import { issueOwnerToken } from './owner-token.ts'
import type { SigningKeys } from './sign-in/signing-keys.ts'

export interface BootstrapDeps {
  readonly database: Database
  readonly transact: Transact
  readonly keys: SigningKeys
  readonly clock: Clock
  /** Begins the audit log of an account, in the transaction that creates it. */
  readonly beginAuditLog: (tx: Transaction, accountId: string) => Promise<void>
}

const bootstrapper: Actor = { kind: 'system', id: 'bootstrap', name: 'bootstrap' }

/** The command that creates what an installation begins with. */
export function createBootstrap({ database, transact, keys, clock, beginAuditLog }: BootstrapDeps) {
  /**
   * Gives an empty installation its first account and the owner's token: the given one, or a new one.
   * @returns the token when this call created it, so that it can be shown once.
   */
  async function bootstrap(given: string | undefined): Promise<string | undefined> {
    await keys.rotate()
    if (await hasAccounts(database)) return undefined
    return transact(async (tx) => {
      if (!(await lockEmptyInstallation(tx))) return undefined
      const accountId = newId()
      await insertAccount(tx, accountId, 'main')
      await beginAuditLog(tx, accountId)
      const by = { actor: bootstrapper }
      const token = await issueOwnerToken(tx, { accountId, now: clock.now(), by }, given)
      return given === undefined ? token : undefined
    })
  }

  return bootstrap
}
