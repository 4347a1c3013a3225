import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { resolveNames } from '#test/support/resolver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import {
  createWebhook,
  deliveryThat,
  endedDelivery,
  loopbackAllowed,
  quickRetry,
  refusedWebhook,
  trigger,
} from '#test/support/webhooks.ts'

/** Long enough for a slow machine to answer in, short enough to wait for. */
const timeoutMs = 1_500
const outside = '93.184.215.14'
const inside = '10.0.0.1'

let server: TestServer
let receiver: Receiver
let restore = () => {}

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startTestServer({ env: loopbackAllowed })
})
afterEach(() => {
  restore()
  receiver.answer((_req, res) => res.writeHead(204).end())
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

describe('a name', () => {
  const at = (name: string) => receiver.url.replace('127.0.0.1', name)

  it('that has an inner address beside a public one is refused', async () => {
    restore = resolveNames({ 'mixed.example': [[outside, inside]] })
    const { code, issues } = await refusedWebhook(server, { url: at('mixed.example') })
    expect([code, issues?.[0]?.path]).toEqual(['INVALID_INPUT', 'url'])
    expect(issues?.[0]?.message).toContain('mixed.example has an address that may not be reached')
    expect(issues?.[0]?.message).not.toContain(inside)
  })

  it('that comes to mean an inner address gets nothing, and what waited once it is what it was', async () => {
    // The first look-up is that of the check; each attempt makes one of its own.
    restore = resolveNames({
      'turning.example': [['127.0.0.1'], [inside], [inside], ['127.0.0.1', inside], ['127.0.0.1']],
    })
    await createWebhook(server, {
      url: `${at('turning.example')}/turning`,
      events: ['turn.one'],
      order: 'PER_SUBJECT',
      retry: quickRetry,
    })
    const id = await until(async () => {
      const made = `SELECT id FROM delivery WHERE event_type = 'webhook.ping'`
      return (await server.database.query<{ id: string }>(made))[0]?.id
    })
    const ended = await endedDelivery(server, id)
    expect(ended.attempts.toReversed().map(({ outcome }) => outcome)).toEqual([
      'blocked',
      'blocked',
      'blocked',
      'success',
    ])
    expect(ended.attempts.at(-1)?.error).toContain('turning.example has an address that may not')
    expect(await receiver.got(1, 'turning')).toHaveLength(1)
  })
})

function dripping(status: number, res: ServerResponse): void {
  res.writeHead(status)
  const drip = setInterval(() => res.write('x'), 20)
  res.on('close', () => clearInterval(drip))
}

describe('a receiver that has taken the event is not asked again', () => {
  const chunk = Buffer.alloc(64 * 1024)
  const interim = 'HTTP/1.1 100 Continue\r\nx-hint: wait\r\n\r\n'
  const taken: [string, Parameters<Receiver['answer']>[0]][] = [
    ['and drips', (_req, res) => dripping(200, res)],
    ['and never ends its answer', (_req, res) => res.writeHead(202).flushHeaders()],
    [
      'and answers without end',
      (_req, res) => {
        const more = () => {
          while (!res.destroyed && res.write(chunk));
        }
        res.on('drain', more)
        more()
      },
    ],
    [
      'and closes in the middle',
      (_req, res) => {
        res.writeHead(200, { 'content-length': '10' })
        res.write('12345', () => res.destroy())
      },
    ],
    [
      'and said 100 Continue unasked before',
      (_req, res) => {
        res.writeContinue()
        res.writeHead(204).end()
      },
    ],
    [
      'and said 100 Continue twice, in pieces, with an answer that looks like another',
      (_req, res) => {
        res.socket?.write(`${interim}${interim.slice(0, 7)}`)
        setImmediate(() => {
          res.socket?.write(interim.slice(7, 30))
          setImmediate(() => {
            res.socket?.write(interim.slice(30))
            res.writeHead(200, { 'content-length': String(interim.length) }).end(interim)
          })
        })
      },
    ],
  ]

  it.each(taken)('%s', async (_name, answer) => {
    const path = `taken-${taken.findIndex(([, one]) => one === answer)}`
    await createWebhook(server, {
      url: `${receiver.url}/${path}`,
      events: [`${path}.one`],
      timeoutMs,
      retry: quickRetry,
    })
    await receiver.got(1, path)
    receiver.answer(answer)
    const { deliveryIds } = await trigger(server, { type: `${path}.one` })
    const ended = await endedDelivery(server, deliveryIds[0]!)
    expect(ended).toMatchObject({ status: 'DELIVERED', attempts: [{ outcome: 'success', error: null }] })
    if (path === 'taken-5') expect(ended.attempts[0]?.responseBody).toBe(interim)
    expect(receiver.received.filter((one) => one.path === `/${path}`)).toHaveLength(2)
  })
})

describe('a receiver', () => {
  const bad: [string, Parameters<Receiver['answer']>[0], string, string][] = [
    ['that never answers', () => {}, 'timeout', `There was no complete answer within ${timeoutMs} ms.`],
    [
      'that says only that it goes on',
      (_req, res) => res.writeContinue(),
      'timeout',
      `There was no complete answer within ${timeoutMs} ms.`,
    ],
    [
      'that closes before its answer',
      (_req, res) => res.socket?.write('HTTP/1.1 20', () => res.destroy()),
      'refused',
      'other side closed',
    ],
    [
      'that refuses without end',
      (_req, res) => dripping(500, res),
      'server_error',
      `There was no complete answer within ${timeoutMs} ms.`,
    ],
  ]

  it.each(bad)('%s has failed, and gets it again under the same id', async (_name, answer, outcome, reason) => {
    const path = `bad-${bad.findIndex(([, one]) => one === answer)}`
    const events = [`${path}.one`]
    const retry = { ...quickRetry, delayMs: 200, maxDelayMs: 200 }
    await createWebhook(server, { url: `${receiver.url}/${path}`, events, timeoutMs, retry })
    await receiver.got(1, path)
    receiver.answer(answer)
    const { deliveryIds } = await trigger(server, { type: `${path}.one` })
    const failed = await deliveryThat(server, deliveryIds[0]!, ({ attempt }) => attempt > 0)
    expect(failed.attempts.at(-1)).toMatchObject({ outcome, error: reason })
    receiver.answer((_req, res) => res.writeHead(204).end())
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'DELIVERED' })
    const ids = (await receiver.got(3, path)).slice(1).map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids)).toEqual(new Set(deliveryIds))
  })
})
