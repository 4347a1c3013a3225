import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Entries, entriesOf, entryFields, type Outcome } from '#test/support/entries.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
let entries: Entries
beforeAll(async () => {
  server = await startTestServer({ env: { ENTRY_HISTORY: '3', LOG_LEVEL: 'silent' } })
  entries = entriesOf(server)
})
afterAll(() => server.close())

let count = 0
/** A key that nothing has used. */
function fresh(name = 'key'): string {
  count += 1
  return `fresh/${name}-${count}`
}

describe('an entry', () => {
  it('is kept under its key, whatever JSON it is', async () => {
    for (const value of [
      null,
      false,
      0,
      -1.5,
      1e300 / 3e290,
      '',
      'ä\u0000\u{1f600}\ud800',
      [],
      [[{}]],
      { z: 1, a: [1, null] },
    ]) {
      const key = fresh()
      const made = await entries.set(key, value)
      expect(made).toMatchObject({ __typename: 'SetEntryPayload', entry: { key, value, version: 1, expiresAt: null } })
      expect(JSON.stringify((await entries.get(key))?.value)).toBe(JSON.stringify(value))
    }
  })

  it('has a version more with each change, and the account a revision', async () => {
    const key = fresh()
    const first = await entries.set(key, 1)
    const second = await entries.set(key, 2)
    const other = await entries.set(fresh(), 1)
    expect([first.entry?.version, second.entry?.version, other.entry?.version]).toEqual([1, 2, 1])
    const start = first.revision as number
    expect([second.revision, other.revision]).toEqual([start + 1, start + 2])
    expect(second.entry?.createdAt).toBe(first.entry?.createdAt)
    expect(await entries.remove(key)).toMatchObject({ version: 3, revision: start + 3 })
    expect(await entries.get(key)).toBeNull()
    expect((await entries.set(key, 3)).entry?.version).toBe(4)
  })

  it('does not exist before it is created, nor after it is deleted', async () => {
    const key = fresh()
    expect(await entries.get(key)).toBeNull()
    expect(await entries.remove(key)).toMatchObject({ __typename: 'EntryNotFound', code: 'NOT_FOUND' })
    expect(await entries.set(key, 1, { ifExists: true })).toMatchObject({ code: 'NOT_FOUND' })
    await entries.set(key, 1)
    expect(await entries.set(key, 2, { ifExists: true })).toMatchObject({ entry: { version: 2 } })
    await entries.remove(key)
    expect(await entries.remove(key)).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is changed only at the version that the writer knows', async () => {
    const key = fresh()
    expect(await entries.set(key, 'a', { ifVersion: 1 })).toMatchObject({
      code: 'VERSION_CONFLICT',
      currentVersion: 0,
      updatedBy: null,
    })
    expect(await entries.set(key, 'a', { ifVersion: 0 })).toMatchObject({ entry: { version: 1 } })
    expect(await entries.set(key, 'b', { ifVersion: 0 })).toMatchObject({
      code: 'VERSION_CONFLICT',
      message: `The entry "${key}" already exists (version 1, written by owner).`,
      currentVersion: 1,
      updatedBy: { name: 'owner' },
    })
    expect(await entries.set(key, 'b', { ifVersion: 1 })).toMatchObject({ entry: { version: 2 } })
    expect(await entries.remove(key, { ifVersion: 1 })).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await entries.increment(key, { ifVersion: 1 })).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect((await entries.get(key))?.value).toBe('b')
    expect(await entries.remove(key, { ifVersion: 2 })).toMatchObject({ version: 3 })
    expect(await entries.set(key, 'c', { ifVersion: 3 })).toMatchObject({ code: 'VERSION_CONFLICT', currentVersion: 0 })
  })

  it('of many writers at once has each once', async () => {
    const key = fresh()
    const made = await Promise.all(Array.from({ length: 40 }, (_, index) => entries.set(key, index, { ifVersion: 0 })))
    expect(made.filter(({ entry }) => entry !== undefined)).toHaveLength(1)
    const all = await Promise.all(Array.from({ length: 40 }, (_, index) => entries.set(key, index)))
    expect(all.map(({ entry }) => entry?.version).toSorted((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 2),
    )
    const last = all.find(({ entry }) => entry?.version === 41)
    expect((await entries.get(key))?.value).toBe(last?.entry?.value)
  })

  it('shows its last versions, newest first, in pages', async () => {
    const key = fresh()
    for (const value of ['a', 'b', 'c', 'd']) await entries.set(key, value)
    await entries.remove(key)
    await entries.set(key, 'e')
    const query = `query ($key: String!, $first: Int, $after: String) { entry(key: $key) { history(first: $first, after: $after) {
      nodes { version kind value by { name } } pageInfo { endCursor hasNextPage } } } }`
    const page = async (more: object) =>
      (
        await entries.asked<{
          entry: { history: { nodes: unknown[]; pageInfo: { endCursor: string; hasNextPage: boolean } } }
        }>(query, { key, ...more })
      ).entry.history
    const by = { name: 'owner' }
    const whole = [
      { version: 6, kind: 'SET', value: 'e', by },
      { version: 5, kind: 'DELETED', value: null, by },
      { version: 4, kind: 'SET', value: 'd', by },
    ]
    expect((await page({})).nodes).toEqual(whole)
    const first = await page({ first: 2 })
    expect(first).toMatchObject({ nodes: whole.slice(0, 2), pageInfo: { hasNextPage: true } })
    expect((await page({ after: first.pageInfo.endCursor })).nodes).toEqual(whole.slice(2))
    const other = fresh()
    await entries.set(other, 1)
    await expect(entries.asked(query, { key: other, after: first.pageInfo.endCursor })).rejects.toThrow(
      'INVALID_CURSOR',
    )
  })

  it('is gone when its time is over, at once for readers, and soon told', async () => {
    const key = fresh()
    const { entry } = await entries.set(key, 1, { ttlMs: 400 })
    expect(Date.parse(entry?.expiresAt ?? '') - Date.parse(entry?.updatedAt ?? '')).toBe(400)
    await entries.set(fresh(), 1, { ttlMs: 100_000 })
    await until(async () => (await entries.get(key)) === null)
    await until(
      async () =>
        (
          await server.database.query("SELECT 1 FROM journal WHERE type = 'entry.expired' AND subject = $1", [
            `entry:${key}`,
          ])
        ).length === 1,
    )
    expect(await entries.set(key, 2, { ifVersion: 0 })).toMatchObject({ entry: { version: 3, expiresAt: null } })
  })

  it('is not there for a writer either, once its time is over', async () => {
    const key = fresh()
    await entries.set(key, 5, { ttlMs: 1 })
    // Before or after it is swept: the answer is the same.
    await until(async () => (await entries.get(key)) === null)
    expect(await entries.increment(key, { initial: 10 })).toMatchObject({ entry: { value: 11, version: 3 } })
  })

  it('keeps its own time over a change of its number, and not over a new value', async () => {
    const key = fresh()
    await entries.increment(key, { ttlMs: 60_000 })
    const { expiresAt } = (await entries.get(key)) ?? {}
    expect(expiresAt).not.toBeNull()
    expect(await entries.increment(key, { ttlMs: 1 })).toMatchObject({ entry: { value: 2, expiresAt } })
    expect(await entries.set(key, 1)).toMatchObject({ entry: { expiresAt: null } })
  })
})

