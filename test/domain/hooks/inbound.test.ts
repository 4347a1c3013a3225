import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toldEvents } from '#test/support/events.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

const secrets = {
  GITHUB_SECRET: "It's a Secret to Everybody",
  GITHUB_SECRET_NEXT: 'the next secret of GitHub',
  GITLAB_SECRET: 'a secret that GitLab shows',
  STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  PLAIN_SECRET: 'a plain secret of somebody',
}

const configFile = join(import.meta.dirname, '../../fixtures/hooks/signalbox.config.ts')

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({
    env: { ...secrets, ROLES: 'api', LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '40' },
    configFile,
  })
})
afterAll(() => server.close())

interface Answer {
  readonly status: number
  readonly body: {
    readonly deliveryId: string
    readonly duplicate: boolean
    readonly tasks: readonly string[]
    readonly code?: string
    readonly message?: string
  }
}

async function call(hook: string, body: string, headers: Record<string, string>): Promise<Answer> {
  const url = `${server.url}/hooks/${hook}`
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

function signed(body: string, secret = secrets.GITHUB_SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

let count = 0
/** A call of GitHub's, with an id of its own unless one is given. */
function github(event: string, body: object, more: Record<string, string> = {}): Promise<Answer> {
  const text = JSON.stringify(body)
  count += 1
  const headers = { 'x-github-event': event, 'x-github-delivery': `delivery-${count}` }
  return call('github', text, { ...headers, 'x-hub-signature-256': signed(text), ...more })
}

async function task(id: string | undefined) {
  const query = '{ task(id: $id) { type priority input fairnessKey labels createdBy { kind id name } } }'
  const { task: found } = await graphqlData<{ task: Record<string, unknown> }>(server, `query($id: ID!) ${query}`, {
    id,
  })
  return found
}

describe('a call of GitHub’s', () => {
  const push = { ref: 'refs/heads/main', commits: [1, 2, 3] }

  it('creates a task by each matching rule, as the rule says', async () => {
    const { status, body } = await github('push', push)
    expect([status, body.duplicate, body.tasks.length]).toEqual([202, false, 2])
    expect(await task(body.tasks[0])).toEqual({
      type: 'probe',
      priority: 'CRITICAL',
      input: { steps: 3 },
      fairnessKey: 'refs/heads/main',
      labels: { from: 'github' },
      createdBy: { kind: 'system', id: 'hook:github', name: 'hook github' },
    })
    expect(await task(body.tasks[1])).toMatchObject({ priority: 'BATCH', input: {} })
    const [event] = await toldEvents(server, ['hook.received'], ({ data }) => data['deliveryId'] === body.deliveryId)
    expect(event).toMatchObject({ data: { hook: 'github', event: 'push' }, actor: { id: 'hook:github' } })
  })

  it('is one commit with its record and its tasks', async () => {
    const { body } = await github('push', { ref: 'refs/heads/main', commits: [1, 2] })
    const { deliveryId, tasks } = body
    const written = 'SELECT type, xid::text FROM journal WHERE data @> $1 OR subject = ANY($2) ORDER BY seq'
    const values = [JSON.stringify({ deliveryId }), tasks.map((id) => `task:${id}`)]
    const entries = await server.database.query<{ type: string; xid: string }>(written, values)
    expect(entries.map(({ type }) => type)).toEqual(['hook.received', 'task.submitted', 'task.submitted'])
    expect(new Set(entries.map(({ xid }) => xid)).size).toBe(1)
  })

  it('is named by its event and action, and need not be about anything', async () => {
    expect((await github('pull_request', { action: 'opened' })).body.tasks).toHaveLength(1)
    expect((await github('pull_requests', { action: 'opened', number: 2 })).body.tasks).toEqual([])
    expect((await github('ping', { zen: 'Keep it simple.' })).body.tasks).toEqual([])
  })

  it('changes nothing when it comes again, also at the same time', async () => {
    const ref = { ref: 'refs/heads/other', again: true }
    const answers = await Promise.all([1, 2, 3].map(() => github('push', ref, { 'x-github-delivery': 'again' })))
    const [first] = answers
    expect(new Set(answers.flatMap(({ body }) => body.tasks)).size).toBe(1)
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    const later = await github('push', ref, { 'x-github-delivery': 'again' })
    expect(later.body).toMatchObject({ duplicate: true, tasks: first?.body.tasks })
  })

  it('is refused when its content comes under another id, or its id with another content', async () => {
    const body = { ref: 'refs/heads/replayed' }
    const first = await github('push', body, { 'x-github-delivery': 'heard' })
    const replayed = await github('push', body, { 'x-github-delivery': 'made up' })
    const replaced = await github('push', { ref: 'refs/heads/x' }, { 'x-github-delivery': 'heard' })
    expect(first.status).toBe(202)
    expect([replayed.status, replayed.body.code]).toEqual([422, 'INVALID_INPUT'])
    const again = await github('push', body, { 'x-github-delivery': 'made-up' })
    expect([again.status, again.body.code]).toEqual([409, 'ALREADY_EXISTS'])
    expect([replaced.status, replaced.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED'])
  })

  it('is right with the next secret, and as a form', async () => {
    const text = `payload=${encodeURIComponent(JSON.stringify({ ref: 'refs/heads/form' }))}`
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-github-event': 'push',
      'x-github-delivery': 'a-form',
      'x-hub-signature-256': signed(text, secrets.GITHUB_SECRET_NEXT),
    }
    expect((await call('github', text, headers)).body.tasks).toHaveLength(1)
  })

  // GitHub's own example: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  it('is accepted with GitHub’s published example, whose content is not JSON', async () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const { status, body } = await call('github', 'Hello, World!', { 'x-hub-signature-256': signature })
    expect([status, body.code]).toEqual([422, 'INVALID_INPUT'])
  })

  it('gets the reason when its rule fails, and succeeds once it can', async () => {
    const failed = await github('fork', {})
    expect([failed.status, failed.body.message]).toEqual([422, expect.stringContaining('Rule 2 of the hook')])
    // It was not taken, so nothing says that it was.
    const taken = 'SELECT 1 FROM inbound_call WHERE delivery_id = $1 UNION ALL SELECT 1 FROM journal WHERE data @> $2'
    const deliveryId = `delivery-${count}`
    expect(await server.database.query(taken, [deliveryId, JSON.stringify({ deliveryId })])).toEqual([])
  })
})

describe('a call of', () => {
  it('GitLab’s is known by its token, and repeated by its key', async () => {
    const headers = { 'x-gitlab-token': secrets.GITLAB_SECRET, 'idempotency-key': 'gitlab-1' }
    const first = await call('gitlab', '{"object_kind":"pipeline"}', headers)
    const second = await call('gitlab', '{"object_kind":"pipeline"}', headers)
    expect(first.body.tasks).toHaveLength(1)
    expect(second.body).toMatchObject({ duplicate: true, tasks: first.body.tasks })
  })

  it('Standard Webhooks’ is checked by its signature and time', async () => {
    const send = (id: string, at: Date, body = '{"type":"invoice.paid"}', signedBody = body) =>
      call('standard', body, {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(secrets.STANDARD_SECRET).sign(id, at, signedBody),
      })
    const now = new Date()
    const minutes = (count: number) => new Date(now.getTime() + count * 60_000)
    expect((await send('msg_1', now)).body.tasks).toHaveLength(1)
    expect((await send('msg_1', minutes(1))).body.duplicate).toBe(true)
    for (const refused of [send('m', minutes(-6)), send('m', minutes(6)), send('m', now, '{}', '{ }')])
      expect((await refused).status).toBe(401)
    const headers = { 'webhook-id': 'm', 'webhook-timestamp': 'now', 'webhook-signature': 'v1' }
    expect((await call('standard', '{}', headers)).status).toBe(401)
  })

  it('Standard Webhooks’ is known by the names of Svix, too', async () => {
    const [at, body] = [new Date(), '{"type":"invoice.paid"}']
    const send = (id: string, signature: string) =>
      call('standard', body, {
        'svix-id': id,
        'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
        'svix-signature': signature,
      })
    const signature = new Webhook(secrets.STANDARD_SECRET).sign('msg_svix', at, body)
    const first = await send('msg_svix', signature)
    expect(first).toMatchObject({ status: 202, body: { deliveryId: 'msg_svix', duplicate: false } })
    expect((await send('msg_svix', signature)).body).toMatchObject({ duplicate: true, tasks: first.body.tasks })
    expect((await send('msg_other', signature)).status).toBe(401)
  })

  it('Bitbucket’s is checked by its signature, and a repeat is known', async () => {
    const send = (body: string, headers: Record<string, string>, signature = signed(body)) =>
      call('bitbucket', body, { 'x-hub-signature': signature, ...headers })
    const cloud = { 'x-event-key': 'repo:push', 'x-request-uuid': 'cloud-1' }
    const first = await send('{"push":{"n":1}}', cloud)
    expect(first).toMatchObject({ status: 202, body: { deliveryId: 'cloud-1', duplicate: false } })
    expect(first.body.tasks).toHaveLength(1)
    expect((await send('{"push":{"n":1}}', cloud)).body).toMatchObject({ duplicate: true, tasks: first.body.tasks })
    const dataCenter = { 'x-event-key': 'pr:opened', 'x-request-id': 'center-1' }
    expect((await send('{"pullRequest":{"id":1}}', dataCenter)).body.tasks).toHaveLength(1)
    expect((await send('{"push":{"n":1}}', { ...cloud, 'x-request-uuid': 'cloud-2' })).status).toBe(409)
    expect((await send('{"push":{"n":2}}', cloud, signed('{"push":{"n":3}}'))).status).toBe(401)
    // Its test of a connection is the same each time, and is not another event because a header says so.
    for (const id of ['test-1', 'test-2'])
      expect(await send('{"test": true}', { 'x-event-key': 'repo:push', 'x-request-id': id })).toMatchObject({
        status: 202,
        body: { tasks: [] },
      })
  })

  const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`

  it('Azure DevOps’ is known by its password, and a repeat by its id', async () => {
    const send = (body: object, authorization = basic(secrets.PLAIN_SECRET)) =>
      call('azure-devops', JSON.stringify(body), { authorization })
    const push = { subscriptionId: 'sub-1', id: '03c164c2', eventType: 'git.push', resource: {} }
    const first = await send(push)
    expect(first).toMatchObject({ status: 202, body: { deliveryId: 'sub-1.03c164c2', duplicate: false } })
    expect(first.body.tasks).toHaveLength(1)
    expect((await send(push)).body).toMatchObject({ duplicate: true, tasks: first.body.tasks })
    expect((await send({ ...push, subscriptionId: 'sub-2' })).body.duplicate).toBe(false)
    expect((await send({ ...push, id: '2', eventType: 'workitem.created' })).body.tasks).toEqual([])
    expect((await send({ ...push, id: '3' }, `Bearer ${secrets.PLAIN_SECRET}`)).status).toBe(202)
    for (const wrong of [basic('wrong'), basic(''), 'Basic', secrets.PLAIN_SECRET.slice(1)])
      expect((await send({ ...push, id: '4' }, wrong)).status).toBe(401)
  })

  it('GitHub or Azure DevOps arrives at the documented paths, and is answered as documented', async () => {
    const send = async (path: string, body: string, headers: Record<string, string>, method = 'POST') => {
      const response = await fetch(`${server.url}${path}`, { method, headers, ...(method === 'POST' && { body }) })
      return { status: response.status, body: (await response.json()) as Answer['body'] & { accepted?: boolean } }
    }
    const push = '{"ref":"refs/heads/documented"}'
    for (const [index, prefix] of ['/api', '/sfp/api'].entries()) {
      const headers = {
        'x-github-event': 'push',
        'x-github-delivery': 'documented',
        'x-hub-signature-256': signed(push),
      }
      const answer = await send(`${prefix}/repository/webhook`, push, headers)
      expect(answer).toMatchObject({ status: 200, body: { accepted: true, duplicate: index > 0 } })
      expect((await send(`${prefix}/repository/webhook`, push, { 'x-hub-signature-256': signed('') })).status).toBe(401)
      const azure = `${prefix}/repository/webhook/azuredevops`
      const authorization = basic(secrets.PLAIN_SECRET)
      const event = JSON.stringify({ id: `documented-${index}`, eventType: 'git.push' })
      expect(await send(azure, event, { authorization })).toMatchObject({
        status: 200,
        body: { accepted: true, tasks: [expect.any(String)] },
      })
      // Always 200, and a refused call is not said, nor announced, to be accepted.
      const refused = JSON.stringify({ id: `refused-${index}`, eventType: 'build.complete' })
      expect(await send(azure, refused, { authorization })).toEqual({
        status: 200,
        body: { accepted: false, code: 'INVALID_INPUT', message: expect.any(String) },
      })
      expect(await send(azure, event, { authorization: basic('x') })).toMatchObject({
        status: 200,
        body: { accepted: false, code: 'UNAUTHENTICATED' },
      })
      expect((await send(azure, '', {}, 'GET')).status).toBe(405)
      const announced = await toldEvents(server, ['hook.received'], ({ data }) => data['hook'] === 'azure-devops')
      expect(announced.map(({ data }) => data['deliveryId'])).not.toContain(`refused-${index}`)
    }
  })

  it('anybody who knows the secret is one of its own without an id', async () => {
    const headers = { 'x-secret': secrets.PLAIN_SECRET }
    const [first, second] = [await call('plain', '{}', headers), await call('plain', '{}', headers)]
    expect([first.status, second.body.duplicate]).toEqual([202, false])
    expect(second.body.tasks).not.toEqual(first.body.tasks)
    // As `curl -d` sends it.
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
    expect((await call('plain', '{"a":1}', form)).status).toBe(202)
    expect((await call('plain', 'a=1', form)).status).toBe(422)
    expect((await call('plain', `"${'x'.repeat(1_000)}"`, headers)).status).toBe(413)
  })
})

describe('a server with hooks', () => {
  it.each([
    [{ GITLAB_SECRET: '' }, 'The hook "gitlab" takes its secret from GITLAB_SECRET, which is not set.'],
    [
      { GITLAB_SECRET: 'short' },
      'The hook "gitlab" takes its secret from GITLAB_SECRET, which has fewer than 16 characters.',
    ],
    [{ STANDARD_SECRET: 'no base64, but long enough' }, 'which must be base64, with or without whsec_ before it.'],
  ])('does not start with %j', async (env, message) => {
    await expect(startTestServer({ env: { ...secrets, ...env, LOG_LEVEL: 'silent' }, configFile })).rejects.toThrow(
      message,
    )
  })
})

describe('a rule of a hook', () => {
  it('that names no task type is refused at the start, with the nearest name', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'signalbox-hooks-'))
    const file = join(dir, 'signalbox.config.ts')
    const rule = "{ type: 'repository.inspct' }"
    await writeFile(
      file,
      `export default { hooks: { ci: { sender: 'gitlab', secretEnv: 'GITLAB_SECRET', rules: [${rule}] } } }`,
    )
    await expect(startTestServer({ env: { ...secrets, LOG_LEVEL: 'silent' }, configFile: file })).rejects.toThrow(
      'hooks.ci.rules[0] submits tasks of the type "repository.inspct", which does not exist. ' +
        'Did you mean "repository.inspect"?',
    )
    await rm(dir, { recursive: true })
  })
})

describe('a hook', () => {
  it('answers nobody who does not prove who they are, and makes nothing', async () => {
    const text = '{"ref":"refs/heads/main","commits":[]}'
    const named = { 'x-github-event': 'push', 'x-github-delivery': 'forged' }
    for (const signature of [
      '',
      'sha256=',
      signed(text, 'another secret of mine'),
      signed(`${text} `),
      signed(text).slice(7),
    ])
      expect((await call('github', text, { ...named, 'x-hub-signature-256': signature })).status).toBe(401)
    expect((await call('github', text, named)).status).toBe(401)
    expect((await call('gitlab', text, { 'x-gitlab-token': 'wrong' })).status).toBe(401)
    expect((await call('plain', text, { authorization: `Bearer ${secrets.PLAIN_SECRET}` })).status).toBe(401)
    const { events } = await graphqlData<{ events: { nodes: { data: { deliveryId: string } }[] } }>(
      server,
      '{ events(types: ["hook.received"], first: 200) { nodes { data } } }',
    )
    expect(events.nodes.map(({ data }) => data.deliveryId)).not.toContain('forged')
  })

  it('is there by its id and POST alone', async () => {
    expect((await call('unknown', '{}', {})).status).toBe(404)
    expect((await call('github/more', '{}', {})).status).toBe(404)
    const shown = await fetch(`${server.url}/hooks/github`)
    expect([shown.status, shown.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('lets an address guess only so often, and goes on taking what is signed', async () => {
    let status = 0
    for (let tries = 0; status !== 429 && tries < 60; tries += 1) status = (await call('gitlab', '{}', {})).status
    expect(status).toBe(429)
    expect((await github('ping', { late: true })).status).toBe(202)
  })
})
