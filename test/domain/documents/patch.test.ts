import specTests from 'json-patch-test-suite/spec_tests.json' with { type: 'json' }
import tests from 'json-patch-test-suite/tests.json' with { type: 'json' }
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, put, write } from '#test/support/documents.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'

interface SuiteCase {
  readonly comment?: string
  readonly doc: unknown
  readonly patch: unknown
  readonly expected?: unknown
  readonly error?: string
  readonly disabled?: boolean
}

const suite = ([...tests, ...specTests] as SuiteCase[])
  .filter(({ disabled, patch }) => disabled !== true && patch !== undefined)
  .map((one, index) => ({ ...one, name: `${index}: ${one.comment ?? one.error ?? ''}` }))

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
})
afterAll(() => server.close())

let count = 0
const patched = async (doc: unknown, patch: object) => {
  const key = `patched-${count++}`
  await put(server, key, doc)
  const answer = await write(server, 'patchDocument', { key, ...patch })
  return { answer, stored: await get(server, key) }
}

describe('a JSON Patch', () => {
  it.each(suite)('does what the published suite asks for, $name', async ({ doc, patch, expected, error }) => {
    const { answer, stored } = await patched(doc, { jsonPatch: patch })
    if (error === undefined) {
      expect(answer).toMatchObject({ document: { version: 2 } })
      expect(stored?.data).toEqual(expected === undefined ? doc : expected)
    } else {
      expect(answer.code).toMatch(/^(PATCH_FAILED|INVALID_INPUT)$/)
      expect(stored).toMatchObject({ version: 1, data: doc })
    }
  })

  it('that tests what is not there changes nothing, and says which operation', async () => {
    const jsonPatch = [
      { op: 'add', path: '/b', value: 2 },
      { op: 'test', path: '/a', value: 7 },
    ]
    const { answer, stored } = await patched({ a: 1 }, { jsonPatch })
    expect(answer).toMatchObject({ code: 'PATCH_FAILED', message: expect.stringContaining('Operation 1') })
    expect(stored).toMatchObject({ version: 1, data: { a: 1 } })
  })

  it.each([
    ['adds to what objects inherit', [{ op: 'add', path: '/toString/polluted', value: 1 }]],
    ['reaches for a prototype', [{ op: 'add', path: '/__proto__/polluted', value: 1 }]],
    ['reaches for it by another way', [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }]],
    ['copies from it', [{ op: 'copy', from: '/constructor/prototype', path: '/x' }]],
    ['moves something into itself', [{ op: 'move', from: '/a', path: '/a/b' }]],
    ['names an operation that objects inherit', [{ op: 'toString', path: '/a' }]],
    ['grows without end', Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '', path: `/k${index}` }))],
    ['has too many operations', Array.from({ length: 1_001 }, () => ({ op: 'test', path: '/a', value: {} }))],
    ['is not a list', { op: 'add' }],
  ])('is refused when it %s', async (_what, jsonPatch) => {
    const { answer, stored } = await patched({ a: {} }, { jsonPatch })
    expect(answer.code).toMatch(/^(PATCH_FAILED|INVALID_INPUT)$/)
    expect(stored).toMatchObject({ version: 1 })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('takes members with the names of what objects inherit as members', async () => {
    const jsonPatch = [{ op: 'replace', path: '/constructor', value: 2 }]
    expect((await patched({ constructor: 1 }, { jsonPatch })).stored?.data).toEqual({ constructor: 2 })
  })
})

describe('a JSON Merge Patch', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('does what RFC 7396 asks for: %j and %j make %j', async (doc, mergePatch, expected) => {
    expect((await patched(doc, { mergePatch })).stored?.data).toEqual(expected)
  })

  it('keeps __proto__ as a member, which changes nothing else', async () => {
    const { stored } = await patched({ a: 1 }, { mergePatch: JSON.parse('{"__proto__": {"polluted": true}, "b": 2}') })
    expect(JSON.stringify(stored?.data)).toBe('{"a":1,"b":2,"__proto__":{"polluted":true}}')
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('a patch', () => {
  it('is refused for a document that isn’t there, or was written since', async () => {
    expect(await write(server, 'patchDocument', { key: 'nowhere', mergePatch: {} })).toMatchObject({
      code: 'NOT_FOUND',
    })
    await put(server, 'since', { a: 1 })
    await put(server, 'since', { a: 2 })
    const late = { key: 'since', mergePatch: { a: 3 }, expectedVersion: 1 }
    expect(await write(server, 'patchDocument', late)).toMatchObject({ code: 'VERSION_CONFLICT', currentVersion: 2 })
  })

  it('of both kinds, or of none, is refused', async () => {
    expect(await write(server, 'patchDocument', { key: 'any' })).toMatchObject({ code: 'INVALID_INPUT' })
    const both = { key: 'any', mergePatch: {}, jsonPatch: [] }
    expect(await write(server, 'patchDocument', both)).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is refused when the result is larger than 1 MiB', async () => {
    const half = 'x'.repeat(600_000)
    const { answer, stored } = await patched({ a: half }, { mergePatch: { b: half } })
    expect(answer).toMatchObject({ code: 'INVALID_INPUT' })
    expect(stored).toMatchObject({ version: 1 })
  })

  it('loses nothing of others that are applied at the same time', async () => {
    await put(server, 'together', {})
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        write(server, 'patchDocument', { key: 'together', mergePatch: { [`k${index}`]: index } }),
      ),
    )
    const stored = await get(server, 'together')
    expect(stored?.version).toBe(41)
    expect(Object.keys(stored?.data as object)).toHaveLength(40)
  })
})
