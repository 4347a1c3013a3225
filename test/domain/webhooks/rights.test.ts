import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { put } from '#test/support/documents.ts'
import { entriesOf } from '#test/support/entries.ts'
import { toldEvents } from '#test/support/events.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import {
  createWebhook,
  endedDelivery,
  loopbackAllowed,
  quickRetry,
  trigger,
  updatedWebhook,
} from '#test/support/webhooks.ts'

const configFile = new URL('../../fixtures/access/signalbox.config.ts', import.meta.url).pathname

let server: TestServer
let receiver: Receiver
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { ...loopbackAllowed, LOG_LEVEL: 'silent' } })
  receiver = await startReceiver()
  // The last owner can neither leave nor step down.
  await addPerson(server, 'OWNER')
})
afterAll(async () => {
  await receiver.close()
  await server.close()
})

interface Sent {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

const as = (token: string) => ({ url: server.url, token })

async function tokenFor(...scopes: string[]) {
  return addToken(server, { accountId: await ownAccount(server), scopes: ['webhooks:admin', ...scopes] })
}

let count = 0
/** A webhook of this token's, at a path of its own. */
async function webhookOf(token: string, input: Record<string, unknown>): Promise<{ id: string; path: string }> {
  count += 1
  const path = `webhook-${count}`
  const { id } = await createWebhook(as(token), { url: `${receiver.url}/${path}`, retry: quickRetry, ...input })
  return { id, path }
}

/** What came to a path until an event that all webhooks here ask for, but for that and pings. */
async function sentTo(path: string): Promise<Sent[]> {
  count += 1
  const mark = `mark-${count}`
  await trigger(server, { type: 'test.mark', data: { mark } })
  const all = () =>
    receiver.received.filter((one) => one.path === `/${path}`).map(({ body }) => JSON.parse(body) as Sent)
  await until(() => all().some(({ data }) => data['mark'] === mark))
  return all().filter(({ type }) => type !== 'test.mark' && type !== 'webhook.ping')
}

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

async function change(name: string, input: object): Promise<void> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`
  await graphqlData(server, `mutation ($input: ${type}!) { ${name}(input: $input) { __typename } }`, { input })
}

interface Shown {
  readonly status: string
  readonly statusReason: string | null
  readonly maker: { readonly actor: { readonly name: string }; readonly scopes: readonly string[] }
}

async function shown(id: string): Promise<Shown> {
  const query = 'query ($id: ID!) { webhook(id: $id) { status statusReason maker { actor { name } scopes } } }'
  return (await graphqlData<{ webhook: Shown }>(server, query, { id })).webhook
}

const everything = ['task.*', 'task.log', 'entry.*', 'document.*', 'lock.*', 'test.*']

describe('a webhook', () => {
  it('is sent what its maker sees, and no more', async () => {
    const [alone, narrow] = [
      await webhookOf((await tokenFor()).token, { events: everything }),
      await webhookOf(
        (await tokenFor('tasks:read:type=deploy_*', 'entries:read:mine/**', 'documents:read:mine/**')).token,
        { events: everything, order: 'PER_SUBJECT' },
      ),
    ]
    for (const type of ['deploy_x', 'deployqx']) await completed(type)
    for (const name of ['mine/a', 'theirs/a']) {
      await entriesOf(server).set(name, { note: name })
      await entriesOf(server).acquire(name)
      await put(server, 'a', { note: name }, { collection: name })
    }
    const short = ({ type, data }: Sent) => [
      type.split('.')[0],
      data['type'] ?? data['key'] ?? data['name'],
      data['value'],
    ]
    const unique = (sent: Sent[]) => [...new Set(sent.map((one) => JSON.stringify(short(one))))].toSorted()
    expect(unique(await sentTo(alone.path))).toEqual(
      [
        ['entry', 'mine/a', undefined],
        ['entry', 'theirs/a', undefined],
      ].map((one) => JSON.stringify(one)),
    )
    expect(unique(await sentTo(narrow.path))).toEqual(
      [
        ['document', 'a', undefined],
        ['entry', 'mine/a', { note: 'mine/a' }],
        ['entry', 'theirs/a', undefined],
        ['lock', 'mine/a', undefined],
        ['task', 'deploy_x', undefined],
      ].map((one) => JSON.stringify(one)),
    )
    expect(receiver.received.map(({ body }) => body).join()).not.toContain('deployqx')
  })

  it('is matched against what its maker sees', async () => {
    const input = { events: ['entry.set', 'test.*'], filter: { path: 'value.pin', eq: 1234 } }
    const filter = { or: [input.filter, { path: 'mark', exists: true }] }
    const blind = await webhookOf((await tokenFor()).token, { ...input, filter })
    const seeing = await webhookOf((await tokenFor('entries:read')).token, { ...input, filter })
    await entriesOf(server).set('pins/a', { pin: 1234 })
    await entriesOf(server).set('pins/b', { pin: 1 })
    expect(await sentTo(blind.path)).toEqual([])
    expect((await sentTo(seeing.path)).map(({ data }) => data['key'])).toEqual(['pins/a'])
  })

  it('stays its maker’s until somebody changes what is sent, or where', async () => {
    const { token } = await tokenFor()
    const { id, path } = await webhookOf(token, { events: ['entry.set', 'test.*'] })
    const values = async (key: string) => {
      await entriesOf(server).set(key, { note: key })
      return (await sentTo(path)).filter(({ data }) => data['key'] === key).map(({ data }) => data['value'])
    }
    const harmless = {
      name: 'renamed',
      timeoutMs: 5_000,
      concurrency: 3,
      status: 'ACTIVE',
      url: `${receiver.url}/${path}`,
    }
    expect(await updatedWebhook(server, { id, ...harmless })).toBe('renamed')
    expect((await shown(id)).maker).toEqual({ actor: { name: 'other' }, scopes: ['webhooks:admin'] })
    expect(await values('lent/a')).toEqual([undefined])
    await updatedWebhook(server, { id, events: ['entry.*', 'test.*'] })
    expect((await shown(id)).maker.actor.name).toBe('owner')
    expect(await values('lent/b')).toEqual([{ note: 'lent/b' }])
    await updatedWebhook(as(token), { id, redact: ['nothing.at.all'] })
    expect((await shown(id)).maker.actor.name).toBe('other')
    expect(await values('lent/c')).toEqual([undefined])
    const rotate = 'mutation ($id: ID!) { rotateWebhookSecret(input: { id: $id }) { __typename } }'
    await graphqlData(server, rotate, { id })
    expect((await shown(id)).maker.actor.name).toBe('owner')
  })

  it('does not run its query with the rights of who renames it', async () => {
    const { token } = await tokenFor()
    await entriesOf(server).set('vault/db', 'secret')
    const { id, path } = await webhookOf(token, {
      events: ['query.asked'],
      format: 'GRAPHQL',
      document: '{ entry(key: "vault/db") { value } }',
      retry: { ...quickRetry, maxAttempts: 1 },
    })
    await updatedWebhook(server, { id, name: 'renamed' })
    const { deliveryIds } = await trigger(server, { type: 'query.asked' })
    const delivery = await endedDelivery(server, deliveryIds[0] ?? '')
    expect([delivery.status, delivery.outcome]).toEqual(['FAILED', 'document_error'])
    expect(receiver.received.filter((one) => one.path === `/${path}`)).toEqual([])
  })

  it('asks for security events only by who may read the audit log, also when taken over', async () => {
    const { id } = await webhookOf(server.token, { events: ['auth.*'] })
    const update = 'mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) { __typename } }'
    const { token } = await tokenFor()
    const codeOf = async (input: object) =>
      (await graphql(server, update, { input: { id, ...input } }, token)).errors?.[0]?.extensions?.['code']
    expect(await codeOf({ url: `${receiver.url}/elsewhere` })).toBe('FORBIDDEN')
    expect(await codeOf({ name: 'harmless' })).toBeUndefined()
  })
})

describe('a webhook whose maker lost rights', () => {
  const lapses: [string, (maker: { email: string; tokenId: string }) => Promise<unknown>, 'person' | 'token'][] = [
    ['was removed', ({ email }) => change('removeUser', { who: email }), 'person'],
    ['has a lower role', ({ email }) => change('updateUser', { who: email, role: 'MEMBER' }), 'person'],
    ['is a revoked token', ({ tokenId }) => change('revokeApplicationToken', { id: tokenId }), 'token'],
  ]

  it.each(lapses)(
    'because it %s is switched off, says why, and is taken over by who switches it on',
    async (_how, lapse, kind) => {
      const email = await addPerson(server, 'OWNER')
      const made = await tokenFor('entries:read')
      const token = kind === 'person' ? (await signIn(server, email)).accessToken : made.token
      const { id, path } = await webhookOf(token, { events: ['entry.set', 'test.*'] })
      await sentTo(path)
      await lapse({ email, tokenId: made.id })
      const { statusReason, maker } = await until(async () => {
        const webhook = await shown(id)
        return webhook.status === 'FAILED' && webhook
      })
      expect(statusReason).toContain('no longer has webhooks:admin')
      expect(maker.scopes).not.toContain('webhooks:admin')
      await toldEvents(server, ['webhook.disabled'], ({ data }) => data['reason'] === statusReason)
      await updatedWebhook(server, { id, status: 'ACTIVE' })
      expect(await shown(id)).toMatchObject({
        status: 'ACTIVE',
        statusReason: null,
        maker: { actor: { name: 'owner' } },
      })
      const key = `taken-over/${path}`
      await entriesOf(server).set(key, 1)
      const sent = (await sentTo(path)).filter(({ data }) => data['key'] === key)
      expect(sent.map(({ type, data }) => [type, data['value']])).toEqual([['entry.set', 1]])
    },
  )

  it('is not sent what was matched before, and the delivery says so', async () => {
    const { token, id: tokenId } = await tokenFor('entries:read')
    const { id, path } = await webhookOf(token, { events: ['entry.set', 'document.*', 'test.*'] })
    await entriesOf(server).set('lost/a', 'secret')
    const [{ id: entryDelivery }] = await until(async () => {
      const query = `query ($id: ID!) { deliveries(where: { webhookId: $id, eventType: ["entry.set"], status: [DELIVERED] }) { nodes { id } } }`
      const { deliveries } = await graphqlData<{ deliveries: { nodes: { id: string }[] } }>(server, query, { id })
      return deliveries.nodes.length > 0 && (deliveries.nodes as [{ id: string }])
    })
    // Tokens keep their scopes for life; this one is changed from outside.
    await server.database.query("UPDATE application_token SET scopes = '{webhooks:admin}' WHERE id = $1", [tokenId])
    await until(async () => (await shown(id)).maker.scopes.length === 1)
    const redeliver = 'mutation ($id: ID!) { redeliver(input: { deliveryId: $id }) { __typename } }'
    await graphqlData(server, redeliver, { id: entryDelivery })
    const bodies = await until(() => {
      const sent = receiver.received.filter((one) => one.path === `/${path}` && one.body.includes('lost/a'))
      return sent.length === 2 && sent.map(({ body }) => (JSON.parse(body) as Sent).data['value'])
    })
    expect(bodies).toEqual(['secret', undefined])
    await server.database.query("UPDATE application_token SET scopes = '{webhooks:admin,tasks:read}' WHERE id = $1", [
      tokenId,
    ])
  })

  it('fails what its maker may not read any more', async () => {
    const { token, id: tokenId } = await tokenFor('documents:read')
    const { id, path } = await webhookOf(token, { events: ['document.*', 'test.*'] })
    await put(server, 'lost', 1, { collection: 'lost' })
    await receiver.got(1, path)
    await sentTo(path)
    await server.database.query("UPDATE application_token SET scopes = '{webhooks:admin}' WHERE id = $1", [tokenId])
    await until(async () => (await shown(id)).maker.scopes.length === 1)
    const query = `query ($id: ID!) { deliveries(where: { webhookId: $id, eventType: ["document.created"] }) { nodes { id } } }`
    const { deliveries } = await graphqlData<{ deliveries: { nodes: { id: string }[] } }>(server, query, { id })
    const [{ id: deliveryId }] = deliveries.nodes as [{ id: string }]
    const before = receiver.received.length
    await graphqlData(server, 'mutation ($id: ID!) { redeliver(input: { deliveryId: $id }) { __typename } }', {
      id: deliveryId,
    })
    const failed = await until(async () => {
      const delivery = await endedDelivery(server, deliveryId)
      return delivery.outcome === 'not_allowed' && delivery
    })
    expect([failed.status, failed.attempts[0]?.error]).toEqual(['FAILED', expect.stringContaining('may not read')])
    expect(receiver.received.slice(before).filter((one) => one.path === `/${path}`)).toEqual([])
  })
})

describe('the list of deliveries', () => {
  it('names documents and locks to those alone who may read them', async () => {
    const { id, path } = await webhookOf(server.token, { events: ['document.*', 'lock.*', 'entry.*', 'test.*'] })
    await put(server, 'name', 1, { collection: 'hidden' })
    await entriesOf(server).acquire('hidden/lock')
    await sentTo(path)
    const subjects = async (token: string, subject?: string) => {
      const query = `query ($id: ID!, $subject: String) { deliveries(first: 200, where: { webhookId: $id, subject: $subject }) { nodes { subject } } }`
      const { data } = await graphql<{ deliveries: { nodes: { subject: string }[] } }>(
        server,
        query,
        { id, subject },
        token,
      )
      return data?.deliveries.nodes.map((one) => one.subject).filter((one) => /^(document|lock):/.test(one))
    }
    const { token } = await tokenFor()
    expect((await subjects(token))?.toSorted()).toEqual(['document:[redacted]', 'lock:[redacted]'])
    expect((await subjects(server.token))?.toSorted()).toEqual(['document:hidden/name', 'lock:hidden/lock'])
    expect(await subjects(token, 'document:hidden/name')).toEqual([])
    expect(await subjects(server.token, 'document:hidden/name')).toEqual(['document:hidden/name'])
  })

  it('finds security events by their subject for auditors alone', async () => {
    const { id } = await webhookOf(server.token, { events: ['auth.*'] })
    const email = await addPerson(server, 'MEMBER')
    const query = `query ($id: ID!, $subject: String) { deliveries(where: { webhookId: $id, subject: $subject }) { nodes { subject } } }`
    const found = async (token: string, subject?: string) => {
      const { data } = await graphql<{ deliveries: { nodes: { subject: string }[] } }>(
        server,
        query,
        { id, subject },
        token,
      )
      return data?.deliveries.nodes.map((one) => one.subject)
    }
    await change('removeUser', { who: email })
    const subject = await until(async () => (await found(server.token))?.[0])
    const { token } = await tokenFor()
    expect(await found(server.token, subject)).toContain(subject)
    expect(await found(token, subject)).toEqual([])
    expect(await found(token)).toContain(`${subject.split(':')[0]}:[redacted]`)
  })
})
