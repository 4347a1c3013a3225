import { createHmac, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { auditEntries, type ToldEntry } from '#test/support/audit.ts'
import { type CiIssuer, startCiIssuer } from '#test/support/ci-issuer.ts'
import { eventDataFaults } from '#test/support/event-data.ts'
import { Browser, startProvider, type TestProvider } from '#test/support/oidc-provider.ts'
import { type FakeSalesforce, startFakeSalesforce } from '#test/support/salesforce/server.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { makeThings, type Things } from '#test/support/things.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'
import { type Audit, type Audited, hookSecrets, type Scene } from './audited.ts'
import { type RestCall, restRights } from './rest.ts'
import { rootRights } from './root-fields.ts'
import { rootFields, wholeOperation } from './whole-operation.ts'

const hookSecret = hookSecrets.github

let server: TestServer
let provider: TestProvider
let issuer: CiIssuer
let salesforce: FakeSalesforce
let owner: { id: string }
let operator: string
beforeAll(async () => {
  const port = String(await freePort())
  const publicUrl = `http://127.0.0.1:${port}`
  provider = await startProvider([`${publicUrl}/api/auth/callback`])
  issuer = await startCiIssuer()
  salesforce = await startFakeSalesforce()
  process.env['TEST_CI_ISSUER'] = issuer.url
  server = await startTestServer({
    configFile: join(import.meta.dirname, '../fixtures/trust/signalbox.config.ts'),
    env: {
      ...loopbackAllowed,
      ...salesforce.env,
      GITHUB_SECRET: hookSecret,
      GITHUB_SECRET_NEXT: hookSecret,
      GITLAB_SECRET: 'a secret that GitLab shows',
      STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      PLAIN_SECRET: hookSecrets['azure-devops'],
      LOG_LEVEL: 'silent',
      PORT: port,
      PUBLIC_URL: publicUrl,
      ROLES: 'api',
      RATE_LIMIT_ADDRESS: '0',
      COST_LIMIT_ADDRESS: '0',
      COST_LIMIT_TOKEN: '0',
      COST_LIMIT_USER: '0',
      RATE_LIMIT_USER: '0',
      QUERY_COST_LIMIT: '1000000000',
      QUERY_ALIAS_LIMIT: '1000',
      QUERY_REPEAT_LIMIT: '1000',
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
    },
  })
  const [token] = await server.database.query<{ id: string }>("SELECT id FROM application_token WHERE name = 'owner'")
  owner = token as typeof owner
  const accountId = await ownAccount(server)
  operator = (await addToken(server, { accountId, scopes: ['installation:admin'] })).token
})
afterAll(async () => {
  await server.close()
  await provider.close()
  await issuer.close()
  await salesforce.close()
})

interface Sent {
  readonly requestId: string
  readonly status: number
  readonly text: string
}

async function send(path: string, init: RequestInit, token: string | undefined): Promise<Sent> {
  const requestId = randomUUID()
  const headers = {
    ...(init.body !== undefined && { 'content-type': 'application/json' }),
    'x-request-id': requestId,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(init.headers as Record<string, string>),
  }
  const response = await fetch(`${server.url}${path}`, { ...init, headers, redirect: 'manual' })
  return { requestId, status: response.status, text: await response.text() }
}

function sendOperation(query: string, variables: object, token: string | undefined): Promise<Sent> {
  return send('/graphql', { method: 'POST', body: JSON.stringify({ query, variables }) }, token)
}

async function ask<Data>(query: string, variables: object = {}, token = server.token): Promise<Data> {
  const { text } = await sendOperation(query, variables, token)
  const { data, errors } = JSON.parse(text) as { data?: Data; errors?: unknown }
  if (data === undefined) throw new Error(`Unexpected errors: ${JSON.stringify(errors)}`)
  return data
}

let count = 0
/** The provider knows one person at a time, so they sign in there one after the other. */
let atProvider: Promise<unknown> = Promise.resolve()

async function newScene(): Promise<Scene> {
  // All scenes come from one address.
  await server.database.query('DELETE FROM rate_limit')
  count += 1
  const { signedIn, ...things } = await makeThings(server, 'MEMBER', `audited-${count}`)
  const begin = (url: string) => {
    const back = atProvider.then(async () => {
      provider.person = { subject: things.email, email: things.email, isVerified: true }
      return new URL((await new Browser().visit(url)).url).searchParams
    })
    atProvider = back
    return back
  }
  return {
    things,
    person: signedIn,
    operator,
    ask,
    salesforce,
    async asksForApproval(id) {
      await server.database.query(
        `INSERT INTO task_wait (account_id, task_id, key, kind, name, may_submitter_decide, attempt, deadline)
         SELECT account_id, id, 'a key', 'APPROVAL', 'gate', true, 1, now() + interval '1 day' FROM task WHERE id = $1`,
        [id],
      )
    },
    async settled(id) {
      const text = "UPDATE account SET suspended_at = now() - interval '1 minute' WHERE id = $1 RETURNING name"
      const [account] = await server.database.query<{ name: string }>(text, [id])
      return account?.name ?? ''
    },
    ciToken: () => issuer.sign({ repository: 'acme/shop' }),
    async comeBack() {
      const begun = await fetch(`${server.url}/api/auth/login`, { redirect: 'manual' })
      const query = Object.fromEntries(await begin(begun.headers.get('location') ?? ''))
      return { cookie: begun.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '', query }
    },
    async finishOidc() {
      const { beginOidcSignIn: begun } = await ask<{ beginOidcSignIn: { url: string; pending: string } }>(
        `mutation ($redirectUri: String!) { beginOidcSignIn(input: { redirectUri: $redirectUri }) {
           ... on BeginOidcSignInPayload { url pending } } }`,
        { redirectUri: `${server.url}/api/auth/callback` },
      )
      return { parameters: (await begin(begun.url)).toString(), pending: begun.pending }
    },
  }
}

function tokenOf(as: Audited<unknown>['as'], { person, operator: operating }: Scene): string | undefined {
  if (as === 'nobody' || as === 'hook') return undefined
  if (as === 'operator') return operating
  return as === 'person' ? person : server.token
}

/** Waits until everything that was journaled before this is in the audit log. */
async function caughtUp(): Promise<void> {
  const marker = 'mutation { triggerEvent(input: { type: "test.marker" }) { __typename } }'
  const { requestId } = await sendOperation(marker, {}, server.token)
  await until(async () => (await auditEntries(server, { requestId })).length > 0)
}

function entriesOf({ requestId }: Sent): Promise<ToldEntry[]> {
  return auditEntries(server, { requestId }, 'OLDEST_FIRST')
}

/** A call, and the things that it was about. */
interface Made {
  readonly sent: Sent
  readonly things: Things
}

const callsAtOnce = 4

/** Makes all these calls, and waits until the audit log has what it will have of them. */
async function makeAll(names: readonly string[], make: (name: string) => Promise<Made>): Promise<Map<string, Made>> {
  const made = new Map<string, Made>()
  const left = [...names]
  const makeRest = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) made.set(name, await make(name))
  }
  await Promise.all(Array.from({ length: callsAtOnce }, makeRest))
  await caughtUp()
  return made
}

