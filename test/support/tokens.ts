import { createHash, randomUUID } from 'node:crypto'
import { newChain, sealChain } from '#domain/audit/chain.ts'
import { saveChains } from '#domain/audit/store.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { auditSealPurpose } from '#src/encrypted-columns.ts'
import { secretKey, type TestServer } from './server.ts'

const seals = new Seals(auditSealPurpose, Buffer.from(secretKey, 'base64'))

/** Creates a token with these scopes, of another account unless one is given; returns it with its own id and its account's. */
export async function addToken(
  { database }: Pick<TestServer, 'database'>,
  { accountId, scopes = ['*'] }: { accountId?: string; scopes?: readonly string[] } = {},
): Promise<{ token: string; id: string; accountId: string }> {
  const token = `token-of-somebody-${randomUUID()}`
  const id = randomUUID()
  const account = accountId ?? randomUUID()
  if (accountId === undefined) await addAccount(database, account)
  await database.query(
    `INSERT INTO application_token (account_id, id, name, hash, role, scopes, expires_at, created_by)
     VALUES ($1, $2, 'other', $3, 'APPLICATION', $4, now() + interval '1 day',
             '{"kind": "system", "id": "test", "name": "test"}')`,
    [account, id, createHash('sha256').update(token).digest(), scopes],
  )
  return { token, id, accountId: account }
}

/** An account as a server makes it, with the beginning of its audit log. */
async function addAccount(database: TestServer['database'], id: string): Promise<void> {
  await database.query("INSERT INTO account (id, name) VALUES ($1, 'other')", [id])
  await saveChains(database, [sealChain(seals, newChain(id))])
}

/** The account of the server's token: the one that it made at its first start, or this file's own of a shared server. */
export async function ownAccount({ database, accountId }: Pick<TestServer, 'database' | 'accountId'>): Promise<string> {
  if (accountId !== undefined) return accountId
  const [account] = await database.query<{ id: string }>("SELECT id FROM account WHERE name = 'main'")
  if (account === undefined) throw new Error('There is no account yet.')
  return account.id
}
