import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Entries, entriesOf, mutationOf, type Outcome } from '#test/support/entries.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { addPerson, signIn } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
let other: TestServer
let here: Entries
let there: Entries
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
  other = await startTestServer({ env: { LOG_LEVEL: 'silent' }, database: server.database })
  here = entriesOf(server)
  there = entriesOf(other)
})
afterAll(async () => {
  await other.close()
  await server.close()
})

let count = 0
function fresh(): string {
  count += 1
  return `locks/${count}`
}

const waitMs = 60_000

/** How many wait for a lock. */
const waiting = async (name: string) =>
  (await server.database.query('SELECT 1 FROM lock_waiter WHERE name = $1', [name])).length
const queued = (name: string, many: number) => until(async () => (await waiting(name)) === many)

const fenceOf = ({ lock, message }: Outcome): number => {
  if (lock === undefined) throw new Error(`not held: ${message}`)
  return lock.fence
}

/** The journal entries about a lock. */
async function told(name: string): Promise<string[]> {
  const rows = await server.database.query<{ type: string }>(
    'SELECT type FROM journal WHERE subject = $1 ORDER BY xid, seq',
    [`lock:${name}`],
  )
  return rows.map(({ type }) => type.replace('lock.', ''))
}

describe('a lock', () => {
  it('is held by one until it is given back', async () => {
    const name = fresh()
    expect(await here.lock(name)).toBeNull()
    const first = await here.acquire(name)
    expect(first.lock).toMatchObject({ name, holder: { name: 'owner' } })
    expect(await there.acquire(name)).toMatchObject({
      __typename: 'LockHeld',
      code: 'LOCK_HELD',
      held: { name, fence: fenceOf(first) },
    })
    expect(await here.lock(name)).toMatchObject({ fence: fenceOf(first), queue: [] })
    expect(await there.release(name, fenceOf(first))).toMatchObject({ lock: { fence: fenceOf(first) } })
    expect(await here.lock(name)).toBeNull()
    const second = await there.acquire(name)
    expect(fenceOf(second)).toBeGreaterThan(fenceOf(first))
    expect(await told(name)).toEqual(['acquired', 'released', 'acquired'])
  })

  it('goes to the first caller in the queue, across processes', async () => {
    const name = fresh()
    const held = await here.acquire(name)
    const order: number[] = []
    const waiters: Promise<Outcome>[] = []
    for (let index = 0; index < 6; index += 1) {
      const side = index % 2 === 0 ? there : here
      waiters.push(
        side.acquire(name, { waitMs }).then(async (outcome) => {
          order.push(index)
          await side.release(name, fenceOf(outcome))
          return outcome
        }),
      )
      await queued(name, index + 1)
    }
    expect((await here.lock(name))?.queue).toHaveLength(6)
    await here.release(name, fenceOf(held))
    const fences = (await Promise.all(waiters)).map(fenceOf)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
    expect(await waiting(name)).toBe(0)
  })

  it('goes on to the next when its lease is over', async () => {
    const name = fresh()
    const first = await here.acquire(name, { ttlMs: 1_000 })
    const second = await there.acquire(name, { waitMs })
    expect(fenceOf(second)).toBeGreaterThan(fenceOf(first))
    expect(await told(name)).toEqual(['acquired', 'expired', 'acquired'])
    expect(await here.renew(name, fenceOf(first), 60_000)).toMatchObject({
      code: 'FENCE_LOST',
      currentFence: fenceOf(second),
    })
    expect(await here.release(name, fenceOf(first))).toMatchObject({ code: 'FENCE_LOST' })
    expect(await here.lock(name)).toMatchObject({ fence: fenceOf(second) })
  })

  it('is reported as expired although nobody waits', async () => {
    const name = fresh()
    await here.acquire(name, { ttlMs: 1_000 })
    await until(async () => (await told(name)).includes('expired'))
    expect(await server.database.query('SELECT 1 FROM lock WHERE name = $1', [name])).toEqual([])
  })

  it('has one of its renewals a minute in the journal, with how many there were, and the rest with its end', async () => {
    const name = fresh()
    const fence = fenceOf(await here.acquire(name))
    const renewals = async () =>
      (
        await server.database.query<{ type: string; renewals: number | null }>(
          "SELECT type, (data->>'renewals')::int AS renewals FROM journal WHERE subject = $1 ORDER BY xid, seq",
          [`lock:${name}`],
        )
      ).map(({ type, renewals }) => `${type} ${renewals}`)
    for (let count = 0; count < 3; count += 1) await here.renew(name, fence, 60_000)
    expect(await renewals()).toEqual(['lock.acquired null', 'lock.renewed 1'])
    await server.database.query("UPDATE lock SET renewal_noted_at = renewal_noted_at - interval '1 minute'")
    await here.renew(name, fence, 60_000)
    await there.renew(name, fence, 60_000)
    await here.release(name, fence)
    expect(await renewals()).toEqual(['lock.acquired null', 'lock.renewed 1', 'lock.renewed 3', 'lock.released 1'])
    const events = 'query ($subject: String) { events(subject: $subject) { nodes { type } } }'
    const { events: told } = await here.asked<{ events: { nodes: { type: string }[] } }>(events, {
      subject: `lock:${name}`,
    })
    expect(told.nodes.map(({ type }) => type)).not.toContain('lock.renewed')
  })

  it('is held for longer when it is renewed', async () => {
    const name = fresh()
    const { lock } = await here.acquire(name, { ttlMs: 2_000 })
    const renewed = await there.renew(name, lock?.fence ?? 0, 100_000)
    expect(Date.parse(renewed.lock?.expiresAt ?? '') - Date.parse(lock?.expiresAt ?? '')).toBeGreaterThan(90_000)
    expect(await there.acquire(name, { waitMs: 2_100 })).toMatchObject({ code: 'LOCK_HELD' })
    expect(await told(name)).toEqual(['acquired', 'renewed'])
  })

  it('is not waited for longer than was said', async () => {
    const name = fresh()
    await here.acquire(name)
    expect(await there.acquire(name, { waitMs: 50 })).toMatchObject({ code: 'LOCK_HELD', held: { name } })
    expect(await waiting(name)).toBe(0)
  })

  it('leaves out who has gone away, by HTTP and by WebSocket, or has completed the operation', async () => {
    const name = fresh()
    const held = await here.acquire(name)
    const leaving = new AbortController()
    const request = fetch(`${other.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${other.token}` },
      body: JSON.stringify({ query: mutationOf('acquireLock'), variables: { input: { name, ttlMs: 60_000, waitMs } } }),
      signal: leaving.signal,
    }).catch(() => undefined)
    await queued(name, 1)
    const socket = await connectSocket(server)
    socket.subscribe('one', mutationOf('acquireLock'), { input: { name, ttlMs: 60_000, waitMs } })
    await queued(name, 2)
    socket.subscribe('two', mutationOf('acquireLock'), { input: { name, ttlMs: 60_000, waitMs } })
    await queued(name, 3)
    const last = here.acquire(name, { waitMs })
    await queued(name, 4)
    leaving.abort()
    await request
    await queued(name, 3)
    socket.send({ id: 'one', type: 'complete' })
    await queued(name, 2)
    // The connection goes on, and says nothing of what was completed.
    socket.subscribe('three', '{ __typename }')
    expect(await socket.next()).toMatchObject({ id: 'three', type: 'next' })
    await socket.close()
    await queued(name, 1)
    await here.release(name, fenceOf(held))
    expect(fenceOf(await last)).toBe(fenceOf(held) + 1)
  })

  it('is not given to who waits at a process that is gone', async () => {
    const name = fresh()
    const held = await here.acquire(name)
    const dying = await startTestServer({ env: { LOG_LEVEL: 'silent' }, database: server.database })
    const lost = entriesOf(dying)
      .acquire(name, { waitMs })
      .catch(() => undefined)
    await queued(name, 1)
    await dying.close()
    expect((await lost)?.lock).toBeUndefined()
    expect(await waiting(name)).toBe(0)
    // A process that was killed leaves its callers in the queue, and says no more of them.
    await server.database.query(
      `INSERT INTO lock_waiter (account_id, name, id, by, principal_id, ttl_ms, queued_at, until, seen_at)
       SELECT account_id, name, gen_random_uuid(), holder, principal_id, 60000, now(), now() + interval '1 hour', now() - interval '1 hour'
       FROM lock WHERE name = $1`,
      [name],
    )
    const next = there.acquire(name, { waitMs })
    await queued(name, 2)
    await here.release(name, fenceOf(held))
    expect(fenceOf(await next)).toBe(fenceOf(held) + 1)
  })

  it('can be taken away by those who administer, and then its fence is worth nothing', async () => {
    const name = fresh()
    const accountId = await ownAccount(server)
    const { token } = await addToken(server, { accountId, scopes: ['entries:write'] })
    const holder = entriesOf(server, token)
    const held = await holder.acquire(name)
    await expect(holder.force(name)).rejects.toThrow('FORBIDDEN')
    const next = there.acquire(name, { waitMs })
    await queued(name, 1)
    expect(await here.force(name)).toMatchObject({ name, fence: fenceOf(held), holder: { name: 'other' } })
    expect(fenceOf(await next)).toBeGreaterThan(fenceOf(held))
    expect(await holder.renew(name, fenceOf(held), 10_000)).toMatchObject({ code: 'FENCE_LOST' })
    await there.force(name)
    expect(await there.force(name)).toMatchObject({ __typename: 'LockNotFound', code: 'NOT_FOUND' })
    const audited = await until(async () => {
      const { auditEntries } = await here.asked<{
        auditEntries: { nodes: { actor: { name: string }; data: object }[] }
      }>(
        'query ($subject: String!) { auditEntries(where: { subject: $subject, types: ["lock.forced"] }) { nodes { actor { name } data } } }',
        { subject: `lock:${name}` },
      )
      return auditEntries.nodes.length === 2 && auditEntries.nodes
    })
    expect(audited[1]).toMatchObject({ actor: { name: 'owner' }, data: { name, holder: { name: 'other' } } })
  })

  it('is listed while it is held', async () => {
    const prefix = `${fresh()}/`
    const names = ['a', 'b/c', 'd'].map((name) => prefix + name)
    const fences = await Promise.all(names.map(async (name) => fenceOf(await here.acquire(name))))
    const query = `query ($prefix: String!, $first: Int, $after: String) { locks(prefix: $prefix, first: $first, after: $after) {
      nodes { name fence } pageInfo { endCursor hasNextPage } } }`
    type Page = { locks: { nodes: { name: string }[]; pageInfo: { endCursor: string } } }
    const first = await here.asked<Page>(query, { prefix, first: 2 })
    const rest = await there.asked<Page>(query, { prefix, after: first.locks.pageInfo.endCursor })
    expect([...first.locks.nodes, ...rest.locks.nodes].map(({ name }) => name)).toEqual(names)
    await here.release(names[0] as string, fences[0] as number)
    expect((await here.asked<Page>(query, { prefix })).locks.nodes).toHaveLength(2)
  })

  it('is for those whose scope reaches its name', async () => {
    const accountId = await ownAccount(server)
    const { token } = await addToken(server, { accountId, scopes: ['entries:write:mine/**', 'entries:read:seen/*'] })
    const narrow = entriesOf(server, token)
    await here.acquire('seen/a')
    await here.acquire('unseen')
    expect(await narrow.lock('seen/a')).toMatchObject({ name: 'seen/a' })
    await expect(narrow.lock('unseen')).rejects.toThrow('FORBIDDEN')
    await expect(narrow.acquire('seen/b')).rejects.toThrow('FORBIDDEN')
    await expect(narrow.release('seen/a', 1)).rejects.toThrow('FORBIDDEN')
    expect(fenceOf(await narrow.acquire('mine/a'))).toBeGreaterThan(0)
    const all = await narrow.asked<{ locks: { nodes: { name: string }[] } }>(
      '{ locks(first: 200) { nodes { name } } }',
      {},
    )
    expect(all.locks.nodes.map(({ name }) => name)).toEqual(['mine/a', 'seen/a'])
  })

  it('is another in another account', async () => {
    const theirs = entriesOf(server, (await addToken(server)).token)
    const name = fresh()
    await here.acquire(name)
    expect(await theirs.acquire(name)).toMatchObject({ lock: { fence: 1 } })
  })

  it.each([
    [{ name: 'a//b' }, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'ok', ttlMs: 999 }, 'ttlMs'],
    [{ name: 'ok', ttlMs: 86_400_001 }, 'ttlMs'],
    [{ name: 'ok', waitMs: 300_001 }, 'waitMs'],
    [{ name: 'ok', waitMs: -1 }, 'waitMs'],
  ])('refuses %j', async ({ name, ...more }, path) => {
    expect(await here.acquire(name, more)).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path }] })
  })
})

