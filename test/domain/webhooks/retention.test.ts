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

it('forgets deliveries that have ended long ago with their attempts, and no others', async () => {
  await createWebhook(server, { url: receiver.url, events: ['kept.*'] })
  const ids: string[] = []
  for (const type of ['kept.old', 'kept.new']) ids.push(...((await trigger(server, { type })).deliveryIds ?? []))
  for (const id of ids) await endedDelivery(server, id)
  const [old, young] = ids
  await server.database.query(`UPDATE delivery SET created_at = created_at - interval '15 days' WHERE id = $1`, [old])
  const database = openDatabase({ url: server.database.url, poolSize: 1, onError: () => undefined })
  await applyDeliveryRetention(database, 14)
  await database.close()
  const left = await server.database.query<{ id: string }>('SELECT id FROM delivery WHERE id = ANY($1)', [ids])
  expect(left).toEqual([{ id: young }])
  const attempts = await server.database.query<{ id: string }>(
    'SELECT delivery_id AS id FROM delivery_attempt WHERE delivery_id = ANY($1)',
    [ids],
  )
  expect(attempts).toEqual([{ id: young }])
})
