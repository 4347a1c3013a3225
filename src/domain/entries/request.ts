import type { Fence } from '#domain/locks/service.ts'
import { type InputIssue, invalidInput } from '#lib/errors.ts'
import { faultPath, type JsonFault, jsonFault } from '#lib/json-rule.ts'
import { keyFault } from '#lib/key-rule.ts'
import { type EntryCheck, type EntryWrite, valueBytes } from './entry.ts'

/** Most checks, and most writes of each kind, in one request. */
const maxAtOnce = 128
const maxTtlMs = 10 * 365 * 24 * 60 * 60 * 1000
const largest = Number.MAX_SAFE_INTEGER

/** What is to be kept under a key. */
export interface Setting {
  readonly key: string
  readonly value: unknown
  readonly ifVersion?: number | undefined
  readonly ifExists?: boolean | undefined
  readonly ttlMs?: number | undefined
}

export interface Deleting {
  readonly key: string
  readonly ifVersion?: number | undefined
}

/** What is to be added to a number. */
export interface Incrementing {
  readonly key: string
  readonly by?: number | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly initial?: number | undefined
  readonly ifVersion?: number | undefined
  readonly ttlMs?: number | undefined
}

/** One write of several: exactly one of these. */
export interface Writing {
  readonly set?: Setting | undefined
  readonly delete?: Deleting | undefined
  readonly increment?: Incrementing | undefined
}

/** What must be so; at least one of the three. */
export interface Checking {
  readonly key: string
  readonly version?: number | undefined
  readonly exists?: boolean | undefined
  readonly value?: { readonly is: unknown } | undefined
}

/** Collects everything that is wrong with a request, each with its path. */
export class Findings {
  readonly #issues: InputIssue[] = []

  /** Notes a fault, if there is one. */
  note(path: string, message: string | undefined): void {
    if (message !== undefined) this.#issues.push({ path, message })
  }

  /** Notes what is wrong with a value that stands there. */
  noteValue(path: string, fault: JsonFault | undefined): void {
    if (fault !== undefined) this.note(faultPath(path, fault), fault.message)
  }

  whole(path: string, value: number | undefined, min: number, max: number): void {
    if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return
    this.note(path, `must be a whole number from ${min} to ${max}`)
  }

  /** @throws {InvalidInput} when something was noted. */
  refuse(what: string): void {
    if (this.#issues.length === 0) return
    throw invalidInput(what, this.#issues)
  }
}

export function planSet({ key, value, ifVersion, ifExists, ttlMs }: Setting, at: Findings, root = ''): EntryWrite {
  noteCommon({ key, ifVersion, ttlMs }, at, root)
  const fault = jsonFault(value)
  at.noteValue(`${root}value`, fault)
  const text = fault === undefined ? JSON.stringify(value) : ''
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > valueBytes) at.note(`${root}value`, `has ${sizeBytes} bytes; at most ${valueBytes} are kept`)
  return { kind: 'set', key, value, text, sizeBytes, ifVersion, ifExists, ttlMs }
}

export function planDelete({ key, ifVersion }: Deleting, at: Findings, root = ''): EntryWrite {
  noteCommon({ key, ifVersion }, at, root)
  return { kind: 'delete', key, ifVersion }
}

export function planIncrement(asked: Incrementing, at: Findings, root = ''): EntryWrite {
  const { key, by = 1, min = -largest, max = largest, initial = 0, ifVersion, ttlMs } = asked
  noteCommon(asked, at, root)
  for (const [name, value] of Object.entries({ by, min, max, initial }))
    at.whole(`${root}${name}`, value, -largest, largest)
  if (min > max) at.note(`${root}min`, 'is more than max')
  return { kind: 'increment', key, by, min, max, initial, ifVersion, ttlMs }
}

/** @returns nothing that may be written while {@link Findings} has something. */
export function planWrites(writes: readonly Writing[], at: Findings, root: string): EntryWrite[] {
  if (writes.length > maxAtOnce) {
    at.note(root, `has ${writes.length} writes; at most ${maxAtOnce} are done at once`)
    return []
  }
  const planned = writes.flatMap((write, index) => planWrite(write, at, `${root}.${index}.`))
  const keys = planned.map(({ key }) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined) at.note(root, `writes "${twice}" twice`)
  return planned
}

function planWrite({ set, delete: deleting, increment }: Writing, at: Findings, root: string): EntryWrite[] {
  if (set !== undefined) return [planSet(set, at, `${root}set.`)]
  if (deleting !== undefined) return [planDelete(deleting, at, `${root}delete.`)]
  if (increment !== undefined) return [planIncrement(increment, at, `${root}increment.`)]
  at.note(root.slice(0, -1), 'must say what to do')
  return []
}

export function planChecks(checks: readonly Checking[], at: Findings): EntryCheck[] {
  if (checks.length > maxAtOnce) {
    at.note('checks', `has ${checks.length} checks; at most ${maxAtOnce} are allowed at once`)
    return []
  }
  checks.forEach(({ key, version, exists, value }, index) => {
    const root = `checks.${index}`
    at.note(`${root}.key`, keyFault(key))
    at.whole(`${root}.version`, version, 0, 2 ** 31 - 1)
    if (value !== undefined) at.noteValue(`${root}.value`, jsonFault(value.is))
    if (version === undefined && exists === undefined && value === undefined)
      at.note(root, 'must say what is to be so: version, exists or value')
  })
  return [...checks]
}

export function noteFence(fence: Fence | undefined, at: Findings): void {
  if (fence === undefined) return
  at.note('fence.lock', keyFault(fence.lock))
  at.whole('fence.fence', fence.fence, 1, largest)
}

function noteCommon(
  { key, ifVersion, ttlMs }: { key: string; ifVersion?: number | undefined; ttlMs?: number | undefined },
  at: Findings,
  root: string,
): void {
  at.note(`${root}key`, keyFault(key))
  at.whole(`${root}ifVersion`, ifVersion, 0, 2 ** 31 - 1)
  at.whole(`${root}ttlMs`, ttlMs, 1, maxTtlMs)
}
