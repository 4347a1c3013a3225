import { AppError } from '#lib/errors.ts'
import type { Actor } from '#platform/journal/entry.ts'

export class EntryNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  readonly key: string
  constructor(key: string) {
    super(`There is no entry "${key}".`)
    this.key = key
  }
}

/** The entry has another version than the writer knows. */
export class EntryVersionConflict extends AppError {
  readonly code = 'VERSION_CONFLICT'
  readonly key: string
  /** 0: there is no such entry. */
  readonly currentVersion: number
  readonly updatedBy: Actor | undefined
  constructor(key: string, ifVersion: number, current: { version: number; updatedBy: Actor } | undefined) {
    super(`The entry "${key}" ${conflictOf(ifVersion, current)}.`)
    this.key = key
    this.currentVersion = current?.version ?? 0
    this.updatedBy = current?.updatedBy
  }
}

function conflictOf(ifVersion: number, current: { version: number; updatedBy: Actor } | undefined): string {
  if (current === undefined) return `does not exist; version ${ifVersion} was expected`
  const { version, updatedBy } = current
  if (ifVersion === 0) return `already exists (version ${version}, written by ${updatedBy.name})`
  return `has version ${version}, by ${updatedBy.name}; version ${ifVersion} was expected`
}

/** Only a whole number can be counted up or down. */
export class EntryNotNumber extends AppError {
  readonly code = 'NOT_A_NUMBER'
  readonly key: string
  constructor(key: string) {
    super(`The entry "${key}" is not a whole number from −(2^53 − 1) to 2^53 − 1, so nothing can be added to it.`)
    this.key = key
  }
}

/** The sum would pass a bound; nothing was changed. */
export class EntryOutOfBounds extends AppError {
  readonly code = 'OUT_OF_BOUNDS'
  readonly key: string
  readonly current: number
  constructor(key: string, current: number, by: number, bounds: { min: number; max: number }) {
    super(`The entry "${key}" is ${current}; adding ${by} would exceed the range from ${bounds.min} to ${bounds.max}.`)
    this.key = key
    this.current = current
  }
}
