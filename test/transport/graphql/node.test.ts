import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scope } from '#domain/access/scope.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { makeThings, type Things } from '#test/support/things.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let accountId: string
let things: Things & { signedIn: string }
let ids: Record<string, string>
beforeAll(async () => {
  server = await sharedServer()
  accountId = await ownAccount(server)
  things = await makeThings(server, 'OWNER')
  const { user, team } = await graphqlData<{ user: { id: string }; team: { id: string } }>(
    server,
    'query ($who: String!, $slug: String!) { user(who: $who) { id } team(slug: $slug) { id } }',
    { who: things.email, slug: things.teamSlug },
  )
  ids = {
    Task: things.taskId,
    Webhook: things.webhookId,
    Delivery: await makeDelivery(),
    ApplicationToken: things.tokenId,
    User: user.id,
    Team: team.id,
    Session: things.sessionId,
    SalesforceOrg: things.salesforceOrgId,
    Environment: things.environmentId,
    TaskSchedule: things.scheduleId,
  }
})
afterAll(() => server.close())

interface Node {
  readonly __typename: string
  readonly id: string
  readonly type?: string
  readonly attempts?: unknown[]
}

const query = `query ($id: ID!) { node(id: $id) { __typename id
  ... on Task { type attempts { number } } ... on Webhook { name } ... on User { email } ... on Team { slug } } }`

async function nodeOf(id: string, token = server.token): Promise<Node | null> {
  return (await graphqlData<{ node: Node | null }>({ ...server, token }, query, { id })).node
}

/** The id of a delivery to the webhook among the things. */
async function makeDelivery(): Promise<string> {
  await graphqlData(server, 'mutation { triggerEvent(input: { type: "nothing.at.all" }) { __typename } }')
  let id = ''
  await until(async () => {
    const { deliveries } = await graphqlData<{ deliveries: { nodes: { id: string }[] } }>(
      server,
      '{ deliveries(first: 1) { nodes { id } } }',
    )
    id = deliveries.nodes[0]?.id ?? ''
    return id !== ''
  })
  return id
}

const needs: readonly [type: string, scope: Scope][] = [
  ['Task', 'tasks:read'],
  ['Webhook', 'webhooks:admin'],
  ['Delivery', 'webhooks:admin'],
  ['ApplicationToken', 'access:admin'],
  ['User', 'access:admin'],
  ['Team', 'access:admin'],
  ['Session', 'access:admin'],
  ['SalesforceOrg', 'salesforce:use'],
  ['Environment', 'salesforce:use'],
  ['TaskSchedule', 'tasks:read'],
]

describe('node(id)', () => {
  it('knows every type that implements Node', async () => {
    const { __type: type } = await graphqlData<{ __type: { possibleTypes: { name: string }[] } }>(
      server,
      '{ __type(name: "Node") { possibleTypes { name } } }',
    )
    expect(type.possibleTypes.map(({ name }) => name).toSorted()).toEqual(needs.map(([name]) => name).toSorted())
  })

  it.each(needs)('finds a %s for callers with %s only, in their account', async (type, scope) => {
    const id = ids[type] ?? ''
    expect(await nodeOf(id)).toMatchObject({ __typename: type, id })
    const others = needs.map(([, one]) => one).filter((one) => one !== scope)
    expect(await nodeOf(id, (await addToken(server, { accountId, scopes: [scope] })).token)).toMatchObject({ id })
    expect(await nodeOf(id, (await addToken(server, { accountId, scopes: others })).token)).toBeNull()
    expect(await nodeOf(id, (await addToken(server)).token)).toBeNull()
  })

  it('loads what the fragment of its type asks for', async () => {
    expect(await nodeOf(things.taskId)).toMatchObject({ type: 'probe', attempts: [] })
  })

  it('shows people themself and their own session', async () => {
    const member = await makeThings(server, 'MEMBER')
    expect(await nodeOf(member.sessionId, member.signedIn)).toMatchObject({ __typename: 'Session' })
    expect(await nodeOf(things.sessionId, member.signedIn)).toBeNull()
    expect(await nodeOf(things.tokenId, member.signedIn)).toBeNull()
  })

  it.each([randomUUID(), 'x', ''])('is null for %j', async (id) => {
    expect(await nodeOf(id)).toBeNull()
  })
})

