import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChangesFollower, type Entries, entriesOf } from '#test/support/entries.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { connectSocket } from '#test/support/websocket.ts'

let server: TestServer
let other: TestServer
let entries: Entries
beforeAll(async () => {
  server = await startTestServer({ env: { ENTRY_HISTORY: '2', LOG_LEVEL: 'silent' } })
  other = await startTestServer({ env: { LOG_LEVEL: 'silent' }, database: server.database })
  entries = entriesOf(server)
})
afterAll(async () => {
  await other.close()
  await server.close()
})

describe('entryChanges', () => {
  it('sends a snapshot, SYNCED, and then each change once', async () => {
    await entries.set('told/b', 'old')
    await entries.set('told/b', { b: 1 })
    await entries.set('told/a', 'a')
    await entries.set('untold', 1)
    const follower = await ChangesFollower.open(other, { prefix: 'told/' })
    await follower.find(({ kind }) => kind === 'SYNCED')
    await entries.set('told/c', null)
    await entries.set('untold', 2)
    await entries.remove('told/b')
    await entries.set('told/d', 'd', { ttlMs: 1 })
    await follower.find(({ kind }) => kind === 'EXPIRED')
    expect(follower.lines).toEqual([
      'STATE told/a 1',
      'STATE told/b 2',
      'SYNCED',
      'SET told/c 1',
      'DELETED told/b 3',
      'SET told/d 1',
      'EXPIRED told/d 2',
    ])
    expect(follower.told.map(({ value }) => value)).toEqual(['a', { b: 1 }, null, null, null, 'd', null])
    expect(follower.told.map(({ hasValue }) => hasValue)).toEqual([true, true, false, true, false, true, false])
    await follower.close()
  })

  it('resumes after a cursor, at another process too', async () => {
    const first = await ChangesFollower.open(server, { prefix: 'resumed/' })
    const { cursor } = await first.find(({ kind }) => kind === 'SYNCED')
    await entries.set('resumed/a', 1)
    const seen = await first.find(({ key }) => key === 'resumed/a')
    await first.close()
    await entries.set('resumed/b', 2)
    await entries.remove('resumed/a')
    const second = await ChangesFollower.open(other, { prefix: 'resumed/', after: seen.cursor })
    await second.find(({ kind }) => kind === 'DELETED')
    expect(second.lines).toEqual(['SET resumed/b 1', 'DELETED resumed/a 2'])
    const whole = await ChangesFollower.open(other, { prefix: 'resumed/', after: cursor })
    await whole.find(({ kind }) => kind === 'DELETED')
    expect(whole.lines).toEqual(['SET resumed/a 1', ...second.lines])
    await Promise.all([second.close(), whole.close()])
  })

  it('has large values too, as long as their version is kept', async () => {
    const value = 'x'.repeat(5_000)
    const follower = await ChangesFollower.open(server, { prefix: 'large' })
    const { cursor } = await follower.find(({ kind }) => kind === 'SYNCED')
    await entries.set('large', value)
    expect(await follower.find(({ key }) => key === 'large')).toMatchObject({ value, hasValue: true })
    await follower.close()
    await entries.set('large', 2)
    await entries.set('large', 3)
    const late = await ChangesFollower.open(server, { prefix: 'large', after: cursor })
    await late.find(({ version }) => version === 3)
    expect(late.told.map(({ hasValue, value }) => [hasValue, value])).toEqual([
      [false, null],
      [true, 2],
      [true, 3],
    ])
    await late.close()
  })

  it('sends each of many entries once, although they change during the snapshot', async () => {
    const keys = Array.from({ length: 450 }, (_, index) => `many/${String(index).padStart(3, '0')}`)
    for (let from = 0; from < keys.length; from += 100)
      await entries.transact({ writes: keys.slice(from, from + 100).map((key) => ({ set: { key, value: 0 } })) })
    const follower = await ChangesFollower.open(server, { prefix: 'many/' })
    await Promise.all(keys.map((key) => entries.increment(key)))
    await entries.set('many/last', 1)
    await follower.find(({ key, kind }) => key === 'many/last' && (kind === 'SET' || kind === 'STATE'))
    const versions = Map.groupBy(
      follower.told.filter(({ key }) => key !== null),
      ({ key }) => key,
    )
    for (const key of keys) {
      const told = versions.get(key)?.map(({ version }) => version)
      // The first as it was, or as it had become already.
      expect([key, told]).toEqual([key, told?.length === 1 ? [2] : [1, 2]])
    }
    await follower.close()
  })

  it('sends what the caller may read, and nothing of other accounts', async () => {
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes: ['entries:read:open/**'] })
    const stranger = await addToken(server)
    const narrow = await ChangesFollower.open(server, { prefix: '' }, token)
    const foreign = await ChangesFollower.open(server, { prefix: '' }, stranger.token)
    await narrow.find(({ kind }) => kind === 'SYNCED')
    await foreign.find(({ kind }) => kind === 'SYNCED')
    await entries.set('closed/a', 1)
    await entries.set('open/a', 1)
    await entriesOf(server, stranger.token).set('theirs', 1)
    await narrow.find(({ key }) => key === 'open/a')
    await foreign.find(({ key }) => key === 'theirs')
    expect(narrow.lines).toEqual(['SYNCED', 'SET open/a 1'])
    expect(foreign.lines).toEqual(['SYNCED', 'SET theirs 1'])
    await Promise.all([narrow.close(), foreign.close()])
  })

  it.each([
    [{ prefix: 'a//' }, 'INVALID_INPUT'],
    [{ prefix: '', after: 'nonsense' }, 'INVALID_CURSOR'],
  ])('refuses %j', async (variables, code) => {
    const socket = await connectSocket(server)
    socket.subscribe(
      'one',
      'subscription ($prefix: String!, $after: String) { entryChanges(prefix: $prefix, after: $after) { kind } }',
      variables,
    )
    expect((await socket.next('one')).payload[0].extensions.code).toBe(code)
    await socket.close()
  })
})

describe('an event of an entry', () => {
  const valuesIn = async (token: string, key: string) => {
    const { events } = await entriesOf(server, token).asked<{ events: { nodes: { data: { value?: unknown } }[] } }>(
      'query ($subject: String!) { events(subject: $subject) { nodes { data } } }',
      { subject: `entry:${key}` },
    )
    return events.nodes.map(({ data }) => data)
  }

  it('shows the value only to who may read the entry', async () => {
    const accountId = await ownAccount(server)
    await entries.set('shown/a', 'secret')
    const follower = await ChangesFollower.open(server, { prefix: 'shown/' })
    await follower.find(({ kind }) => kind === 'SYNCED')
    await entries.set('shown/b', 1)
    await follower.find(({ key }) => key === 'shown/b')
    await follower.close()
    const of = async (...scopes: string[]) =>
      valuesIn((await addToken(server, { accountId, scopes: ['events:read', ...scopes] })).token, 'shown/a')
    expect(await of('entries:read')).toMatchObject([{ key: 'shown/a', version: 1, created: true, value: 'secret' }])
    for (const scopes of [[], ['entries:read:other/**']]) {
      const [data] = await of(...scopes)
      expect(data).toMatchObject({ key: 'shown/a', version: 1 })
      expect(data).not.toHaveProperty('value')
    }
  })
})
