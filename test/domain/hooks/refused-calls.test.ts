import { createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntries, auditEntriesOnce } from '#test/support/audit.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { createTestDatabase, startTestServer, type TestDatabase } from '#test/support/server.ts'

const secret = "It's a Secret to Everybody"
const env = {
  SIGNALBOX_CONFIG: join(import.meta.dirname, '../../fixtures/hooks/signalbox.config.ts'),
  GITHUB_SECRET: secret,
  GITHUB_SECRET_NEXT: 'the next secret of GitHub',
  GITLAB_SECRET: 'a secret that GitLab shows',
  STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  PLAIN_SECRET: 'a plain secret of somebody',
  RATE_LIMIT_ADDRESS: '0',
  ROLES: 'api',
}

let database: TestDatabase
let dataDir: string
let server: ServerProcess
beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-hooks-'))
  server = await startServerProcess({ dataDir, databaseUrl: database.url, env: { ...env, LOG_LEVEL: 'info' } })
})
afterAll(async () => {
  await server.end('SIGTERM')
  await rm(dataDir, { recursive: true, force: true })
  await database.drop()
})

function github(body: string, headers: Record<string, string> = {}): Promise<Response> {
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  return fetch(`${server.url}/hooks/github`, {
    method: 'POST',
    body,
    headers: { 'x-github-event': 'push', 'x-hub-signature-256': signature, ...headers },
  })
}

function logged(facts: Record<string, unknown>): Record<string, unknown>[] {
  return server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => Object.entries(facts).every(([name, value]) => line[name] === value))
}

describe('a call that a hook refuses', () => {
  it('is in the audit log and in the log, with the reason and the address', async () => {
    const requestId = 'wrongly-signed'
    const refused = await github('{}', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'x-request-id': requestId })
    expect(refused.status).toBe(401)
    const [entry] = await auditEntriesOnce(server, { types: ['hook.refused'], subject: 'hook:github' })
    expect(entry).toMatchObject({
      type: 'hook.refused',
      outcome: 'REFUSED',
      address: '127.0.0.1',
      requestId,
      actor: { id: 'anonymous' },
      data: { hook: 'github', sender: 'github', reason: 'UNAUTHENTICATED' },
    })
    expect(logged({ requestId })).toMatchObject([
      { hook: 'github', reason: 'UNAUTHENTICATED', address: '127.0.0.1', msg: expect.stringContaining('refused') },
    ])
  })

  it('with the right signature is recorded with its event, and as a call of the hook', async () => {
    const refused = await github('{"missing":1}', { 'x-github-event': 'fork', 'x-github-delivery': 'fork-1' })
    expect(refused.status).toBe(422)
    const found = await auditEntriesOnce(server, { types: ['hook.refused'], subject: 'hook:github' }, 2)
    expect(found.find(({ actor }) => actor.id === 'hook:github')).toMatchObject({
      outcome: 'REFUSED',
      data: { reason: 'INVALID_INPUT', event: 'fork', deliveryId: 'fork-1' },
    })
  })

  it('is not in lists of events unless asked for', async () => {
    const query = '{ events(first: 200) { nodes { type } } }'
    const { events } = await graphqlData<{ events: { nodes: { type: string }[] } }>(server, query)
    expect(events.nodes.map(({ type }) => type)).not.toContain('hook.refused')
  })

  it('again and again is one entry, and a count once the minute is over or the process stops', async () => {
    const refused = () => fetch(`${server.url}/hooks/gitlab`, { method: 'POST', body: '{}' })
    for (let count = 0; count < 50; count += 1) expect((await refused()).status).toBe(401)
    expect((await fetch(`${server.url}/hooks/nowhere`, { method: 'POST', body: '{}' })).status).toBe(404)
    await auditEntriesOnce(server, { types: ['hook.refused'], subject: 'hook:gitlab' })
    expect(logged({ hook: 'gitlab', reason: 'UNAUTHENTICATED' })).toHaveLength(1)
    await server.end('SIGTERM')
    const after = await startTestServer({ database, env: { ...env, LOG_LEVEL: 'silent' } })
    try {
      const entries = await auditEntriesOnce(after, { types: ['hook.refused'], subject: 'hook:gitlab' }, 2)
      expect(entries.map(({ data }) => data['suppressed'])).toEqual([49, undefined])
      expect(await auditEntries(after, { types: ['hook.refused'], subject: 'hook:nowhere' })).toEqual([])
    } finally {
      await after.close()
    }
  })
})
