import type { Caller } from '#domain/access/service.ts'
import { invalidInput, invalidValue } from '#lib/errors.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { keyFault } from '#lib/key-rule.ts'
import { bounds, maxAnyOf, maxReasonLength } from './lock.ts'

/** Checks the right to change a lock, and its name. @throws {Forbidden} @throws {InvalidInput} */
export function mustBeName(caller: Caller, name: string): void {
  caller.must('entries:write', name)
  checkName(name)
}

/** @throws {InvalidInput} */
export function checkName(name: string): void {
  const message = keyFault(name)
  if (message !== undefined) throw invalidValue("The lock's name", 'name', message)
}

/** @throws {InvalidInput} for a time that a lock can't have */
export function checkBounds(asked: Partial<Record<keyof typeof bounds, number>>): void {
  const issues = (['ttlMs', 'waitMs'] as const).flatMap((path) => {
    const value = asked[path]
    const { min, max } = bounds[path]
    if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return []
    return [{ path, message: `must be a whole number from ${min} to ${max}` }]
  })
  if (issues.length === 0) return
  throw invalidInput('The lock', issues)
}

/** @throws {InvalidInput} for a reason that can't be kept */
export function checkReason(reason: string | null | undefined): void {
  if (reason === null || reason === undefined) return
  if (reason.length > maxReasonLength)
    throw invalidValue('The reason', 'reason', `may have at most ${maxReasonLength} characters`)
  if (!isStorable(reason)) throw invalidValue('The reason', 'reason', unstorable)
}

/** The locks of which one is asked for: by its name, or any of several. @throws {InvalidInput} */
export function namesOf({
  name,
  anyOf,
}: {
  name?: string | null | undefined
  anyOf?: readonly string[] | null | undefined
}): readonly string[] {
  const names = anyOf ?? (name === undefined || name === null ? [] : [name])
  if (names.length === 0 || (typeof name === 'string' && anyOf !== null && anyOf !== undefined))
    throw invalidValue('The lock', 'name', 'needs either name or anyOf')
  if (names.length > maxAnyOf) throw invalidValue('The lock', 'anyOf', `may have at most ${maxAnyOf} names`)
  return [...new Set(names)]
}
