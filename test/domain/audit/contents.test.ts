import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { factsOf } from '#domain/audit/audited-facts.ts'
import { auditEntries, auditEntriesOnce } from '#test/support/audit.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

const hookSecret = "It's a Secret to Everybody"
/** Stands in everything that is stored or sent below. */
const content = 'content-that-nobody-may-keep'

let server: TestServer
beforeAll(async () => {
  const env = {
    GITHUB_SECRET: hookSecret,
    GITHUB_SECRET_NEXT: hookSecret,
    GITLAB_SECRET: 'a secret that GitLab shows',
    STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    PLAIN_SECRET: 'a plain secret of somebody',
    LOG_LEVEL: 'silent',
  }
  const configFile = join(import.meta.dirname, '../../fixtures/hooks/signalbox.config.ts')
  server = await startTestServer({ env, configFile })
})
afterAll(() => server.close())

async function change(name: string, input: object): Promise<void> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const query = `mutation ($input: ${type}Input!) { outcome: ${name}(input: $input) {
    __typename ... on Failure { code message } } }`
  const { outcome } = await graphqlData<{ outcome: { __typename: string } }>(server, query, { input })
  expect(outcome).toEqual({ __typename: `${type}Payload` })
}

async function callHook(): Promise<void> {
  const body = JSON.stringify({ ref: content, commits: [1] })
  const response = await fetch(`${server.url}/hooks/github`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': 'with-content',
      'x-hub-signature-256': `sha256=${createHmac('sha256', hookSecret).update(body).digest('hex')}`,
    },
  })
  expect(response.status).toBe(202)
}

describe('the audit log', () => {
  it('holds nothing of what was stored, sent or handed to a task', async () => {
    const value = { [content]: content }
    const request = { url: `https://nowhere.invalid/${content}`, headers: { authorization: content }, body: content }
    const runAt = new Date(Date.now() + 3_600_000_000).toISOString()
    await change('submitTask', { type: 'http.request', input: { ...request, method: 'POST' }, runAt })
    await change('setEntry', { key: 'a', value })
    await change('transactEntries', { writes: [{ set: { key: 'b', value } }] })
    await change('putDocument', { key: 'a', data: value })
    await change('patchDocument', { key: 'a', mergePatch: { more: content } })
    await change('patchDocument', { key: 'a', jsonPatch: [{ op: 'add', path: '/most', value: content }] })
    await change('writeDocuments', { writes: [{ put: { key: 'b', data: value } }] })
    await change('createCollection', { path: 'with/schema', schema: { title: content } })
    await change('triggerEvent', { type: 'user.registered', data: { card: content, name: content, scopes: [content] } })
    await change('triggerEvent', { type: 'hooks.received', data: { hook: content, event: content } })
    const webhook = { name: 'one', url: 'https://nowhere.invalid/hook', events: ['nothing.at.all'] }
    await change('createWebhook', {
      ...webhook,
      headers: { authorization: content },
      filter: { path: 'a', eq: content },
    })
    const [created] = await auditEntriesOnce(server, { types: ['webhook.created'] })
    const id = created?.subject.slice('webhook:'.length)
    await change('testWebhook', { id, payload: value })
    await change('updateWebhook', { id, url: `https://nowhere.invalid/${content}` })
    await change('createUser', { email: 'somebody@example.com' })
    await change('setPassword', { who: 'somebody@example.com', password: content })
    await callHook()
    await auditEntriesOnce(server, { types: ['hook.received'] })
    const rows = await server.database.query<{ type: string }>(
      'SELECT type FROM audit_entry WHERE audit_entry::text LIKE $1',
      [`%${content}%`],
    )
    expect(rows).toEqual([])
    // What was touched it does say.
    const [own] = await auditEntries(server, { types: ['user.registered'] })
    expect(own).toMatchObject({ subject: expect.stringMatching(/^event:/), actor: { name: 'owner' }, data: {} })
    const [put] = await auditEntries(server, { subject: 'document:default/b' })
    expect(put?.data).toEqual({ collection: 'default', key: 'b', version: 1, previousVersion: 0, sizeBytes: 63 })
  })

  it('takes over facts by their names, and none of a family that is not the server’s own', () => {
    const data = { name: 'x'.repeat(300), scopes: ['a'], secret: content, member: { id: '1', deep: { deeper: {} } } }
    expect(factsOf('auth.token_created', data)).toEqual({
      name: `${'x'.repeat(256)}…`,
      scopes: ['a'],
      member: { id: '1', deep: { deeper: '…' } },
    })
    expect(factsOf('auth.token_created', Object.create(data))).toEqual({})
    expect(factsOf('author.token_created', data)).toEqual({})
    expect(factsOf('auth', data)).toMatchObject({ scopes: ['a'] })
  })
})
