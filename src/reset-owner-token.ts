import { CommandFailure } from '#cli/exit-codes.ts'
import type { OwnerTokenReset } from '#cli/server-commands.ts'
import { findAccountsCalled, listAccounts } from '#domain/access/account-store.ts'
import { lookUpToken, resetOwnerToken as reset } from '#domain/access/owner-token.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { addPartitions } from '#platform/journal/partitions.ts'
import { withInstallationDatabase } from './installation-database.ts'
import { operator } from './operator.ts'
import { readOwnerToken, writeOwnerToken } from './owner-token-file.ts'

/**
 * Ends the owner's tokens of the named account, or of the only one, and creates a new one. Servers may run meanwhile.
 * The file of the first start gets the new token where it held one of the account.
 * @returns the new token, and the file that was rewritten @throws {CommandFailure}
 */
export function resetOwnerToken({ account: name }: { readonly account: string | undefined }): Promise<OwnerTokenReset> {
  return withInstallationDatabase(async (database, { dataDir }) => {
    const [account, another] =
      name === undefined ? await listAccounts(database, undefined, 2) : await findAccountsCalled(database, name)
    if (account === undefined)
      throw new CommandFailure(
        name === undefined ? 'There is no account yet: start the server.' : `There is no account "${name}".`,
      )
    if (another !== undefined) throw new CommandFailure('There are several accounts: name one with --account.')
    const transact = createTransact(database.pool, () => {})
    await addPartitions(database, transact)
    const by = operator('token reset-owner')
    const token = await transact((tx) => reset(tx, { accountId: account.id, now: new Date(), by }))
    const known = await readOwnerToken(dataDir)
    const isTheirs = known && (await lookUpToken(database, known.token))?.accountId === account.id
    return { token, file: isTheirs ? await writeOwnerToken(dataDir, token) : undefined }
  })
}
