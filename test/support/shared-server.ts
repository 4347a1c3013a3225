import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createAccountService } from '#domain/access/account-service.ts'
import { newChain, sealChain } from '#domain/audit/chain.ts'
import { saveChains } from '#domain/audit/store.ts'
import { systemClock } from '#lib/clock.ts'
import { openDatabase } from '#platform/database/client.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { auditSealPurpose } from '#src/encrypted-columns.ts'
import { operator } from '#src/operator.ts'
import { secretKey, startTestServer, type TestServer } from './server.ts'

/** Nobody is refused for what callers of other files have asked. */
const env = { LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '0', COST_LIMIT_ADDRESS: '0' }
const configFile = join(import.meta.dirname, '../fixtures/shared/signalbox.config.ts')

let running: Promise<TestServer> | undefined

/**
 * The one server of this test process, for files that need no configuration of their own: with an account that nobody
 * else knows, and its owner's token. It ends with the process.
 */
export async function sharedServer(): Promise<TestServer> {
  running ??= startTestServer({ env, configFile })
  const server = await running
  const { account, ownerToken } = await addAccount(server.database.url)
  return { ...server, token: ownerToken, accountId: account.id, close: async () => {} }
}

/** Creates another account in a database; its owner's token is in the answer. */
export async function addAccount(databaseUrl: string) {
  const database = openDatabase({ url: databaseUrl, poolSize: 1, onError: () => {} })
  const seals = new Seals(auditSealPurpose, Buffer.from(secretKey, 'base64'))
  try {
    const accounts = createAccountService({
      sql: database,
      transact: createTransact(database.pool, () => {}),
      clock: systemClock,
      beginAuditLog: (tx, accountId) => saveChains(tx, [sealChain(seals, newChain(accountId))]),
    })
    return await accounts.create(operator('account create'), { name: `file ${randomUUID()}` })
  } finally {
    await database.close()
  }
}
