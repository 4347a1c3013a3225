import { CommandFailure, exitCodeOfError } from '#cli/exit-codes.ts'
import type { AccountDeletionReport, AccountDeletionRequest, AccountReport } from '#cli/server-commands.ts'
import type { Account } from '#domain/access/account.ts'
import { previewDeletion, deleteAccount as remove } from '#domain/access/account-deletion.ts'
import { createAccountService, type NewAccount } from '#domain/access/account-service.ts'
import { newChain, sealChain } from '#domain/audit/chain.ts'
import { saveChains } from '#domain/audit/store.ts'
import { systemClock } from '#lib/clock.ts'
import { AppError } from '#lib/errors.ts'
import type { Database } from '#platform/database/client.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import { addPartitions } from '#platform/journal/partitions.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { findSecretKey } from '#platform/secrets/secret-key.ts'
import { auditSealPurpose } from './encrypted-columns.ts'
import { withInstallationDatabase } from './installation-database.ts'
import { operator } from './operator.ts'

const listedAtOnce = 500

/** Creates an account with the token of its owner. Servers may run meanwhile. @throws {CommandFailure} */
export function createAccount(account: NewAccount) {
  return withAccounts((accounts) => accounts.create(operator('account create'), account))
}

/** All accounts, oldest first. @throws {CommandFailure} */
export function listAccounts(): Promise<AccountReport[]> {
  return withAccounts(async (accounts) => {
    const found: Account[] = []
    for (;;) {
      const next = await accounts.list(found.at(-1)?.id, listedAtOnce)
      found.push(...next)
      if (next.length < listedAtOnce) return found
    }
  })
}

/** Suspends an account; running servers notice within a second or two. @throws {CommandFailure} */
export function suspendAccount({ account, reason }: { account: string; reason: string | undefined }) {
  return withAccounts((accounts) => accounts.suspend(operator('account suspend'), account, reason))
}

/** Lets an account be used again. @throws {CommandFailure} */
export function resumeAccount(account: string) {
  return withAccounts((accounts) => accounts.resume(operator('account resume'), account))
}

/** Deletes a suspended account for good, or only counts what would be. @throws {CommandFailure} */
export function deleteAccount({ account, confirm, dryRun }: AccountDeletionRequest): Promise<AccountDeletionReport> {
  return withAccounts(async (_accounts, { database, transact }) => {
    const preview = await previewDeletion(database, account)
    if (dryRun) return preview
    if (confirm !== preview.account.name)
      throw new CommandFailure(`Give --confirm with the name of the account, "${preview.account.name}".`, 2)
    return remove({ transact, clock: systemClock }, operator('account delete'), account)
  })
}

/** Creates a token that manages accounts over the API. @throws {CommandFailure} */
export function createInstallationToken(days: number): Promise<string> {
  return withAccounts((accounts) => accounts.issueToken(operator('account token'), days))
}

function withAccounts<Result>(
  work: (
    accounts: ReturnType<typeof createAccountService>,
    store: { readonly database: Database; readonly transact: Transact },
  ) => Promise<Result>,
): Promise<Result> {
  return withInstallationDatabase(async (database, { secretKey, previousSecretKeys, dataDir }) => {
    const seals = new Seals(auditSealPurpose, await findSecretKey(secretKey, dataDir), previousSecretKeys)
    const transact = createTransact(database.pool, () => {})
    await addPartitions(database, transact)
    const accounts = createAccountService({
      sql: database,
      transact,
      clock: systemClock,
      beginAuditLog: (tx, accountId) => saveChains(tx, [sealChain(seals, newChain(accountId))]),
    })
    return work(accounts, { database, transact }).catch((error: unknown) => {
      if (error instanceof AppError)
        throw new CommandFailure(error.message, exitCodeOfError(error.code), { cause: error })
      throw error
    })
  })
}
