import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { put } from '#test/support/documents.ts'
import { Follower } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { findMetric } from '#test/support/metrics.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, endedDelivery, loopbackAllowed, trigger } from '#test/support/webhooks.ts'

const hookSecrets = {
  GITHUB_SECRET: "It's a Secret to Everybody",
  GITHUB_SECRET_NEXT: 'the next secret of GitHub',
  GITLAB_SECRET: 'a secret that GitLab shows',
  STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  PLAIN_SECRET: 'a plain secret of somebody',
}

let server: TestServer
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  const configFile = join(import.meta.dirname, '../fixtures/hooks/signalbox.config.ts')
  server = await startTestServer({ env: { ...loopbackAllowed, ...hookSecrets, LOG_LEVEL: 'silent' }, configFile })
})
afterAll(async () => {
  await server.close()
  await receiver.close()
})

async function scrape(): Promise<string> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
  expect(response.status).toBe(200)
  return response.text()
}

/** The value of one series, 0 before it was first counted. */
async function value(series: string): Promise<number> {
  return findMetric(await scrape(), series) ?? 0
}

/** What work adds to series, waiting until all of them have grown by at least what is expected. */
async function mustAdd(expected: Readonly<Record<string, number>>, work: () => Promise<unknown>): Promise<void> {
  const before = await scrape()
  await work()
  const grown = async () => {
    const now = await scrape()
    return Object.fromEntries(
      Object.keys(expected).map((series) => [
        series,
        (findMetric(now, series) ?? 0) - (findMetric(before, series) ?? 0),
      ]),
    )
  }
  await until(async () => {
    const added = await grown()
    return Object.entries(expected).every(([series, count]) => (added[series] ?? 0) >= count)
  }).catch(() => undefined)
  expect(await grown()).toEqual(expected)
}

async function mutate(name: string, input: Record<string, unknown>): Promise<void> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const { [name]: result } = await graphqlData<Record<string, { __typename: string; message?: string }>>(
    server,
    `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename ... on Failure { message } } }`,
    { input },
  )
  expect(result).toEqual({ __typename: `${type}Payload` })
}

