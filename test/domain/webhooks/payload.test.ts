import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
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

/** What arrives of one event in a format. */
async function sentAs(format: string, event: Record<string, unknown> = {}) {
  const path = format.toLowerCase()
  const type = `format.${path}`
  await createWebhook(server, { url: `${receiver.url}/${path}`, events: [type], format })
  // The ping, which no order keeps before what comes after.
  await receiver.got(1, path)
  const { deliveryIds } = await trigger(server, { type, subject: 'release:v1', data: { a: 'b' }, ...event })
  const [, sent] = await receiver.got(2, path)
  return { id: deliveryIds[0]!, type, headers: sent!.headers, body: JSON.parse(sent!.body) }
}

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe('a body', () => {
  it('is as Standard Webhooks and the documents say', async () => {
    const standard = await sentAs('STANDARD')
    expect(standard.body).toEqual({ type: standard.type, timestamp: isoTime, data: { a: 'b' } })
    expect(standard.headers['content-type']).toBe('application/json')
    const documented = await sentAs('DOCUMENTED')
    expect(documented.body).toEqual({ event: documented.type, timestamp: isoTime, data: { a: 'b' } })
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

describe('a query as body', () => {
  const document =
    'query ($id: ID!, $type: String!) { task(id: $id) { id type status } events(types: [$type], first: 1) { nodes { type } } }'

  it('is answered for the event, as whoever made the webhook', async () => {
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

  it('shows nothing that its maker may not see, nor what they may see no longer', async () => {
    const maker = await addToken(server, {
      accountId: await ownAccount(server),
      scopes: ['webhooks:admin', 'tasks:read'],
    })
    const at = { url: server.url, token: maker.token }
    const users = 'query ($id: ID!) { task(id: $id) { status } users { nodes { email } } }'
    const allowed = 'query ($id: ID!) { task(id: $id) { status } }'
    await createWebhook(at, {
      url: `${receiver.url}/users`,
      events: ['task.completed'],
      format: 'GRAPHQL',
      document: users,
    })
    await createWebhook(at, {
      url: `${receiver.url}/own`,
      events: ['task.completed'],
      format: 'GRAPHQL',
      document: allowed,
    })
    await submitTask(server, { type: 'probe' })
    const bodyOf = async (count: number, path: string) => JSON.parse((await receiver.got(count, path))[count - 1]!.body)
    const refused = await bodyOf(2, 'users')
    expect([refused.data, refused.errors[0].extensions.code]).toEqual([null, 'FORBIDDEN'])
    expect(await bodyOf(1, 'own')).toEqual({ data: { task: { status: 'COMPLETED' } } })
    await graphqlData(server, 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }', {
      id: maker.id,
    })
    await submitTask(server, { type: 'probe' })
    expect((await bodyOf(2, 'own')).errors[0].extensions.code).toBe('FORBIDDEN')
  })
})