describe('a fence', () => {
  it('lets its holder write, and nobody who has lost the lock', async () => {
    const [lock, key] = [fresh(), fresh()]
    const fence = { lock, fence: fenceOf(await here.acquire(lock)) }
    expect(await here.set(key, 1, { fence })).toMatchObject({ entry: { version: 1 } })
    expect(await there.increment(key, { fence })).toMatchObject({ entry: { version: 2 } })
    expect(await there.transact({ writes: [{ increment: { key } }], fence })).toMatchObject({ succeeded: true })
    await here.release(lock, fence.fence)
    const refused = { code: 'FENCE_LOST', currentFence: null }
    expect(await here.set(key, 'late', { fence })).toMatchObject(refused)
    const next = fenceOf(await there.acquire(lock))
    for (const write of [
      here.set(key, 'late', { fence }),
      here.remove(key, { fence }),
      there.increment(key, { fence }),
      there.transact({ writes: [{ delete: { key } }], fence }),
    ])
      expect(await write).toMatchObject({ code: 'FENCE_LOST', currentFence: next })
    expect((await here.get(key))?.value).toBe(3)
    expect(await here.remove(key, { fence: { lock, fence: next } })).toMatchObject({ version: 4 })
  })

  it('is worth nothing once the lease is over, swept or not', async () => {
    const [lock, key] = [fresh(), fresh()]
    const fence = { lock, fence: fenceOf(await here.acquire(lock, { ttlMs: 1_000 })) }
    await until(async () => (await here.set(key, 1, { fence })).code === 'FENCE_LOST')
  })
})

