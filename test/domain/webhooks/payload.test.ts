import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, endedDelivery, loopbackAllowed, trigger, updatedWebhook } from '#test/support/webhooks.ts'

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

let made = 0
/** What arrives of one event in a format, at a webhook of its own. */
async function sentAs(format: string, event: Record<string, unknown> = {}) {
  made += 1
  const path = `${format.toLowerCase()}-${made}`
  const type = `format.${format.toLowerCase()}`
  await createWebhook(server, { url: `${receiver.url}/${path}`, events: [type], format })
  // The ping, which no order keeps before what comes after.
  await receiver.got(1, path)
  const { deliveryIds } = await trigger(server, { type, subject: 'release:v1', data: { a: 'b' }, ...event })
  const [, sent] = await receiver.got(2, path)
  const id = sent!.headers['webhook-id']
  expect(deliveryIds).toContain(id)
  return { id, type, headers: sent!.headers, body: JSON.parse(sent!.body) }
}

/** The delivery of a task's end to a webhook, once it is there. */
function deliveryOf(webhookId: string): Promise<string> {
  const query = `query ($id: ID!) {
    deliveries(where: { webhookId: $id, eventType: ["task.completed"] }) { nodes { id } } }`
  return until(async () => {
    const { deliveries } = await graphqlData<{ deliveries: { nodes: { id: string }[] } }>(server, query, {
      id: webhookId,
    })
    return deliveries.nodes[0]?.id ?? false
  })
}

const uuid = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
const actor = { kind: 'application', id: expect.any(String), name: expect.any(String) }
const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe('a body', () => {
  it('is as Standard Webhooks and the documents say', async () => {
    const facts = { timestamp: isoTime, id: uuid, subject: 'release:v1', actor, account: uuid, data: { a: 'b' } }
    const standard = await sentAs('STANDARD')
    expect(standard.body).toEqual({ type: standard.type, ...facts })
    expect(standard.headers['content-type']).toBe('application/json')
    const documented = await sentAs('DOCUMENTED')
    expect(documented.body).toEqual({ event: documented.type, ...facts })
  })

  it('comes with headers that say what it is about, whatever its format', async () => {
    for (const format of ['STANDARD', 'CLOUDEVENTS_BINARY', 'SLACK']) {
      const { headers, type } = await sentAs(format, { subject: 'release:ü "1"'.replaceAll(' ', '_') })
      expect(headers).toMatchObject({
        'webhook-event-type': type,
        'webhook-event-id': uuid,
        'webhook-subject': 'release:%C3%BC_%221%22',
        'webhook-actor': expect.stringMatching(/^application:[\w-]+$/),
        'webhook-account': uuid,
      })
    }
  })

  it('names the event by the same id to each webhook, and as the API does', async () => {
    await sentAs('STANDARD')
    // The webhook before gets it, too.
    const { type, body } = await sentAs('STANDARD')
    const sent = await until(() => {
      const found = receiver.received.filter((one) => JSON.parse(one.body).id === body.id)
      return found.length >= 2 && found
    })
    expect(new Set(sent.map(({ headers }) => headers['webhook-id'])).size).toBe(sent.length)
    const query = 'query ($types: [String!]) { events(types: $types) { nodes { id } } }'
    const { events } = await graphqlData<{ events: { nodes: { id: string }[] } }>(server, query, { types: [type] })
    expect(events.nodes.at(-1)).toEqual({ id: body.id })
  })

  it('is a CloudEvent in structured mode', async () => {
    const { id, type, headers, body } = await sentAs('CLOUDEVENTS_STRUCTURED')
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
    expect(body).toEqual({
      specversion: '1.0',
      id,
      source: '/signalbox',
      type,
      subject: 'release:v1',
      time: isoTime,
      eventid: uuid,
      accountid: uuid,
      actorkind: 'application',
      actorid: expect.any(String),
      actorname: expect.any(String),
      datacontenttype: 'application/json',
      data: { a: 'b' },
    })
  })

  it('is a CloudEvent in binary mode', async () => {
    const { id, type, headers, body } = await sentAs('CLOUDEVENTS_BINARY', { subject: 'release:ü%"' })
    expect(body).toEqual({ a: 'b' })
    expect(headers).toMatchObject({
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-type': type,
      'ce-source': '/signalbox',
      'ce-subject': 'release:%C3%BC%25%22',
      'ce-eventid': uuid,
      'ce-actorkind': 'application',
      'content-type': 'application/json',
    })
  })

  it('is a message for people, in which nothing of others is read as marks', async () => {
    const slack = await sentAs('SLACK', { data: { text: '<!channel> & more' } })
    expect(slack.body.text).toBe(`${slack.type}: release:v1`)
    expect(JSON.stringify(slack.body.blocks)).toContain('&lt;!channel&gt; &amp; more')
    const teams = await sentAs('TEAMS')
    expect(teams.body).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard' } }],
    })
    const discord = await sentAs('DISCORD', { data: { text: '@everyone' } })
    expect(discord.body).toMatchObject({
      allowed_mentions: { parse: [] },
      embeds: [{ title: `${discord.type}: release:v1` }],
    })
  })
})

