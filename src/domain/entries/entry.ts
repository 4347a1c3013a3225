import type { Fence } from '#domain/locks/service.ts'
import type { Actor, By } from '#platform/journal/entry.ts'

/** The largest value, in bytes of JSON. */
export const valueBytes = 256 * 1024
/** The largest value that the journal carries itself, in bytes of JSON; larger ones are read from their version. */
export const toldBytes = 4 * 1024

/** A key-value pair as it is now. */
export interface Entry {
  readonly key: string
  readonly value: unknown
  readonly version: number
  readonly revision: number
  readonly sizeBytes: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly updatedBy: Actor
  readonly expiresAt: Date | null
}

export const entryChangeKinds = ['SET', 'DELETED', 'EXPIRED'] as const
export type EntryChangeKind = (typeof entryChangeKinds)[number]

/** What an entry was, or that it was gone. */
export interface EntryVersion {
  readonly key: string
  readonly version: number
  readonly revision: number
  readonly kind: EntryChangeKind
  readonly value: unknown
  readonly at: Date
  readonly by: Actor
}

/** A change that an account's entries are about to make, or have made. */
export interface EntryChange {
  readonly key: string
  readonly version: number
  readonly revision: number
  readonly kind: EntryChangeKind
  /** Of SET: what is kept. */
  readonly content?: EntryContent
  readonly by: By
  readonly at: Date
  /** Whether there was no such entry before. */
  readonly isNew: boolean
}

export interface EntryContent {
  readonly value: unknown
  /** The value as JSON. */
  readonly text: string
  readonly sizeBytes: number
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

/** Something to be done with one entry. */
export type EntryWrite = {
  readonly key: string
  /** The version that the entry must have; 0: it must not exist. */
  readonly ifVersion?: number | undefined
} & (
  | {
      readonly kind: 'set'
      readonly value: unknown
      readonly text: string
      readonly sizeBytes: number
      readonly ttlMs?: number | undefined
      /** It must be there already. */
      readonly ifExists?: boolean | undefined
    }
  | { readonly kind: 'delete' }
  | {
      readonly kind: 'increment'
      readonly by: number
      readonly min: number
      readonly max: number
      readonly initial: number
      /** Of an entry that this makes. */
      readonly ttlMs?: number | undefined
    }
)

/** What must be so before something is written; all that is given. */
export interface EntryCheck {
  readonly key: string
  readonly version?: number | undefined
  readonly exists?: boolean | undefined
  /** Equal as JSON, whatever the order of names. */
  readonly value?: { readonly is: unknown } | undefined
}

/** What is asked for in one commit: if all checks hold, the writes, else the others. */
export interface EntryRequest {
  readonly accountId: string
  readonly by: By
  readonly fence?: Fence | undefined
  readonly checks: readonly EntryCheck[]
  readonly writes: readonly EntryWrite[]
  readonly otherwise: readonly EntryWrite[]
  /** Keys of which nothing is asked but that they are swept if their time is over. */
  readonly sweep?: readonly string[]
}

/** The outcome of one write; `entry` is absent when it was deleted. */
export interface EntryWritten {
  readonly key: string
  readonly version: number
  readonly entry?: Entry
}

/** A check that did not hold, and what is there in fact. */
export interface FailedCheck {
  readonly index: number
  readonly key: string
  readonly entry: Entry | undefined
}

export interface EntryOutcome {
  /** Whether all checks held. */
  readonly succeeded: boolean
  /** The account's, after what was done. */
  readonly revision: number
  readonly written: readonly EntryWritten[]
  readonly failedChecks: readonly FailedCheck[]
}