describe('counting', () => {
  it('begins at 0, or where it is said, and loses nothing', async () => {
    const key = fresh()
    expect(await entries.increment(key)).toMatchObject({ entry: { value: 1 } })
    await Promise.all(Array.from({ length: 30 }, () => entries.increment(key, { by: 2 })))
    expect((await entries.get(key))?.value).toBe(61)
    expect(await entries.increment(fresh(), { initial: 100, by: -1 })).toMatchObject({ entry: { value: 99 } })
  })

  it('stays within its bounds', async () => {
    const key = fresh()
    await entries.set(key, 9)
    expect(await entries.increment(key, { max: 10 })).toMatchObject({ entry: { value: 10 } })
    expect(await entries.increment(key, { max: 10 })).toMatchObject({ code: 'OUT_OF_BOUNDS', current: 10 })
    expect(await entries.increment(key, { by: -11, min: 0 })).toMatchObject({ code: 'OUT_OF_BOUNDS' })
    await entries.set(key, Number.MAX_SAFE_INTEGER)
    expect(await entries.increment(key)).toMatchObject({ code: 'OUT_OF_BOUNDS' })
  })

  it('takes whole numbers alone', async () => {
    const key = fresh()
    for (const value of ['1', 1.5, null, [1]]) {
      await entries.set(key, value)
      expect(await entries.increment(key)).toMatchObject({ __typename: 'EntryNotNumber', code: 'NOT_A_NUMBER' })
    }
    expect(await entries.increment(key, { by: 0.5 })).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'by' }] })
    expect(await entries.increment(key, { min: 2, max: 1 })).toMatchObject({ issues: [{ path: 'min' }] })
  })
})