/** What stands in the log of who did it, and by what they proved who they are. */
function expectedBy({ as, type, subject }: Audited<unknown>, things: Things): object {
  const { email, sessionId } = things
  const person = { kind: 'user', name: email }
  if (as === undefined)
    return { actor: { kind: 'application', id: owner.id, name: 'owner' }, credential: { kind: 'token', id: owner.id } }
  if (as === 'operator') return { actor: { kind: 'application' }, credential: { kind: 'token' } }
  if (as === 'person') return { actor: person, credential: { kind: 'session', id: sessionId } }
  if (as === 'hook') {
    const id = subject(things)
    return { actor: { kind: 'system', id }, credential: { kind: 'hook', id } }
  }
  if (type === 'auth.token_exchanged')
    return { actor: { kind: 'system', id: 'trust:main', name: 'trust rule main' }, credential: null }
  if (type === 'auth.device_requested')
    return { actor: { kind: 'system', id: 'anonymous', name: 'anonymous' }, credential: null }
  return { actor: person, credential: { kind: 'session', id: expect.any(String) } }
}

/** The entries of a call, of which one is as the table says. */
async function expectEntries({ sent, things }: Made, audit: Audit<unknown>): Promise<ToldEntry[]> {
  const entries = await entriesOf(sent)
  if ('unaudited' in audit) {
    expect(entries).toEqual([])
    return entries
  }
  const subject = audit.subject(things)
  const entry = entries.find(({ type }) => type === audit.type)
  expect(entry, `${sent.status} ${sent.text}\n${JSON.stringify(entries)}`).toMatchObject({
    ...expectedBy(audit, things),
    subject: subject.endsWith(':') ? expect.stringContaining(subject) : subject,
    outcome: 'SUCCEEDED',
    address: expect.stringMatching(/127\.0\.0\.1$/),
  })
  return entries
}

function madeOf(made: ReadonlyMap<string, Made>, name: string): Made {
  const one = made.get(name)
  if (one === undefined) throw new Error(`${name} was not called.`)
  return one
}