const fragments = query.slice(query.indexOf('__typename'), -1)
const listQuery = `query ($ids: [ID!]!) { nodes(ids: $ids) { ${fragments} }`

async function nodesOf(ids: string[], token = server.token): Promise<(Node | null)[]> {
  return (await graphqlData<{ nodes: (Node | null)[] }>({ ...server, token }, listQuery, { ids })).nodes
}

describe('nodes(ids)', () => {
  it('finds nodes of every type, in the order of the ids, with null for what there is not', async () => {
    const known = Object.values(ids)
    const unknown = [randomUUID(), 'x', '', '\0', '\ud800']
    const found = await nodesOf([...known, ...unknown, things.taskId.toUpperCase()])
    expect(found.slice(0, known.length)).toMatchObject(
      Object.entries(ids).map(([type, id]) => ({ __typename: type, id })),
    )
    expect(found.slice(known.length, -1)).toEqual(unknown.map(() => null))
    expect(found.at(-1)).toMatchObject({ id: things.taskId, type: 'probe' })
    expect(await nodesOf([])).toEqual([])
  })

  it('shows each node only to callers who may read it', async () => {
    const all = Object.values(ids)
    for (const [type, scope] of needs) {
      const { token } = await addToken(server, { accountId, scopes: [scope] })
      const found = await nodesOf(all, token)
      const visible = needs.filter(([, one]) => one === scope).map(([name]) => name)
      expect([type, found.flatMap((node) => node?.__typename ?? [])]).toEqual([type, visible])
    }
    const stranger = (await addToken(server)).token
    expect(await nodesOf(all, stranger)).toEqual(all.map(() => null))
  })

  it('shows the same node twice when its id is there twice', async () => {
    const [first, second] = await nodesOf([things.taskId, things.taskId])
    expect(first).toEqual(second)
    expect(first).toMatchObject({ id: things.taskId })
  })

  it('takes at most 100 ids', async () => {
    expect(await nodesOf(Array.from({ length: 100 }, () => things.taskId))).toHaveLength(100)
    const answer = await graphql(server, listQuery, { ids: Array.from({ length: 101 }, () => things.taskId) })
    expect(answer.errors?.[0]).toMatchObject({
      message: '`ids` may have at most 100 items, but has 101.',
      extensions: { code: 'INVALID_INPUT', issues: [{ path: 'ids' }] },
    })
  })

  it('costs by the number of its ids, whatever was asked for before', async () => {
    const costOf = async (count: number) => {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}` },
        body: JSON.stringify({
          query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Task { attempts { number } } } }',
          variables: { ids: Array.from({ length: count }, () => randomUUID()) },
        }),
      })
      const { extensions } = (await response.json()) as { extensions: { cost: { requested: number } } }
      return extensions.cost.requested
    }
    const one = await costOf(1)
    expect(await costOf(50)).toBeGreaterThan(40 * (one - 8))
    expect(await costOf(1)).toBe(one)
  })
})

describe('pageInfo', () => {
  it('says where a page begins, and whether something comes before it', async () => {
    const list =
      'query ($after: String) { tasks(first: 1, after: $after) { edges { cursor } pageInfo { startCursor endCursor hasPreviousPage hasNextPage } } }'
    interface Page {
      readonly tasks: { edges: { cursor: string }[]; pageInfo: { endCursor: string } & Record<string, unknown> }
    }
    await makeThings(server, 'OWNER', 'second')
    const first = (await graphqlData<Page>(server, list)).tasks
    const cursor = first.edges[0]?.cursor
    expect(first.pageInfo).toMatchObject({ startCursor: cursor, hasPreviousPage: false, hasNextPage: true })
    const next = (await graphqlData<Page>(server, list, { after: cursor })).tasks
    expect(next.pageInfo).toMatchObject({ startCursor: next.edges[0]?.cursor, hasPreviousPage: true })
  })

  it.each(['documents', 'events', 'locks(prefix: "none")', 'entries', 'webhooks', 'users', 'teams'])(
    'has all four fields in %s',
    async (field) => {
      const data = await graphqlData<Record<string, { pageInfo: object }>>(
        server,
        `{ list: ${field} { pageInfo { startCursor endCursor hasPreviousPage hasNextPage } } }`,
      )
      expect(data['list']?.pageInfo).toMatchObject({ hasPreviousPage: false })
    },
  )
})