describe('a request of checks and writes', () => {
  it('does the one thing when all checks hold, and the other when not', async () => {
    const [a, b] = [fresh('a'), fresh('b')]
    await entries.set(a, { x: 1, y: [2] })
    const request = {
      checks: [
        { key: a, version: 1 },
        { key: a, exists: true, value: { is: { y: [2], x: 1 } } },
        { key: b, exists: false },
      ],
      writes: [{ set: { key: a, value: 'done' } }, { increment: { key: b, by: 5 } }],
      otherwise: [{ delete: { key: a } }],
    }
    const done = await entries.transact(request)
    expect(done).toMatchObject({
      succeeded: true,
      failedChecks: [],
      written: [
        { key: a, version: 2, entry: { value: 'done', revision: done.revision } },
        { key: b, version: 1, entry: { value: 5, revision: done.revision } },
      ],
    })
    expect(await entries.transact(request)).toMatchObject({
      succeeded: false,
      revision: (done.revision as number) + 1,
      written: [{ key: a, version: 3, entry: null }],
      failedChecks: [
        { index: 0, key: a, entry: { version: 2, value: 'done' } },
        { index: 1, key: a },
        { index: 2, key: b, entry: { value: 5 } },
      ],
    })
    expect(await entries.get(a)).toBeNull()
  })

  it('writes nothing when one of its writes is refused', async () => {
    const [a, b] = [fresh('a'), fresh('b')]
    await entries.set(b, 'text')
    const before = (await entries.set(fresh(), 1)).revision as number
    expect(
      await entries.transact({ writes: [{ set: { key: a, value: 1 } }, { increment: { key: b } }] }),
    ).toMatchObject({ code: 'NOT_A_NUMBER' })
    expect(
      await entries.transact({ writes: [{ set: { key: a, value: 1 } }, { set: { key: b, value: 1, ifVersion: 7 } }] }),
    ).toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await entries.get(a)).toBeNull()
    expect((await entries.set(fresh(), 1)).revision).toBe(before + 1)
  })

  it('takes no revision when it writes nothing', async () => {
    const key = fresh()
    const { revision } = await entries.set(key, 1)
    const checks = [{ key, version: 9 }]
    expect(await entries.transact({ checks, writes: [{ delete: { key } }] })).toMatchObject({
      succeeded: false,
      revision,
      written: [],
      failedChecks: [{ entry: { version: 1 } }],
    })
    expect(await entries.transact({ checks: [{ key, version: 1, exists: true }] })).toMatchObject({
      succeeded: true,
      revision,
    })
  })

  it('moves between two keys without losing any, however many callers do so at once', async () => {
    const [from, to] = [fresh('from'), fresh('to')]
    await entries.set(from, 20)
    const move = () =>
      entries.transact({ writes: [{ increment: { key: from, by: -1, min: 0 } }, { increment: { key: to } }] })
    const outcomes = await Promise.all(Array.from({ length: 30 }, move))
    expect(outcomes.filter(({ succeeded }) => succeeded === true)).toHaveLength(20)
    expect([(await entries.get(from))?.value, (await entries.get(to))?.value]).toEqual([0, 20])
  })

  it.each([
    [{}, 'writes'],
    [{ checks: [{ key: 'a' }] }, 'checks.0'],
    [{ checks: [{ key: '', exists: true }] }, 'checks.0.key'],
    [{ checks: [{ key: 'a', version: -1 }] }, 'checks.0.version'],
    [{ writes: [{ set: { key: 'a', value: 1 } }, { delete: { key: 'a' } }] }, 'writes'],
    [{ writes: [{ set: { key: 'a//b', value: 1 } }] }, 'writes.0.set.key'],
    [{ otherwise: [{ set: { key: 'a' } }] }, 'otherwise.0.set.value'],
    [{ writes: Array.from({ length: 129 }, (_, index) => ({ delete: { key: `k${index}` } })) }, 'writes'],
    [{ checks: Array.from({ length: 129 }, () => ({ key: 'a', exists: true })) }, 'checks'],
    [{ checks: [{ key: 'a', exists: true }], fence: { lock: 'l', fence: 0 } }, 'fence.fence'],
  ])('refuses %j', async (input, path) => {
    expect((await entries.transact(input)).issues?.map((issue) => issue.path)).toContain(path)
  })
})

