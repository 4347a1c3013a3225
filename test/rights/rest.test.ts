import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Scope, scopes, scopesOfRole } from '#domain/access/scope.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { clientOf, type RestClient } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { makeThings, nothing, type Things } from '#test/support/things.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { contentsOf } from './contents.ts'
import { allows, enough } from './need.ts'
import { restRights } from './rest.ts'

const calls = Object.keys(restRights)

let server: TestServer
let rest: RestClient
let accountId: string
let things: Things
let member: string
let owner: string
let revoked: string
const single = new Map<Scope, string>()

beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '0', COST_LIMIT_ADDRESS: '0' } })
  rest = clientOf(server)
  accountId = await ownAccount(server)
  for (const scope of scopes) single.set(scope, (await addToken(server, { accountId, scopes: [scope] })).token)
  const { signedIn, ...made } = await makeThings(server, 'OWNER')
  things = made
  owner = signedIn
  member = (await makeThings(server, 'MEMBER')).signedIn
  const taken = await addToken(server, { accountId })
  revoked = taken.token
  await graphqlData(server, 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }', {
    id: taken.id,
  })
})
afterAll(() => server.close())

function rightOf(name: string) {
  const right = restRights[name]
  if (right === undefined) throw new Error(`${name} is not in the table of rights.`)
  return right
}

async function call(name: string, about: Things, token: string | null) {
  const { params, query, body } = rightOf(name)
  const [method = '', pattern = ''] = name.split(' ')
  const path = Object.entries(params?.(about) ?? {}).reduce(
    (path, [name, value]) => path.replace(`{${name}}`, encodeURIComponent(value)),
    pattern,
  )
  const search = query === undefined ? '' : `?${new URLSearchParams(query(about))}`
  return rest.ask<{ code?: string }>(`${method} ${path}${search}`, { token, body: body?.(about) })
}

/** Calls that end what the caller is signed in with. */
const endsItself = (name: string) => name === 'POST /api/auth/logout'

describe('the table of rights', () => {
  it('knows every documented path, and no other', async () => {
    const { body } = await rest.ask<{ paths: Record<string, object> }>('GET /api/openapi.json')
    const documented = Object.entries(body.paths).flatMap(([path, item]) =>
      Object.keys(item).flatMap((method) => (method === 'servers' ? [] : [`${method.toUpperCase()} ${path}`])),
    )
    expect(calls.toSorted()).toEqual(documented.toSorted())
  })

  it('is what the document says of scopes', async () => {
    interface Operation {
      readonly description?: string
      readonly 'x-required-scopes'?: readonly string[]
      readonly 'x-sufficient-scopes'?: readonly string[]
    }
    const { body } = await rest.ask<{ paths: Record<string, Record<string, Operation>> }>('GET /api/openapi.json')
    for (const [name, { needs }] of Object.entries(restRights)) {
      const [method = '', path = ''] = name.split(' ')
      const operation = body.paths[path]?.[method.toLowerCase()]
      const required = needs === 'anyone' ? undefined : needs === 'signed in' ? [] : [needs]
      expect([name, operation?.['x-required-scopes']]).toEqual([name, required])
      expect(operation?.['x-sufficient-scopes'] ?? []).toEqual(enough(needs))
      for (const scope of enough(needs)) expect(operation?.description).toContain(`\`${scope}\``)
    }
  })
})

describe('every documented path', () => {
  it.each(calls)('%s is refused to who is not signed in, unless it is for everybody', async (name) => {
    const isOpen = rightOf(name).needs === 'anyone'
    const { status, body } = await call(name, things, null)
    // Signing in with nothing that is right is refused as well, but for another reason than a missing right.
    if (isOpen) expect(status).not.toBe(403)
    else expect([status, body.code]).toEqual([401, 'UNAUTHENTICATED'])
    if (!isOpen) expect((await call(name, things, revoked)).status).toBe(401)
  })

  it.each(calls)('%s is for tokens with a scope that is enough, and no others', async (name) => {
    const { needs } = rightOf(name)
    for (const scope of scopes) {
      const may = allows(needs, [scope])
      const answer = await call(name, may ? nothing() : things, single.get(scope) ?? '')
      // A caller that lacks scopes of somebody else's role may call, and is refused for that reason.
      const isRefused = answer.status === 403 && answer.body.code !== 'SCOPE_NOT_HELD'
      expect([scope, isRefused]).toEqual([scope, !may])
      if (may) continue
      expect((await call(name, nothing(), single.get(scope) ?? '')).status).toBe(403)
      for (const one of enough(needs)) expect(JSON.stringify(answer.body)).toContain(one)
    }
  })

  it.each(calls.filter((name) => !endsItself(name)))('%s is for people whose role has its scope', async (name) => {
    const { needs, people = needs } = rightOf(name)
    const about = name.startsWith('GET ') ? things : nothing()
    expect((await call(name, about, member)).status === 403).toBe(!allows(people, scopesOfRole.MEMBER))
    expect((await call(name, about, owner)).status).not.toBe(403)
  })

  it('changes nothing for who may not, and for nobody of another account', async () => {
    const stranger = (await addToken(server)).token
    const powerless = (await addToken(server, { accountId, scopes: ['tasks:work'] })).token
    const before = await contentsOf(server, accountId)
    for (const name of calls) {
      if (!allows(rightOf(name).needs, [])) await call(name, things, powerless)
      const { status, body } = await call(name, things, stranger)
      // Whatever is named by an id of another account isn't there.
      const { params, needs, anyName } = rightOf(name)
      if (params !== undefined && needs !== 'anyone' && anyName !== true) expect([name, status]).toEqual([name, 404])
      for (const id of [things.taskId, things.tokenId, things.sessionId])
        if (status < 400) expect(JSON.stringify(body)).not.toContain(id)
    }
    expect(await contentsOf(server, accountId)).toEqual(before)
  })
})
