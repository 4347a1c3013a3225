import { isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scopes as accountScopes, installationScopes, type Scope, scopesOfRole } from '#domain/access/scope.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { firstCursor, submitDistant } from '#test/support/streams.ts'
import { makeThings, nothing, type Things } from '#test/support/things.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { contentsOf } from './contents.ts'
import { allows, enough, isEnough } from './need.ts'
import { type RootField, rootRights, shown } from './root-fields.ts'
import {
  fieldsOf,
  isCarrier,
  type Root,
  reachedFrom,
  rootFields,
  roots,
  schema,
  wholeOperation,
} from './whole-operation.ts'

const scopes = [...accountScopes, ...installationScopes]
const all = roots.flatMap((root) => rootFields(root).map((field) => ({ root, name: field.name, field })))
const names = all.map(({ root, name }) => [root, name] as const)

describe('the table of rights', () => {
  it('knows every root field, and no other', () => {
    const known = Object.entries(rootRights).flatMap(([root, fields]) =>
      Object.keys(fields).map((name) => `${root}.${name}`),
    )
    expect(known.toSorted()).toEqual(all.map(({ root, name }) => `${root}.${name}`).toSorted())
  })

  it('knows every other type that holds something, and all its fields', () => {
    const holders = Object.values(schema.getTypeMap()).filter(
      (type) =>
        isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type.name as Root) && !isCarrier(type),
    )
    const actual = Object.fromEntries(
      holders.map((type) => [
        type.name,
        isObjectType(type)
          ? fieldsOf(type)
              .map(({ name }) => name)
              .toSorted()
          : [],
      ]),
    )
    const known = Object.fromEntries(
      Object.entries(shown).map(([name, { fields }]) => [name, fields.trim().split(/\s+/).toSorted()]),
    )
    expect(known).toEqual(actual)
  })

  it.each(all)('lets $root.$name show nothing that needs more than it does', ({ root, name, field }) => {
    const { needs } = rightOf(root, name)
    const more = [...reachedFrom(field)].filter((type) => !isEnough(needs, shown[type]?.needs ?? 'anyone'))
    expect(more).toEqual([])
  })
})

function rightOf(root: string, name: string): RootField {
  const right = rootRights[root as Root]?.[name]
  if (right === undefined) throw new Error(`${root}.${name} is not in the table of rights.`)
  return right
}

/** One caller asks for everything at once, and does so again and again. */
const unlimited = {
  // Everything of a task, each name with an alias.
  QUERY_TOKEN_LIMIT: '2000',
  LOG_LEVEL: 'silent',
  RATE_LIMIT_ADDRESS: '0',
  RATE_LIMIT_USER: '0',
  COST_LIMIT_ADDRESS: '0',
  COST_LIMIT_TOKEN: '0',
  COST_LIMIT_USER: '0',
  QUERY_COST_LIMIT: '1000000000',
  QUERY_ALIAS_LIMIT: '1000',
  QUERY_REPEAT_LIMIT: '1000',
}

describe('every root field', () => {
  let server: TestServer
  let accountId: string
  let things: Things
  /** From before everything that has happened. */
  let beginning: string
  let member: string
  let owner: string
  let revoked: string
  const single = new Map<Scope, string>()

  beforeAll(async () => {
    server = await startTestServer({ env: unlimited })
    accountId = await ownAccount(server)
    for (const scope of scopes) single.set(scope, (await addToken(server, { accountId, scopes: [scope] })).token)
    beginning = await firstCursor(server, await submitDistant(server))
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

  /** A stream that has said nothing but that it is open for so often has been opened. */
  const pings = 3

  /** Calls a field for all that it shows; returns what was said first. */
  async function call(root: Root, name: string, about: Things, token: string | undefined): Promise<string> {
    const field = all.find((one) => one.root === root && one.name === name)?.field
    const args = { ...rightOf(root, name).args?.(about) }
    if (root === 'Subscription' && field?.args.some((arg) => arg.name === 'after')) args['after'] = beginning
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: root === 'Subscription' ? 'text/event-stream' : 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query: wholeOperation(root, name, args), variables: args }),
    })
    let said = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      said += chunk
      if (/^data: ?\{.*\}$/m.test(said) || said.split(/^:/m).length > pings) break
    }
    return said
  }

  /** Why there was no result; a failure of a mutation is none, except for callers who are not people. */
  const refusal = (said: string) =>
    (/"extensions":\{[^{}]*"code":"(\w+)"/.exec(said) ?? /"PersonNeeded_code":"(\w+)"/.exec(said))?.[1]

  it.each(names)('%s.%s is refused to who is not signed in, unless it is for everybody', async (root, name) => {
    const { needs } = rightOf(root, name)
    expect(refusal(await call(root, name, nothing(), undefined))).toBe(
      needs === 'anyone' ? undefined : 'UNAUTHENTICATED',
    )
    expect(refusal(await call(root, name, nothing(), revoked))).toBe('UNAUTHENTICATED')
  })

  it.each(names)('%s.%s is for tokens with a scope that is enough, and no others', async (root, name) => {
    const { needs } = rightOf(root, name)
    for (const scope of scopes) {
      const allowed = allows(needs, [scope])
      const token = single.get(scope)
      const said = await call(root, name, allowed && root === 'Mutation' ? nothing() : things, token)
      expect([scope, refusal(said)]).toEqual([scope, allowed ? undefined : 'FORBIDDEN'])
      // Nor does it tell whether there is such a thing.
      if (!allowed) expect(refusal(await call(root, name, nothing(), token))).toBe('FORBIDDEN')
      if (!allowed) for (const one of enough(needs)) expect(said).toContain(`"${one}"`)
    }
  })

  it.each(names)('%s.%s is for people whose role has its scope', async (root, name) => {
    const { needs, people = needs } = rightOf(root, name)
    const about = root === 'Mutation' ? nothing() : things
    expect(refusal(await call(root, name, about, member))).toBe(
      allows(people, scopesOfRole.MEMBER) ? undefined : 'FORBIDDEN',
    )
    expect(refusal(await call(root, name, about, owner))).toBe(needs === 'installation:admin' ? 'FORBIDDEN' : undefined)
  })

  it('changes nothing for who may not, and for nobody of another account', async () => {
    const stranger = (await addToken(server)).token
    const powerless = (await addToken(server, { accountId, scopes: ['tasks:work:type=powerless'] })).token
    const before = await contentsOf(server, accountId)
    for (const { root, name } of all) {
      const { needs } = rightOf(root, name)
      if (needs !== 'anyone' && needs !== 'signed in') await call(root, name, things, powerless)
      if (root === 'Subscription') continue
      const said = await call(root, name, things, stranger)
      for (const [what, id] of Object.entries(things)) {
        const asked = JSON.stringify(rightOf(root, name).args?.(things) ?? {}).includes(id)
        // A refusal may repeat what was asked for; what was not asked for can only come from the other account.
        if (!asked) expect(said, `${what} in the answer of ${root}.${name}`).not.toContain(id)
        expect(said).not.toMatch(new RegExp(`"\\w*(id|email|slug)":"${id}"`))
      }
    }
    expect(await contentsOf(server, accountId)).toEqual(before)
  })
})