describe('a list of entries', () => {
  const list = async (variables: object, token?: string) =>
    (
      await entriesOf(server, token ?? server.token).asked<{
        entries: { nodes: { key: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } }
      }>(
        `query ($prefix: String! = "", $first: Int, $after: String) { entries(prefix: $prefix, first: $first, after: $after) {
          nodes { key } pageInfo { endCursor hasNextPage } } }`,
        variables as Record<string, unknown>,
      )
    ).entries

  it('has those with a prefix, in the order of bytes, in pages', async () => {
    const keys = ['list/B', 'list/a', 'list/ä', 'list/\u{1f600}', 'list/\u754c', 'lisu', 'list']
    for (const key of keys) await entries.set(key, 1)
    const inBytes = ['list/B', 'list/a', 'list/ä', 'list/\u754c', 'list/\u{1f600}']
    expect((await list({ prefix: 'list/' })).nodes.map(({ key }) => key)).toEqual(inBytes)
    const first = await list({ prefix: 'list/', first: 2 })
    expect(first.pageInfo.hasNextPage).toBe(true)
    const rest = await list({ prefix: 'list/', after: first.pageInfo.endCursor })
    expect([...first.nodes, ...rest.nodes].map(({ key }) => key)).toEqual(inBytes)
    expect((await list({ prefix: 'list' })).nodes.map(({ key }) => key)).toEqual(['list', ...inBytes])
  })

  it('leaves out what is over, swept or not', async () => {
    await entries.set('over/a', 1, { ttlMs: 1 })
    await entries.set('over/b', 1)
    await until(async () => (await list({ prefix: 'over/' })).nodes.length === 1)
    await entries.remove('over/b')
    expect((await list({ prefix: 'over/' })).nodes).toEqual([])
  })

  it('takes its own cursors alone, and prefixes that keys can have', async () => {
    for (const after of [
      'x',
      Buffer.from('entries|').toString('base64url'),
      Buffer.from('locks|YQ').toString('base64url'),
    ])
      await expect(list({ after })).rejects.toThrow('INVALID_CURSOR')
    for (const prefix of ['/', 'a//', '\\', 'a\u0000', '\u202e', 'x'.repeat(600)])
      await expect(list({ prefix })).rejects.toThrow('INVALID_INPUT')
    for (const prefix of ["' OR 1=1 --", 'a/', 'a/.', 'a b ', '%']) expect((await list({ prefix })).nodes).toEqual([])
  })

  it('has what a narrowed scope reaches', async () => {
    const keys = ['flags/a', 'flags/b/c', 'flagsx', 'other/prod', 'other/prod/x', 'x/other/prod', 'a.c', 'abc']
    for (const key of keys) await entries.set(key, 1)
    const scopes = ['entries:read:flags/**', 'entries:write:*/prod', 'entries:read:a.*']
    const { token } = await addToken(server, { accountId: await ownAccount(server), scopes })
    const found = (await list({ first: 200 }, token)).nodes.map(({ key }) => key)
    expect(found).toEqual(['a.c', 'flags/a', 'flags/b/c', 'other/prod'])
    const narrow = entriesOf(server, token)
    expect((await narrow.get('flags/b/c'))?.value).toBe(1)
    await expect(narrow.get('flagsx')).rejects.toThrow('FORBIDDEN')
    await expect(narrow.set('flags/a', 2)).rejects.toThrow('FORBIDDEN')
    await expect(narrow.transact({ checks: [{ key: 'flagsx', exists: true }] })).rejects.toThrow('FORBIDDEN')
    await expect(narrow.transact({ otherwise: [{ delete: { key: 'flags/a' } }] })).rejects.toThrow('FORBIDDEN')
    expect(await narrow.set('other/prod', 2)).toMatchObject({ entry: { value: 2 } })
  })
})

