import type { Caller } from '#domain/access/service.ts'
import { invalidInput, invalidValue } from '#lib/errors.ts'
import { keyFault } from '#lib/key-rule.ts'
import { bounds } from './lock.ts'

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
