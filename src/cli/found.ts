import { SignalboxError } from '#client/index.ts'

/** What a look-up has found. @throws {SignalboxError} NOT_FOUND when that is nothing. */
export function found<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined)
    throw new SignalboxError(`There is no ${what} in this account.`, { code: 'NOT_FOUND' })
  return value
}