describe('a lock of somebody else', () => {
  async function tokenFor(...scopes: string[]): Promise<string> {
    return (await addToken(server, { accountId: await ownAccount(server), scopes })).token
  }

  it('is neither renewed nor released by those who can see its fence', async () => {
    const name = fresh()
    const fence = fenceOf(await entriesOf(server, await tokenFor('entries:write')).acquire(name))
    const stranger = entriesOf(other, await tokenFor('entries:write', 'tasks:read'))
    expect((await stranger.lock(name))?.fence).toBe(fence)
    const refused = { __typename: 'NotLockHolder', code: 'FORBIDDEN' }
    for (const foreign of [stranger, there]) {
      expect(await foreign.renew(name, fence, 60_000)).toMatchObject(refused)
      expect(await foreign.release(name, fence)).toMatchObject(refused)
    }
    expect(await stranger.release(name, fence + 1)).toMatchObject({ code: 'FENCE_LOST' })
    expect((await here.lock(name))?.fence).toBe(fence)
    expect((await here.force(name)).code).toBeUndefined()
  })

  it('once waited for belongs to who waited', async () => {
    const name = fresh()
    const fence = fenceOf(await here.acquire(name))
    const waiter = entriesOf(other, await tokenFor('entries:write'))
    const granted = waiter.acquire(name, { waitMs })
    await queued(name, 1)
    await here.release(name, fence)
    const next = fenceOf(await granted)
    expect(await here.release(name, next)).toMatchObject({ code: 'FORBIDDEN' })
    expect((await waiter.release(name, next)).code).toBeUndefined()
  })

  it('is one’s own in all sessions of a person, and with the successor of a token', async () => {
    const who = await addPerson(server, 'OWNER')
    const [first, second] = [await signIn(server, who), await signIn(other, who)]
    const name = fresh()
    const fence = fenceOf(await entriesOf(server, first.accessToken).acquire(name))
    expect((await entriesOf(other, second.accessToken).renew(name, fence, 60_000)).code).toBeUndefined()
    expect((await entriesOf(other, second.accessToken).release(name, fence)).code).toBeUndefined()
    const { token, id } = await addToken(server, { accountId: await ownAccount(server) })
    const own = fenceOf(await entriesOf(server, token).acquire(name))
    const rotate = `mutation ($id: ID!) { rotateApplicationToken(input: { id: $id }) {
      ... on RotateApplicationTokenPayload { token } } }`
    const rotated = await graphqlData<{ rotateApplicationToken: { token: string } }>(server, rotate, { id })
    const successor = entriesOf(server, rotated.rotateApplicationToken.token)
    expect((await successor.renew(name, own, 60_000)).code).toBeUndefined()
    expect((await successor.release(name, own)).code).toBeUndefined()
  })
})