describe('/metrics', () => {
  it('has the metrics that the documentation lists, each with a type and a description', async () => {
    const text = await scrape()
    const types = [...text.matchAll(/^# TYPE (signalbox_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    const page = await readFile(join(import.meta.dirname, '../../src/docs/metrics.md'), 'utf8')
    const listed = [...page.matchAll(/^\| `(signalbox_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(types.toSorted()).toEqual(listed.toSorted())
    for (const one of types) {
      const [name = '', type] = one.split(' ')
      expect(text).toMatch(new RegExp(`^# HELP ${name} .{10,}$`, 'm'))
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
    }
  })

  it('counts changes of documents, entries and locks', async () => {
    const key = randomUUID()
    await mustAdd(
      {
        'signalbox_document_changes_total{change="created"}': 1,
        'signalbox_document_changes_total{change="updated"}': 1,
        'signalbox_journal_entries_total{family="document"}': 2,
      },
      async () => {
        await put(server, key, { a: 1 })
        await put(server, key, { a: 2 })
      },
    )
    await mustAdd(
      {
        'signalbox_entry_changes_total{change="set"}': 1,
        'signalbox_entry_changes_total{change="deleted"}': 1,
      },
      async () => {
        await mutate('setEntry', { key, value: 1 })
        await mutate('deleteEntry', { key })
      },
    )
    await mustAdd({ 'signalbox_lock_changes_total{change="acquired"}': 1 }, () =>
      mutate('acquireLock', { name: key, ttlMs: 60_000 }),
    )
  })

  it('counts attempts and deliveries of webhooks, their times and the backlog', async () => {
    receiver.answer((_req, res, { body }) => res.writeHead(body.includes('figures.bad') ? 500 : 204).end())
    await createWebhook(server, { url: `${receiver.url}/figures`, events: ['figures.*'], retry: { maxAttempts: 1 } })
    await receiver.got(1, 'figures')
    await until(async () => (await value('signalbox_webhook_deliveries_total{outcome="delivered"}')) >= 1)
    await mustAdd(
      {
        'signalbox_webhook_attempts_total{outcome="success"}': 1,
        'signalbox_webhook_attempts_total{outcome="server_error"}': 1,
        'signalbox_webhook_deliveries_total{outcome="delivered"}': 1,
        'signalbox_webhook_deliveries_total{outcome="failed"}': 1,
        signalbox_webhook_attempt_seconds_count: 2,
        signalbox_webhook_delivery_seconds_count: 1,
        'signalbox_journal_entries_total{family="custom"}': 2,
      },
      async () => {
        for (const type of ['figures.good', 'figures.bad']) {
          const { deliveryIds } = await trigger(server, { type, subject: 'figures:1' })
          await endedDelivery(server, deliveryIds[0] ?? '')
        }
      },
    )
    const text = await scrape()
    expect(findMetric(text, 'signalbox_webhook_backlog_deliveries{state="due"}')).toBe(0)
    expect(findMetric(text, 'signalbox_webhook_open_circuits')).toBe(0)
  })

  it('shows what waits for a receiver that keeps failing, and its open circuit', async () => {
    receiver.answer((_req, res) => res.writeHead(503).end())
    const retry = { maxAttempts: 20, backoff: 'FIXED', delayMs: 60_000, maxDelayMs: 60_000 }
    await createWebhook(server, { url: `${receiver.url}/down`, events: ['down.*'], retry })
    for (let number = 0; number < 6; number += 1) await trigger(server, { type: 'down.now', subject: `down:${number}` })
    await until(async () => (await value('signalbox_webhook_open_circuits')) === 1)
    await until(async () => (await value('signalbox_webhook_backlog_deliveries{state="scheduled"}')) >= 5)
    // Due, and held back by the circuit.
    await trigger(server, { type: 'down.now', subject: 'down:last' })
    await until(async () => (await value('signalbox_webhook_backlog_age_seconds')) > 0)
  })

  it('counts calls of hooks by outcome, those of unknown hooks under one name', async () => {
    const body = JSON.stringify({ ref: 'refs/heads/main', commits: [1] })
    const signature = `sha256=${createHmac('sha256', hookSecrets.GITHUB_SECRET).update(body).digest('hex')}`
    const call = (hook: string, signed = signature) =>
      fetch(`${server.url}/hooks/${hook}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-github-delivery': 'one',
          'x-hub-signature-256': signed,
        },
      })
    await mustAdd(
      {
        'signalbox_hook_calls_total{hook="github",outcome="accepted"}': 1,
        'signalbox_hook_calls_total{hook="github",outcome="duplicate"}': 1,
        'signalbox_hook_calls_total{hook="github",outcome="unauthenticated"}': 1,
        'signalbox_hook_calls_total{hook="unknown",outcome="not_found"}': 2,
        'signalbox_hook_tasks_total{hook="github"}': 2,
      },
      async () => {
        for (const answer of [call('github'), call('github'), call('github', 'sha256=00'), call('a'), call('b')])
          await answer
      },
    )
  })

  it('counts what streams send, and the entries of the audit log', async () => {
    const follower = await Follower.open(server, 'subscription { stream: events(types: ["figures.*"]) { cursor } }')
    const [sent, audited] = await Promise.all([
      value('signalbox_stream_items_total{kind="entry"}'),
      value('signalbox_audit_entries_total'),
    ])
    await trigger(server, { type: 'figures.streamed', subject: 'figures:2' })
    await until(async () => (await value('signalbox_stream_items_total{kind="entry"}')) > sent)
    await until(async () => (await value('signalbox_audit_entries_total')) > audited)
    await follower.close()
  })
})
