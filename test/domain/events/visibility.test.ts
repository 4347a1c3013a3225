import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { put } from '#test/support/documents.ts'
import { entriesOf } from '#test/support/entries.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, trigger } from '#test/support/webhooks.ts'
import { connectSocket } from '#test/support/websocket.ts'

const configFile = new URL('../../fixtures/access/signalbox.config.ts', import.meta.url).pathname

interface Told {
  readonly type: string
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
}

let server: TestServer
/** From before everything that the tests look at. */
let beginning: string
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
  await trigger(server, { type: 'test.beginning' })
  beginning = await until(async () => (await page(server.token, ['test.beginning']))[0]?.cursor)
  for (const type of ['deploy_x', 'deployqx']) await completed(type)
  for (const key of ['mine/a', 'theirs/a']) {
    await entriesOf(server).set(key, { secret: key })
    await entriesOf(server).acquire(key)
  }
  for (const collection of ['mine', 'theirs']) await put(server, 'a', {}, { collection })
  await createWebhook(server, { url: 'https://nowhere.invalid', retry: { maxAttempts: 1 } })
  await trigger(server, { type: 'test.end', data: { plain: true } })
  // The last one is final, so those before are.
  await until(async () => (await page(server.token, ['test.end'])).length > 0)
})
afterAll(() => server.close())

async function completed(type: string): Promise<void> {
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
    server,
    'mutation ($type: String!) { submitTask(input: { type: $type, input: {} }) { ... on SubmitTaskPayload { task { id } } } }',
    { type },
  )
  await until(async () => {
    const query = 'query ($id: ID!) { task(id: $id) { status } }'
    const { task } = await graphqlData<{ task: { status: string } }>(server, query, { id: submitTask.task.id })
    return task.status === 'COMPLETED'
  })
}

const families = ['task.*', 'entry.*', 'lock.*', 'document.*', 'collection.*', 'webhook.*', 'test.*']

async function page(token: string, types = families): Promise<(Told & { cursor: string })[]> {
  const { data, errors } = await graphql<{ events: { nodes: (Told & { cursor: string })[] } }>(
    server,
    `query ($types: [String!], $after: String) { events(types: $types, first: 200, after: $after) { nodes { cursor type subject data } } }`,
    { types, after: beginning },
    token,
  )
  if (data == null) throw new Error(JSON.stringify(errors))
  return data.events.nodes
}

async function stream(token: string): Promise<Told[]> {
  const socket = await connectSocket(server, { token })
  const query = `subscription ($types: [String!], $after: String) { events(types: $types, after: $after) { type subject data } }`
  socket.subscribe('events', query, { types: families, after: beginning })
  const told: Told[] = []
  for await (const { events } of socket.results('events')) {
    told.push(events as Told)
    if ((events as Told).type === 'test.end') break
  }
  await socket.close()
  return told
}

/** What a token sees by page and by stream, which is the same: in short, each once. */
async function seen(...scopes: string[]): Promise<string[]> {
  const { token } = await addToken(server, { accountId: await ownAccount(server), scopes })
  // What comes after the end, such as attempts of deliveries, may not be there yet for one of the two.
  const all = await page(token)
  const listed = all.slice(0, all.findIndex(({ type }) => type === 'test.end') + 1)
  const streamed = await stream(token)
  expect(streamed).toEqual(listed.map(({ cursor: _, ...event }) => event))
  const names = listed.map(({ type, subject, data }) => {
    const [family = ''] = type.split('.')
    return family === 'task' ? `task ${data['type']}` : family === 'webhook' ? family : `${family} ${subject}`
  })
  return [...new Set(names)].filter((name) => !name.startsWith('test')).toSorted()
}

const entries = ['entry entry:mine/a', 'entry entry:theirs/a']

describe('events', () => {
  it('about things with a scope of their own need that scope', async () => {
    expect(await seen('events:read')).toEqual(entries)
    expect(await seen('events:read', 'tasks:read')).toEqual([...entries, 'task deploy_x', 'task deployqx'])
    expect(await seen('events:read', 'tasks:write:type=deploy_*')).toEqual([...entries, 'task deploy_x'])
    expect(await seen('events:read', 'tasks:read:type=deployqx')).toEqual([...entries, 'task deployqx'])
    expect(await seen('events:read', 'entries:read:mine/**')).toEqual([...entries, 'lock lock:mine/a'])
    expect(await seen('events:read', 'documents:read:mine/**')).toEqual([
      'collection collection:mine',
      'document document:mine/a',
      ...entries,
    ])
    expect(await seen('webhooks:admin')).toEqual([...entries, 'webhook'])
  })

  it('of output are shown as little as others', async () => {
    const { token } = await addToken(server, {
      accountId: await ownAccount(server),
      scopes: ['events:read', 'tasks:read:type=deploy_x'],
    })
    const logs = await page(token, ['task.log', 'task.step'])
    expect(
      logs.map(({ data }) => [data['type'], data['step'] ?? (data['log'] as { message: string }).message]),
    ).toEqual([
      ['deploy_x', 'a step of deploy_x'],
      ['deploy_x', 'a line of deploy_x'],
    ])
    const { token: blind } = await addToken(server, { accountId: await ownAccount(server), scopes: ['events:read'] })
    expect(await page(blind, ['task.log', 'task.step'])).toEqual([])
  })

  it('of entries hold values for those alone who may read them', async () => {
    const { token } = await addToken(server, {
      accountId: await ownAccount(server),
      scopes: ['events:read', 'entries:read:mine/**'],
    })
    const values = (await page(token, ['entry.set'])).map(({ data }) => [data['key'], data['value']])
    expect(values).toEqual([
      ['mine/a', { secret: 'mine/a' }],
      ['theirs/a', undefined],
    ])
  })
})