describe('a mutation is in the audit log, with who called it, how and about what', () => {
  const names = rootFields('Mutation').map(({ name }) => name)
  let made: Map<string, Made>
  beforeAll(async () => {
    made = await makeAll(names, make)
  }, 120_000)

  function mutation(name: string) {
    const one = rootRights.Mutation[name]
    if (one === undefined) throw new Error(`Mutation.${name} is not in the table.`)
    return one
  }

  async function make(name: string): Promise<Made> {
    const { audit, args } = mutation(name)
    const scene = await newScene()
    const { things } = scene
    const { call = undefined, as = undefined } = 'unaudited' in audit ? {} : audit
    const variables = (await call?.(scene)) ?? args?.(things) ?? {}
    const sent = await sendOperation(wholeOperation('Mutation', name, variables), variables, tokenOf(as, scene))
    return { sent, things }
  }

  it.each(names)('%s', async (name) => {
    const { audit, needs, people = needs } = mutation(name)
    const entries = await expectEntries(madeOf(made, name), audit)
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/)
    for (const entry of entries) expect(entry.operation).toEqual({ name, hash })
    const scope = 'as' in audit && audit.as === 'person' ? people : needs
    if (entries.length > 0 && scope.includes(':')) expect(entries[0]?.scopes).toContain(scope)
  })
})

describe('a row of the REST API is in the audit log as its operation, unless it only reads', () => {
  const names = Object.keys(restRights)
  const auditOf = (name: string): Audit<RestCall> => restRights[name]?.audit ?? { unaudited: 'it is a read' }
  let made: Map<string, Made>
  beforeAll(async () => {
    const reads = await newScene()
    made = await makeAll(names, async (name) => make(name, restRights[name]?.audit ? await newScene() : reads))
  }, 120_000)

  async function make(name: string, scene: Scene): Promise<Made> {
    const { things } = scene
    const audit = auditOf(name)
    const { call: change = undefined, as = undefined } = 'unaudited' in audit ? {} : audit
    const [right, call] = [restRights[name], (await change?.(scene)) ?? {}]
    const [method = '', pattern = ''] = name.split(' ')
    const params = { ...right?.params?.(things), ...call.params }
    const path = pattern.replace(/{(\w+)}/g, (_, param: string) => encodeURIComponent(params[param] ?? ''))
    const search = new URLSearchParams(call.query ?? right?.query?.(things) ?? {}).toString()
    const body = call.body ?? right?.body?.(things)
    const init = { method, headers: call.headers ?? {}, ...(body !== undefined && { body: JSON.stringify(body) }) }
    return { sent: await send(`${path}${search && `?${search}`}`, init, tokenOf(as, scene)), things }
  }

  it.each(names)('%s', async (name) => {
    // What is not in the table is taken for a read, and nothing but GET is.
    if (restRights[name]?.audit === undefined) expect(name).toMatch(/^GET /)
    const audit = auditOf(name)
    const entries = await expectEntries(madeOf(made, name), audit)
    // A hook runs no operation.
    if ('as' in audit && audit.as === 'hook') return
    for (const entry of entries) expect(entry.operation?.name).toMatch(/^[A-Z]\w+$/)
  })
})

describe('what others call is in the audit log', () => {
  it('as a call of the hook, with the tasks that it becomes', async () => {
    const body = JSON.stringify({ ref: 'refs/heads/main', commits: [1] })
    const sent = await send(
      '/hooks/github',
      {
        method: 'POST',
        body,
        headers: {
          'x-github-event': 'push',
          'x-github-delivery': 'audited',
          'x-hub-signature-256': `sha256=${createHmac('sha256', hookSecret).update(body).digest('hex')}`,
        },
      },
      undefined,
    )
    const { tasks } = JSON.parse(sent.text) as { tasks: string[] }
    expect(tasks).toHaveLength(2)
    await caughtUp()
    const entries = await entriesOf(sent)
    expect(entries.map(({ type, subject }) => `${type} ${subject}`)).toEqual([
      'hook.received hook:github',
      ...tasks.map((id) => `task.submitted task:${id}`),
    ])
    for (const entry of entries)
      expect(entry).toMatchObject({
        actor: { kind: 'system', id: 'hook:github' },
        credential: { kind: 'hook', id: 'hook:github' },
      })
  })
})

it('each event that all these calls wrote has the data that its type declares', async () => {
  const { faults, types } = await eventDataFaults(server)
  expect(faults).toEqual([])
  expect(types.size).toBeGreaterThan(40)
})