describe('bad input', () => {
  const invalid = (path: string) => ({ code: 'INVALID_INPUT', issues: [expect.objectContaining({ path })] })

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    'a\u0000b',
    'a\nb',
    '\u007f',
    'x'.repeat(10_000),
    'ä'.repeat(257),
    'a\u200bb',
    'a\u202eb',
    '\ufeffa',
    'e\u0301',
    '\ud800',
    'a\u00a0b',
    'a\u2028b',
    ' a',
    'a/ b',
    'b /c',
    'a\u3164',
    '\u{10ffff}',
    '\u{e000}',
    'a\\b',
    'a/*',
    'сorp',
    'ﬁle',
  ])('refuses the key %j', async (key) => {
    expect(await entries.set(key, 1)).toMatchObject(invalid('key'))
    expect(await entries.remove(key)).toMatchObject(invalid('key'))
    await expect(entries.get(key)).rejects.toThrow('INVALID_INPUT')
  })

  it.each(['x'.repeat(512), 'ä/ö/ü', 'a b', 'a.b/..c/.d', "';--", '%_', '\u{1f600}', '__proto__'])(
    'takes the key %j, and nothing else for it',
    async (key) => {
      expect(await entries.set(key, key)).toMatchObject({ entry: { key, value: key } })
      expect((await entries.get(key))?.value).toBe(key)
      await entries.remove(key)
    },
  )

  it('refuses numbers that would be kept as others', async () => {
    const query = (value: string) => `mutation { outcome: setEntry(input: { key: "n", value: ${value} }) {
      __typename ... on Failure { code message } } }`
    for (const value of ['9007199254740993', '-9007199254740992', '[1, { a: 1e400 }]', '100000000000000000000'])
      expect((await entries.asked<{ outcome: Outcome }>(query(value), {})).outcome).toMatchObject({
        code: 'INVALID_INPUT',
      })
    for (const value of ['9007199254740991', '-0', '0.1', '1e-400'])
      expect((await entries.asked<{ outcome: Outcome }>(query(value), {})).outcome.__typename).toBe('SetEntryPayload')
  })

  it('refuses what is too large or too deep, and nothing just below that', async () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(await entries.set('deep', nested(1_000))).toMatchObject(invalid('value.0.0.0.0.0'))
    expect(await entries.set('deep', nested(201))).toMatchObject(invalid('value.0.0.0.0.0'))
    expect(await entries.set('deep', nested(200))).toMatchObject({ entry: { value: nested(200) } })
    expect(await entries.set('large', 'x'.repeat(256 * 1024 - 1))).toMatchObject(invalid('value'))
    expect(await entries.set('large', 'ä'.repeat(128 * 1024 - 1))).toMatchObject({ entry: { version: 1 } })
    expect(await entries.set('none', undefined)).toMatchObject(invalid('value'))
  })

  it('keeps names that mean something to JavaScript as names', async () => {
    const value = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 2}, "toString": 3}')
    await entries.set('names', value)
    expect(JSON.stringify((await entries.get('names'))?.value)).toBe(JSON.stringify(value))
    expect(await entries.transact({ checks: [{ key: 'names', value: { is: value } }] })).toMatchObject({
      succeeded: true,
    })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it.each([
    [{ ttlMs: 0 }, 'ttlMs'],
    [{ ttlMs: 1.5 }, 'ttlMs'],
    [{ ttlMs: 1e15 }, 'ttlMs'],
    [{ ifVersion: -1 }, 'ifVersion'],
  ])('refuses %j', async (more, path) => {
    expect(await entries.set('bounds', 1, more)).toMatchObject(invalid(path))
  })
})

describe('another account', () => {
  it('has entries of its own under the same keys', async () => {
    const { token } = await addToken(server)
    const theirs = entriesOf(server, token)
    const key = fresh()
    await entries.set(key, 'ours')
    expect(await theirs.get(key)).toBeNull()
    expect(await theirs.set(key, 'theirs', { ifVersion: 0 })).toMatchObject({ revision: 1, entry: { version: 1 } })
    expect((await entries.get(key))?.value).toBe('ours')
    const { entries: all } = await theirs.asked<{ entries: { nodes: { key: string }[] } }>(
      `{ entries { nodes { ${entryFields} } } }`,
      {},
    )
    expect(all.nodes.map((node) => node.key)).toEqual([key])
  })
})

describe('what entries take', () => {
  it('counts for the quota of stored bytes, and is refused beyond it', async () => {
    const { token, accountId } = await addToken(server)
    const theirs = entriesOf(server, token)
    await server.database.query(`UPDATE account SET quotas = '{"storedBytes": 20000}' WHERE id = $1`, [accountId])
    await theirs.set('a', 'x'.repeat(10_000))
    expect(await theirs.set('b', 'x'.repeat(12_000))).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    await theirs.set('a', 'x')
    const [row] = await server.database.query<{ bytes: string }>(
      `SELECT sum(size_bytes) AS bytes FROM entry_version WHERE account_id = $1`,
      [accountId],
    )
    expect(Number(row?.bytes)).toBe(10_005)
    const { quotas } = await theirs.asked<{ quotas: { name: string; used: number }[] }>('{ quotas { name used } }', {})
    const used = quotas.find(({ name }) => name === 'STORED_BYTES')?.used ?? 0
    const [journaled] = await server.database.query<{ bytes: string }>(
      'SELECT sum(bytes) AS bytes FROM journal_usage WHERE account_id = $1',
      [accountId],
    )
    expect(used).toBe(10_005 + Number(journaled?.bytes))
    expect(Number(journaled?.bytes)).toBeGreaterThan(0)
  })
})