describe('a queue that is cleared', () => {
  it('lets those go at once who wait for it, at every process, and nobody who comes later', async () => {
    const name = fresh()
    await here.acquire(name)
    const waits = [here.acquire(name, { waitMs }), there.acquire(name, { waitMs })]
    await queued(name, 2)
    const clear = 'mutation ($name: String!) { forceReleaseLock(input: { name: $name, queue: true }) { __typename } }'
    await graphqlData(server, clear, { name })
    for (const outcome of await Promise.all(waits))
      expect(outcome).toMatchObject({
        code: 'LOCK_HELD',
        message: `The lock "${name}" was not acquired: an administrator has cleared its queue.`,
      })
    const next = await there.acquire(name)
    const later = here.acquire(name, { waitMs })
    await queued(name, 1)
    await there.release(name, fenceOf(next))
    expect((await later).lock).toMatchObject({ name })
  })
})

describe('any of several locks', () => {
  const names = () => [fresh(), fresh(), fresh()] as const
  const any = (at: Entries, anyOf: readonly string[], more: object = {}) =>
    at.acquire(fresh(), { name: undefined, anyOf, ...more })

  it('is the first that is free', async () => {
    const [a, b, c] = names()
    await here.acquire(a)
    const { lock } = await any(there, [a, b, c])
    expect(lock).toMatchObject({ name: b })
    expect([await waiting(a), await waiting(c)]).toEqual([0, 0])
  })

  it('is the first that becomes free, and the queues of the others are left', async () => {
    const [a, b, c] = names()
    const held = [await here.acquire(a), await here.acquire(b), await here.acquire(c)]
    const waits = any(there, [a, b, c], { waitMs })
    await Promise.all([a, b, c].map((name) => queued(name, 1)))
    await here.release(b, fenceOf(held[1] as Outcome))
    expect((await waits).lock).toMatchObject({ name: b })
    expect([await waiting(a), await waiting(c)]).toEqual([0, 0])
    await here.release(a, fenceOf(held[0] as Outcome))
    expect(await here.lock(a)).toBeNull()
  })

  it('is none when all are held for long', async () => {
    const [a, b] = names()
    await here.acquire(a)
    await here.acquire(b)
    for (const more of [{}, { waitMs: 200 }]) {
      const { code, message } = await any(there, [a, b], more)
      expect(code).toBe('LOCK_HELD')
      expect(message).toMatch(/^The lock "locks\/\d+" is held by owner, until .*; so is the other one/)
    }
    expect([await waiting(a), await waiting(b)]).toEqual([0, 0])
  })

  it('says why it is needed, to others too', async () => {
    const [a] = names()
    const { lock } = await here.acquire(a, { reason: 'release 42' })
    const query = 'query ($name: String!) { lock(name: $name) { reason queue { reason } } }'
    const queuedUp = there.acquire(a, { reason: 'release 43', waitMs })
    await queued(a, 1)
    expect(await graphqlData(server, query, { name: a })).toEqual({
      lock: { reason: 'release 42', queue: [{ reason: 'release 43' }] },
    })
    await here.release(a, fenceOf({ lock } as Outcome))
    await queuedUp
    expect(await graphqlData(server, query, { name: a })).toMatchObject({ lock: { reason: 'release 43', queue: [] } })
  })

  it.each([
    [{}, 'needs either name or anyOf'],
    [{ name: 'a', anyOf: ['b'] }, 'needs either name or anyOf'],
    [{ anyOf: [] }, 'needs either name or anyOf'],
    [{ anyOf: Array.from({ length: 21 }, (_, n) => `x${n}`) }, 'may have at most 20 names'],
    [{ name: 'a', reason: 'x'.repeat(501) }, 'may have at most 500 characters'],
  ])('is refused for what can’t be: %o', async (input, words) => {
    const outcome = await here.acquire('', { name: undefined, ...input })
    expect(outcome).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(words) })
  })
})