describe('a message for people, however long its data', () => {
  const family = '👩‍👩‍👧‍👦'
  const texts = ['<&>'.repeat(1_000), family.repeat(400), '漢'.repeat(4_000), '"\\\n\u0001'.repeat(1_000)]
  const data = Object.fromEntries([
    ['', 'has no name'],
    ['blank', '   '],
    ...texts.flatMap((text, index) => [
      [`text ${index}`, text],
      [`${'<n>'.repeat(300)}${index}`, text],
    ]),
  ])
  // As long as a subject may be.
  const event = { data, subject: `release:${'é'.repeat(250)}` }
  const isWhole = (text: string) => text.isWellFormed() && !/\u200d…$/.test(text)

  it('stays within the limits of Slack', async () => {
    const { body } = await sentAs('SLACK', event)
    const [title, { fields }, { elements }] = body.blocks
    expect(title.text.text.length).toBeLessThanOrEqual(3_000)
    expect(elements[0].text.length).toBeLessThanOrEqual(3_000)
    expect(fields).toHaveLength(8)
    for (const { text } of fields) {
      expect(text.length).toBeLessThanOrEqual(2_000)
      expect(isWhole(text)).toBe(true)
      // An entity that is cut is read as text.
      expect(text).not.toMatch(/&(?!amp;|lt;|gt;)/)
    }
  })

  it('stays within the limits of Discord', async () => {
    const { body } = await sentAs('DISCORD', event)
    const [{ title, fields, footer }] = body.embeds
    const lengths = [
      title,
      footer.text,
      ...fields.flatMap((one: Record<string, string>) => [one['name'], one['value']]),
    ]
    expect(lengths.reduce((sum: number, text: string) => sum + text.length, 0)).toBeLessThanOrEqual(6_000)
    expect(title.length).toBeLessThanOrEqual(256)
    expect(fields).toHaveLength(8)
    for (const { name, value } of fields) {
      expect([name.trim() !== '', value.trim() !== '']).toEqual([true, true])
      expect([name.length <= 256, value.length <= 1_024]).toEqual([true, true])
      expect([isWhole(name), isWhole(value)]).toEqual([true, true])
    }
  })

  it('stays within the limit of Teams', async () => {
    const { body } = await sentAs('TEAMS', event)
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(28 * 1024)
    const [, { facts }] = body.attachments[0].content.body
    expect(facts).toHaveLength(8)
    for (const { value } of facts) expect(isWhole(value)).toBe(true)
  })
})

describe('a query as body', () => {
  const document =
    'query ($id: ID!, $type: String!) { task(id: $id) { id type status } events(types: [$type], first: 1) { nodes { type } } }'

  it('is executed for the event, with the rights of the webhook’s maker', async () => {
    await createWebhook(server, {
      url: `${receiver.url}/query`,
      events: ['task.completed'],
      format: 'GRAPHQL',
      document,
    })
    // The ping, which no order keeps before what comes after.
    await receiver.got(1, 'query')
    const id = await submitTask(server, { type: 'probe' })
    const sent = (await receiver.got(2, 'query')).map(({ body }) => JSON.parse(body))
    expect(sent[1]).toEqual({
      data: { task: { id, type: 'probe', status: 'COMPLETED' }, events: { nodes: [{ type: 'task.completed' }] } },
    })
  })

  it('is not sent when it has nothing to tell', async () => {
    const only = 'query ($id: ID!) { task(id: $id) { id } }'
    await createWebhook(server, {
      url: `${receiver.url}/none`,
      events: ['query.none'],
      format: 'GRAPHQL',
      document: only,
    })
    const { deliveryIds } = await trigger(server, { type: 'query.none' })
    expect(await endedDelivery(server, deliveryIds[0]!)).toMatchObject({ status: 'SKIPPED', outcome: 'skipped' })
    expect(receiver.received.filter(({ path }) => path === '/none')).toEqual([])
  })

  it('that its maker may not ask, or may ask no longer, is not sent, and can be once they may', async () => {
    const accountId = await ownAccount(server)
    const maker = await addToken(server, { accountId, scopes: ['webhooks:admin', 'tasks:read'] })
    const make = (path: string, asked: string) =>
      createWebhook(
        { url: server.url, token: maker.token },
        {
          url: `${receiver.url}/${path}`,
          events: ['task.completed'],
          format: 'GRAPHQL',
          document: `query ($id: ID!) { task(id: $id) { status } ${asked} }`,
          retry: { maxAttempts: 1 },
        },
      )
    const users = await make('users', 'users { nodes { email } }')
    const own = await make('own', '')
    await submitTask(server, { type: 'probe' })
    const refused = await endedDelivery(server, await deliveryOf(users.id))
    expect(refused).toMatchObject({ status: 'FAILED', outcome: 'document_error', responseStatus: null })
    expect(refused.attempts[0]?.error).toMatch(/^The query failed: FORBIDDEN: .*\(users\)$/)
    const [sent] = await receiver.got(1, 'own')
    expect(JSON.parse(sent!.body)).toEqual({ data: { task: { status: 'COMPLETED' } } })
    await graphqlData(server, 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }', {
      id: maker.id,
    })
    const again = 'mutation ($id: ID!) { redeliver(input: { deliveryId: $id }) { __typename ... on Failure { code } } }'
    const statusOf = async (id: string) => {
      const query = 'query ($id: ID!) { webhook(id: $id) { status } }'
      return (await graphqlData<{ webhook: { status: string } }>(server, query, { id })).webhook.status
    }
    await until(async () => (await statusOf(own.id)) === 'FAILED' && (await statusOf(users.id)) === 'FAILED')
    expect(await graphqlData(server, again, { id: await deliveryOf(own.id) })).toEqual({
      redeliver: { __typename: 'WebhookNotActive', code: 'WEBHOOK_NOT_ACTIVE' },
    })
    // From now on it runs with the rights of the caller who switched it on.
    await updatedWebhook(server, { id: users.id, status: 'ACTIVE' })
    expect(receiver.received.filter(({ path }) => path === '/users')).toEqual([])
    await graphqlData(server, again, { id: refused.id })
    const [late] = await receiver.got(1, 'users')
    expect(JSON.parse(late!.body)).toEqual({ data: { task: { status: 'COMPLETED' }, users: expect.anything() } })
    expect(late!.headers['webhook-id']).toBe(refused.id)
  })
})
