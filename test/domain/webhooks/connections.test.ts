import { afterAll, beforeAll, expect, it } from 'vitest'
import { StandIns } from '#domain/access/standing-rights.ts'
import { Endpoints } from '#domain/webhooks/endpoints.ts'
import { activeEndpoints } from '#domain/webhooks/matching-endpoints.ts'
import { Sight, type SightOf } from '#domain/webhooks/sight.ts'
import { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { secretKey, startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { createWebhook, loopbackAllowed } from '#test/support/webhooks.ts'

let server: TestServer
/** With a single connection: a request that holds it and needs another waits in vain. */
let database: Database
beforeAll(async () => {
  server = await startTestServer({ env: { ...loopbackAllowed, LOG_LEVEL: 'silent', ROLES: 'api' } })
  database = openDatabase({ url: server.database.url, poolSize: 1, onError: () => undefined })
})
afterAll(async () => {
  await database.close()
  await server.close()
})

it('looks up webhooks and the rights of their makers without a second connection', async () => {
  const accountId = await ownAccount(server)
  const { token } = await addToken(server, { accountId, scopes: ['webhooks:admin', 'tasks:read'] })
  await createWebhook({ url: server.url, token }, { url: 'https://nowhere.invalid' })
  const rules = { quietTypes: new Set<string>(), securityTypes: new Set<string>(), filters: new FilterEvaluator() }
  const secrets = new SecretBox(Buffer.from(secretKey, 'base64'))
  const endpoints = new Endpoints({ sql: database, secrets, rules })
  const standIns = new StandIns('webhook')
  const sightOf: SightOf = async (sql, { accountId: account, maker }) =>
    new Sight(await standIns.of(sql, account, maker), (_maker, { data }) => data)

  const asked = async (sql: Parameters<SightOf>[0]) =>
    activeEndpoints(sql, (await endpoints.of(sql, [accountId])).get(accountId), sightOf)
  const rights = await createTransact(
    database.pool,
    () => undefined,
  )(async (tx) => {
    await tx.query('SELECT 1')
    // These wait for the transaction's connection, and are not waited for by it.
    const [known, others] = [endpoints.known(accountId), asked(database)]
    const own = await asked(tx)
    return { own, others: () => Promise.all([known, others]) }
  })
  expect(rights.own.map(({ sight }) => sight.maker.scopes)).toEqual([['webhooks:admin', 'tasks:read']])
  const [known, others] = await rights.others()
  expect([known.size, others.map(({ sight }) => sight.maker.scopes)]).toEqual([1, [['webhooks:admin', 'tasks:read']]])
})
