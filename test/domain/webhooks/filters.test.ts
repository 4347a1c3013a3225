import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import {
  createWebhook,
  deliveryThat,
  endedDelivery,
  loopbackAllowed,
  refusedWebhook,
  trigger,
  updatedWebhook,
} from '#test/support/webhooks.ts'

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

const text = `d${'x'.repeat(4_095)}`
const webhooks = 20
/** Ten patterns as large as a list may have; they were taken for webhooks, too. */
const tooLarge = (index: number) => ({
  or: Array.from({ length: 10 }, (_, one) => ({
    path: 'text',
    matches: `${index}{0}x[xab]{0,240}[xab]{0,230}${one}?d`,
  })),
})

const redeliver = (deliveryId: string) =>
  graphqlData(server, 'mutation ($id: ID!) { redeliver(input: { deliveryId: $id }) { __typename } }', {
    id: deliveryId,
  })

describe('the filter of a webhook', () => {
  it('may not have patterns as large as a list may', async () => {
    expect(await refusedWebhook(server, { url: `${receiver.url}/never`, filter: tooLarge(1) })).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'filter', message: expect.stringContaining('at most 200 are searched for each change') }],
    })
  })

  it('that takes too long makes a failed delivery, which can be sent all the same, and holds up nobody', async () => {
    const made = await Promise.all(
      Array.from({ length: webhooks }, async (_, index) => {
        const path = `slow-${index}`
        const { id } = await createWebhook(server, { url: `${receiver.url}/${path}` })
        await receiver.got(1, path)
        return { id, path }
      }),
    )
    const light = await createWebhook(server, { url: `${receiver.url}/light`, filter: { path: 'n', eq: 1 } })
    // As they were stored before there was a limit.
    for (const [index, { id }] of made.entries())
      await server.database.query('UPDATE webhook SET filter = $2, version = version + 1 WHERE id = $1', [
        id,
        JSON.stringify(tooLarge(index)),
      ])
    const delay = monitorEventLoopDelay()
    delay.enable()
    const { deliveryIds } = await trigger(server, { type: 'test.heavy', data: { text, n: 1 } })
    expect(deliveryIds).toHaveLength(webhooks + 1)
    const ended = await Promise.all(deliveryIds.map((id) => endedDelivery(server, id)))
    delay.disable()
    const failed = ended.filter(({ status }) => status === 'FAILED')
    expect(failed).toHaveLength(webhooks)
    expect(failed[0]).toMatchObject({
      eventType: 'test.heavy',
      outcome: 'filter_error',
      attempt: 1,
      attempts: [{ outcome: 'filter_error', error: expect.stringContaining('takes too long for this event') }],
    })
    expect(ended.filter(({ status }) => status === 'DELIVERED')).toHaveLength(1)
    expect((await receiver.got(2, 'light'))[1]?.body).toContain('test.heavy')
    // It was the sum of all of them, many seconds.
    expect(delay.max / 1e6).toBeLessThan(5_000)

    const [one] = failed
    if (one === undefined) throw new Error('none has failed')
    await redeliver(one.id)
    await deliveryThat(server, one.id, ({ status }) => status === 'DELIVERED')
    expect(receiver.received.filter(({ body }) => body.includes('test.heavy'))).toHaveLength(2)
    // The owner has to replace the filter with the next change, and the refusal says so.
    expect(await updatedWebhook(server, { id: made[0]?.id, name: 'other' })).toContain('at most 200 are searched')
    expect(await updatedWebhook(server, { id: made[0]?.id, name: 'other', filter: null })).toBe('other')
    expect(light.id).toBeDefined()
  })
})
