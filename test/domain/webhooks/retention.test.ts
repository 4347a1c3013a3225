import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyDeliveryRetention } from '#domain/webhooks/retention.ts'
import { openDatabase } from '#platform/database/client.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { createWebhook, endedDelivery, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: loopbackAllowed })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

/** Deliveries of these events, as if created 15 days ago. */
async function oldDeliveries(types: readonly string[]): Promise<string[]> {
  await createWebhook(server, { url: receiver.url, events: types })
  const ids: string[] = []
  for (const type of types) ids.push(...((await trigger(server, { type })).deliveryIds ?? []))
  for (const id of ids) await endedDelivery(server, id)
  await server.database.query(`UPDATE delivery SET created_at = created_at - interval '15 days' WHERE id = ANY($1)`, [
    ids,
  ])
  return ids
}

async function forgetOld(): Promise<void> {
  const database = openDatabase({ url: server.database.url, poolSize: 1, onError: () => undefined })
  await applyDeliveryRetention(database, 14)
  await database.close()
}

async function idsAmong(ids: readonly string[], column: string, table: string): Promise<string[]> {
  const rows = await server.database.query<{ id: string }>(
    `SELECT ${column} AS id FROM ${table} WHERE ${column} = ANY($1)`,
    [ids],
  )
  return rows.map(({ id }) => id)
}

it('forgets deliveries that have ended long ago with their attempts, and no others', async () => {
  const ids = await oldDeliveries(['kept.old', 'kept.new'])
  const [, young] = ids
  await server.database.query('UPDATE delivery SET created_at = now() WHERE id = $1', [young])
  await forgetOld()
  expect(await idsAmong(ids, 'id', 'delivery')).toEqual([young])
  expect(await idsAmong(ids, 'delivery_id', 'delivery_attempt')).toEqual([young])
})

it('keeps what waits for a webhook that is active, and for no other', async () => {
  const ids = await oldDeliveries(['waits.here'])
  const [waiting] = ids
  await server.database.query(
    `UPDATE delivery SET status = 'PENDING', due_at = now() + interval '1 day' WHERE id = ANY($1)`,
    [ids],
  )
  await forgetOld()
  expect(await idsAmong(ids, 'id', 'delivery')).toEqual([waiting])
  await server.database.query(
    `UPDATE webhook SET status = 'INACTIVE' WHERE id = (SELECT webhook_id FROM delivery WHERE id = $1)`,
    [waiting],
  )
  await forgetOld()
  expect(await idsAmong(ids, 'id', 'delivery')).toEqual([])
})
