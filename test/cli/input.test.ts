import { describe, expect, it } from 'vitest'
import { readInput, readLabels, readMoment } from '#cli/input.ts'
import { inputFields } from '#cli/input-fields.ts'

describe('--set', () => {
  it.each(['a=[750727362669608961]', 'a={"b":1e400}'])('refuses numbers that would be changed: %s', async (text) => {
    await expect(readInput({ set: [text] })).rejects.toThrow(/is an? (integer|number)/)
  })

  it.each([
    ['a=1', { a: 1 }],
    ['a=-1.5', { a: -1.5 }],
    ['a=1.0', { a: '1.0' }],
    ['a=007', { a: '007' }],
    ['a=12345678901234567890', { a: '12345678901234567890' }],
    ['a=true', { a: true }],
    ['a=truer', { a: 'truer' }],
    ['a=null', { a: null }],
    ['a=', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['a="1"', { a: '1' }],
    ['a=[1,"x"]', { a: [1, 'x'] }],
    ['a={broken', { a: '{broken' }],
    ['a.b.c=1', { a: { b: { c: 1 } } }],
    ['source=.', { source: '.' }],
  ])('reads %s', async (assignment, expected) => {
    expect(await readInput({ set: [assignment] })).toEqual(expected)
  })

  it('goes on top of --input, and leaves the rest of it', async () => {
    expect(await readInput({ input: '{"a":{"b":1,"c":2},"d":3}', set: ['a.b=9'] })).toEqual({ a: { b: 9, c: 2 }, d: 3 })
  })

  it('makes an ordinary property of __proto__', async () => {
    const input = (await readInput({ set: ['__proto__.polluted=1'] })) as object
    expect(Object.keys(input)).toEqual(['__proto__'])
    expect({}).not.toHaveProperty('polluted')
  })

  it('refuses values and paths that are nested too deeply', async () => {
    const lists = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    const refusal = 'is nested more than 200 levels deep.'
    for (const levels of [201, 10_000, 60_000]) {
      await expect(readInput({ set: [`a=${lists(levels)}`] })).rejects.toThrow(`The value ${refusal}`)
      await expect(readInput({ input: lists(levels) })).rejects.toThrow(`--input ${refusal}`)
      await expect(readInput({ set: [`${'a.'.repeat(levels)}a=1`] })).rejects.toThrow(`A path in --set ${refusal}`)
    }
    expect(await readInput({ input: lists(200) })).toEqual(JSON.parse(lists(200)))
  })

  it('refuses what has no name, and an input that is no object', async () => {
    await expect(readInput({ set: ['=1'] })).rejects.toThrow('--set takes name=value, not "=1".')
    await expect(readInput({ input: '[]', set: ['a=1'] })).rejects.toThrow('JSON object')
  })
})

describe('an input', () => {
  it('is left out when nothing is given', async () => {
    expect(await readInput({})).toBeUndefined()
  })

  it('is refused when it is not JSON, or given twice', async () => {
    await expect(readInput({ input: '{a:1}' })).rejects.toThrow('--input is not JSON')
    await expect(readInput({ inputFile: '/nowhere/x.json' })).rejects.toThrow("The file /nowhere/x.json can't be read")
    await expect(readInput({ input: '{}', inputFile: '-' })).rejects.toThrow('not both')
  })
})

describe('a moment', () => {
  const now = Date.UTC(2026, 0, 1)
  it.each([
    ['30s', '2026-01-01T00:00:30.000Z'],
    ['+10m', '2026-01-01T00:10:00.000Z'],
    ['2h', '2026-01-01T02:00:00.000Z'],
    ['1d', '2026-01-02T00:00:00.000Z'],
    ['2026-11-24T18:00:00+01:00', '2026-11-24T17:00:00.000Z'],
  ])('is read from %s', (text, expected) => {
    expect(readMoment(text, now)).toBe(expected)
  })

  it.each([
    'soon',
    '10',
    '24.11.2026',
    '2026-02-30T10:00:00Z',
    '2025-02-29',
    '2026-11-31T10:00',
    '0000-06-01',
    '10000-01-01',
    '2026-00-10',
    '2026-1-1',
  ])('is not read from %s', (text) => {
    expect(() => readMoment(text, now)).toThrow('is not a moment')
  })
})

it('labels are texts, whatever they look like', () => {
  expect(readLabels(['a=1', 'b=x=y'])).toEqual({ a: '1', b: 'x=y' })
  expect(readLabels(undefined)).toBeUndefined()
})

it('the fields of an input are read from its JSON Schema', () => {
  const schema = {
    properties: {
      source: { type: 'string', description: 'Where.' },
      steps: { type: 'integer', default: 3 },
      mode: { enum: ['a', 'b'] },
      either: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    },
    required: ['source', 'steps'],
  }
  expect(inputFields(schema).map(({ name, type, isRequired }) => [name, type, isRequired])).toEqual([
    ['source', 'string', true],
    ['steps', 'integer', false],
    ['mode', '"a" | "b"', false],
    ['either', 'string | null', false],
  ])
})
