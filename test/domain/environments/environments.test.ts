import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GraphqlAnswer, graphql, graphqlData } from '#test/support/graphql.ts'
import { clientOf, type RestAnswer } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
let other: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  other = await startTestServer({ env: { LOG_LEVEL: 'silent' }, database: server.database })
})
afterAll(async () => {
  await other.close()
  await server.close()
})

interface Told {
  readonly id: string
  readonly name: string
  readonly lease: {
    readonly fence: number
    readonly holder: { readonly name: string }
    readonly reason: string | null
  } | null
  readonly queue: readonly { readonly reason: string | null }[]
}
interface Outcome {
  readonly code?: string
  readonly message?: string
  readonly environment?: Told
}

const fields = 'id name category tags isActive lease { fence holder { name } reason } queue { reason }'

/** Calls a mutation, by the name of its input without "Input". */
async function call(name: string, input: object, at = server, token?: string): Promise<Outcome> {
  const field = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  const query = `mutation ($input: ${name}Input!) { ${field}(input: $input) {
    ... on ${name}Payload { environment { ${fields} } } ... on Failure { code message } } }`
  const { data, errors }: GraphqlAnswer<Record<string, Outcome>> = await graphql(at, query, { input }, token)
  const [error] = errors ?? []
  if (error !== undefined) return { code: String(error.extensions?.['code']), message: error.message }
  return data?.[field] as Outcome
}

let count = 0
/** Environments of a repository of their own. */
async function pool(many: number): Promise<{ repository: string; ids: string[] }> {
  count += 1
  const repository = `acme/pool${count}`
  const ids: string[] = []
  for (let n = 1; n <= many; n += 1) {
    const { environment, message } = await call('CreateEnvironment', {
      name: `qa${n}`,
      category: 'TEST',
      repository,
      tags: ['pool'],
    })
    if (environment === undefined) throw new Error(message)
    ids.push(environment.id)
  }
  return { repository, ids }
}

const acquire = (where: object, more: object = {}, at = server, token?: string) =>
  call('AcquireEnvironment', { where, ttlMs: 60_000, ...more }, at, token)
const read = async (id: string) =>
  (await graphqlData<{ environment: Told }>(server, `query ($id: ID!) { environment(id: $id) { ${fields} } }`, { id }))
    .environment
const fenceOf = ({ environment, message }: Outcome): { id: string; fence: number } => {
  if (environment?.lease == null) throw new Error(`not held: ${message}`)
  return { id: environment.id, fence: environment.lease.fence }
}

