import { isDeepStrictEqual } from 'node:util'
import jsonPatch, { type Operation } from 'fast-json-patch'
import { z } from 'zod'
import { invalidInput } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'
import { PatchFailed } from './errors.ts'
import { checkPatched, checkValue, documentBytes, type Value } from './value.ts'

/** Computes a document's new value from its current one. @throws {PatchFailed} @throws {InvalidInput} */
export type ApplyPatch = (data: unknown) => Value

const maxOperations = 1_000
const pointer = z.string().regex(/^(\/([^~]|~[01])*)?$/, 'is not a JSON Pointer, such as /a/0')
const value = z.unknown().refine((given) => given !== undefined, 'is missing')
const operation = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path: pointer, value }),
  z.object({ op: z.literal('remove'), path: pointer }),
  z.object({ op: z.enum(['move', 'copy']), path: pointer, from: pointer }),
])
type PatchOperation = z.output<typeof operation>

/**
 * Reads a JSON Merge Patch (RFC 7396).
 * @throws {InvalidInput} when it is larger or deeper than a document may be.
 */
export function mergePatch(patch: unknown): ApplyPatch {
  checkValue(patch, 'mergePatch')
  return (data) => checkPatched(merge(data, patch), 'mergePatch')
}

/** RFC 7396 §2. Names such as `__proto__` are members like others here: what is built by entries has no setters. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const members = new Map(isRecord(target) ? Object.entries(target) : [])
  for (const [name, inner] of Object.entries(patch)) {
    if (inner === null) members.delete(name)
    else members.set(name, merge(members.get(name), inner))
  }
  return Object.fromEntries(members)
}

/**
 * Reads a JSON Patch (RFC 6902) of at most 1,000 operations.
 * @throws {InvalidInput} when it is none, or reaches for `__proto__`, which a patch can't change.
 */
export function jsonPatchOf(patch: unknown): ApplyPatch {
  checkValue(patch, 'jsonPatch')
  const operations = parsed(patch)
  return (data) => checkPatched(apply(data, operations), 'jsonPatch')
}

function parsed(patch: unknown): PatchOperation[] {
  if (!Array.isArray(patch)) refuse('', 'must be a list of operations')
  if (patch.length > maxOperations) refuse('', `has more than ${maxOperations} operations`)
  return patch.map((one, index) => {
    const { data, error } = operation.safeParse(one)
    if (data === undefined) {
      const issue = error.issues[0]
      refuse(`.${[index, ...(issue?.path ?? [])].join('.')}`, issue?.message ?? 'is not an operation')
    }
    const names = [data.path, ...('from' in data ? [data.from] : [])].flatMap((text) => text.split('/'))
    if (names.includes('__proto__')) refuse(`.${index}`, 'reaches for __proto__, which a patch can’t change')
    return data
  })
}

function refuse(at: string, message: string): never {
  throw invalidInput('The write', [{ path: `jsonPatch${at}`, message }])
}

function apply(data: unknown, operations: readonly PatchOperation[]): unknown {
  let state = bare(data)
  let bytesToCopy = documentBytes
  for (const [index, each] of operations.entries()) {
    if (each.op === 'copy') bytesToCopy -= Buffer.byteLength(JSON.stringify(at(state, each.from)) ?? '')
    if (bytesToCopy < 0) refuse(`.${index}`, `copies more than the ${documentBytes} bytes that a document may take`)
    try {
      for (const step of stepsOf(each, state)) state = applyStep(state, step)
    } catch (error) {
      throw new PatchFailed(index, each.op, each.path, { cause: error })
    }
  }
  return state
}

/**
 * The library compares only objects with the usual prototype, and checks a `move` or `copy` against the whole document:
 * those are composed of its other operations here, as RFC 6902 §4.4 and §4.5 define them.
 */
function stepsOf(operation: PatchOperation, state: unknown): readonly Operation[] {
  if (operation.op === 'test') {
    if (isDeepStrictEqual(at(state, operation.path), bare(operation.value))) return []
    throw new Error('The value is different.')
  }
  if (operation.op !== 'move' && operation.op !== 'copy') return [bare(operation) as Operation]
  const { op, from, path } = operation
  const value = at(state, from)
  if (value === undefined) throw new Error(`There is nothing at ${from}.`)
  if (op === 'copy') return [{ op: 'add', path, value: bare(value) }]
  if (path.startsWith(`${from}/`)) throw new Error('A value cannot be moved into itself.')
  return [
    { op: 'remove', path: from },
    { op: 'add', path, value },
  ]
}

function applyStep(state: unknown, step: Operation): unknown {
  const parent = step.path.slice(0, Math.max(0, step.path.lastIndexOf('/')))
  const container = at(state, parent)
  if (step.path !== '' && (typeof container !== 'object' || container === null))
    throw new Error(`There is no object or list at ${parent === '' ? 'the root' : parent}.`)
  if (Array.isArray(container) && !/\/(-|0|[1-9]\d*)$/.test(step.path))
    throw new Error('The elements of a list are named by numbers.')
  return jsonPatch.applyOperation(state, step, true).newDocument
}

/** What a pointer stands for; undefined when there is nothing. */
function at(state: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((parent, token) => {
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
      if (Array.isArray(parent)) return /^(0|[1-9]\d*)$/.test(name) ? parent[Number(name)] : undefined
      return isRecord(parent) && Object.hasOwn(parent, name) ? parent[name] : undefined
    }, state)
}

/** A copy whose objects have nothing but their own members, so that no name reaches what objects inherit. */
function bare(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_name, inner) =>
    isRecord(inner) ? Object.setPrototypeOf(inner, null) : inner,
  )
}

/** The JSON Patch that makes one value of the other; the empty one when they are equal. */
export function difference(from: unknown, to: unknown): readonly Operation[] {
  const isSameKind = typeof from === 'object' && typeof to === 'object' && from !== null && to !== null
  if (isSameKind && Array.isArray(from) === Array.isArray(to))
    return jsonPatch.compare(bare(from) as object, bare(to) as object)
  return from === to ? [] : [{ op: 'replace', path: '', value: to }]
}