describe('an environment', () => {
  it('is acquired by one at a time, any that is free, with the reason shown', async () => {
    const { repository, ids } = await pool(2)
    const first = await acquire({ repository }, { reason: 'PR 1' })
    const second = await acquire({ repository }, { reason: 'PR 2' }, other)
    expect([first.environment?.id, second.environment?.id].toSorted()).toEqual(ids.toSorted())
    expect(await acquire({ repository })).toMatchObject({ code: 'LOCK_HELD' })
    expect(await read(first.environment?.id ?? '')).toMatchObject({
      lease: { holder: { name: 'owner' }, reason: 'PR 1' },
    })
  })

  it('goes to the first who waits, at whichever server, once it is released', async () => {
    const { repository, ids } = await pool(2)
    const held = await acquire({ repository })
    await acquire({ repository })
    const waits = acquire({ repository }, { waitMs: 60_000, reason: 'PR 3' }, other)
    await until(async () => (await read(ids[0] ?? '')).queue.length === 1)
    expect((await read(ids[1] ?? '')).queue).toEqual([{ reason: 'PR 3' }])
    expect(await call('ReleaseEnvironment', fenceOf(held))).toMatchObject({ environment: {} })
    expect((await waits).environment).toMatchObject({ id: held.environment?.id, lease: { reason: 'PR 3' } })
    expect((await read(ids[1] ?? '')).queue).toEqual([])
  })

  it('is extended and released by its holder, with its fence', async () => {
    const { repository } = await pool(1)
    const lease = fenceOf(await acquire({ repository }))
    expect(await call('ExtendEnvironment', { ...lease, ttlMs: 120_000 })).toMatchObject({
      environment: { lease: { fence: lease.fence } },
    })
    expect(await call('ExtendEnvironment', { ...lease, fence: lease.fence + 1, ttlMs: 1_000 })).toMatchObject({
      code: 'FENCE_LOST',
    })
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['salesforce:deploy'] })
    expect(await call('ReleaseEnvironment', lease, server, token)).toMatchObject({ code: 'FORBIDDEN' })
    expect(await call('ReleaseEnvironment', lease)).toMatchObject({ environment: { lease: null } })
  })

  it('that is not active, has expired, or is not there is not acquired', async () => {
    const { repository, ids } = await pool(1)
    const [id = ''] = ids
    await call('UpdateEnvironment', { id, isActive: false })
    expect(await acquire({ repository })).toMatchObject({
      code: 'NOT_FOUND',
      message: 'No active environment is as asked for.',
    })
    await call('UpdateEnvironment', { id, isActive: true, expiresAt: new Date(Date.now() - 1_000).toISOString() })
    expect(await acquire({ repository })).toMatchObject({ code: 'NOT_FOUND' })
    await call('UpdateEnvironment', { id, expiresAt: null })
    expect(await acquire({ repository, tags: ['pool', 'none'] })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await acquire({ repository }, { anyOf: ['no id'] })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await acquire({ repository, tags: ['pool'] })).toMatchObject({ environment: { id } })
  })

  it('that is deleted is lost by its holder, and those who wait go without', async () => {
    const { repository, ids } = await pool(1)
    const lease = fenceOf(await acquire({ repository }))
    const waits = acquire({ repository }, { waitMs: 60_000 }, other)
    await until(async () => (await read(ids[0] ?? '')).queue.length === 1)
    await call('DeleteEnvironment', { id: lease.id })
    expect(await waits).toMatchObject({ code: 'LOCK_HELD' })
    expect(await call('ReleaseEnvironment', lease)).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('has a name of its own in its repository, and fields in bounds', async () => {
    const { repository } = await pool(1)
    expect(await call('CreateEnvironment', { name: 'qa1', category: 'DEV', repository })).toMatchObject({
      code: 'ALREADY_EXISTS',
    })
    expect(await call('CreateEnvironment', { name: ' ', category: 'DEV', repository })).toMatchObject({
      code: 'INVALID_INPUT',
    })
    const metadata = { text: 'x'.repeat(20_000) }
    expect(await call('CreateEnvironment', { name: 'big', category: 'DEV', metadata })).toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('is listed by repository and name, page by page', async () => {
    const { repository } = await pool(3)
    const query = `query ($repository: String, $after: String) { environments(repository: $repository, first: 2, after: $after) {
      nodes { name } pageInfo { hasNextPage endCursor } } }`
    type Page = { environments: { nodes: { name: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }
    const first = (await graphqlData<Page>(server, query, { repository })).environments
    expect(first).toMatchObject({ nodes: [{ name: 'qa1' }, { name: 'qa2' }], pageInfo: { hasNextPage: true } })
    const after = first.pageInfo.endCursor
    expect((await graphqlData<Page>(server, query, { repository, after })).environments.nodes).toEqual([
      { name: 'qa3' },
    ])
  })
})

it('changes are streamed once each, and resumed after a cursor', async () => {
  const socket = await connectSocket(server)
  const query =
    'subscription ($after: String) { change: environmentChanges(after: $after) { kind cursor id environment { lease { reason } } } }'
  interface Change {
    readonly kind: string
    readonly cursor: string
    readonly id: string
  }
  const seen: Change[] = []
  socket.subscribe('changes', query)
  const reading = (async () => {
    for await (const { change } of socket.results('changes')) seen.push(change as Change)
  })().catch(() => undefined)
  // The stream has begun once it has reported a change.
  await until(async () => {
    await pool(1)
    return seen.length > 0
  })
  const { repository, ids } = await pool(1)
  const [id = ''] = ids
  const lease = fenceOf(await acquire({ repository }, { reason: 'PR 9' }))
  await call('ReleaseEnvironment', lease)
  await call('DeleteEnvironment', { id })
  const kinds = () => seen.filter((one) => one.id === id).map(({ kind }) => kind)
  await until(() => kinds().includes('DELETED'))
  expect(kinds()).toEqual(['CREATED', 'ACQUIRED', 'RELEASED', 'DELETED'])
  await socket.close()
  await reading
  const again = await connectSocket(other)
  const after = seen.find((one) => one.id === id)?.cursor
  again.subscribe('changes', query, { after })
  const { value } = await again.results('changes')[Symbol.asyncIterator]().next()
  expect(value).toMatchObject({ change: { kind: 'ACQUIRED', id } })
  await again.close()
})

describe('over REST', () => {
  const ask = (call: string, body?: object) => clientOf(server).ask<never>(call, body === undefined ? {} : { body })
  const get = (path: string) => ask(`GET /api${path}`)
  const put = (path: string, body: object) => ask(`PUT /api${path}`, body)
  const remove = (path: string) => ask(`DELETE /api${path}`)
  const post = (path: string, body: object) => ask(`POST /api${path}`, body)

  it('environments are created, grouped by category, acquired, extended and released', async () => {
    const repositoryIdentifier = 'acme/rest'
    const created = await post('/environments', {
      name: 'qa1',
      category: 'test',
      repositoryIdentifier,
      tags: ['a', 'b'],
    })
    expect(created).toMatchObject({
      status: 201,
      body: { category: 'test', isLocked: false, lockStatus: { queuedLocks: [] } },
    })
    await post('/environments', { name: 'dev1', category: 'dev', repositoryIdentifier })
    const path = `/environments?repositoryIdentifier=${encodeURIComponent(repositoryIdentifier)}`
    const grouped = await get(path)
    expect(grouped).toMatchObject({
      status: 200,
      body: { dev: [{ name: 'dev1' }], test: [{ name: 'qa1' }], release: [] },
    })
    expect(await get(`${path}&category=test&tags=a&tags=b`)).toMatchObject({ body: [{ name: 'qa1' }] })
    expect(await get(`${path}&category=test&tags=a&tags=c`)).toMatchObject({ body: [] })
    const wanted = { repositoryIdentifier, category: 'test', leaseDurationSeconds: 60, reason: 'PR 7' }
    const held = await post('/environments/acquire', wanted)
    expect(held).toMatchObject({
      status: 200,
      body: { isLocked: true, lockedBy: 'owner', lockStatus: { currentLock: { reason: 'PR 7' } } },
    })
    expect(await post('/environments/acquire', wanted)).toMatchObject({ status: 409, body: { code: 'LOCK_HELD' } })
    const { id, lockStatus } = held.body as { id: string; lockStatus: { currentLock: { fence: number } } }
    const { fence } = lockStatus.currentLock
    expect(await put(`/environments/${id}/lease`, { fence, leaseDurationSeconds: 120 })).toMatchObject({ status: 200 })
    expect(await remove(`/environments/${id}/lease?fence=${fence}`)).toMatchObject({ status: 204 })
  })

  it('an environment is set aside for a pull request, once, until it is released', async () => {
    const repositoryIdentifier = 'acme/review'
    for (const name of ['r1', 'r2'])
      await post('/environments', { name, category: 'dev', repositoryIdentifier, tags: ['review'] })
    const asked = {
      assignmentType: 'pr',
      assignmentId: '42',
      repositoryIdentifier,
      poolTag: 'review',
      expirationHours: 720,
    }
    const first = await post('/review/environments/assign', asked)
    expect(first).toMatchObject({
      status: 200,
      body: {
        status: 'environment_assigned',
        assignment: { status: 'InUse', assignedBy: 'owner', assignmentId: '42' },
      },
    })
    const again = await post('/review/environments/assign', asked)
    const versionOf = ({ body }: RestAnswer<{ assignment: { version: number } }>) => body.assignment.version
    expect(versionOf(again)).toBe(versionOf(first))
    expect(await post('/review/environments/assign', { ...asked, assignmentId: '43' })).toMatchObject({ status: 200 })
    expect(await post('/review/environments/assign', { ...asked, assignmentId: '44' })).toMatchObject({ status: 409 })
    const path = `/review/environments/pr/42?repositoryIdentifier=${encodeURIComponent(repositoryIdentifier)}`
    const known = await get(path)
    expect(known).toMatchObject({ status: 200, body: { status: 'InUse', environmentDetails: { isLocked: true } } })
    const { id } = (known.body as { environmentDetails: { id: string } }).environmentDetails
    await remove(`/environments/${id}/lease?fence=${versionOf(first)}`)
    expect(await get(path)).toMatchObject({ body: { status: 'Available' } })
    expect(await get(path.replace('42', '99'))).toMatchObject({ status: 404 })
    expect(await post('/review/environments/assign', { ...asked, assignmentId: 'a b' })).toMatchObject({ status: 422 })
  })
})
