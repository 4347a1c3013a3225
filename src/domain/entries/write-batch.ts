import { isDeepStrictEqual } from 'node:util'
import type { By } from '#platform/journal/entry.ts'
import type {
  Entry,
  EntryChange,
  EntryCheck,
  EntryContent,
  EntryOutcome,
  EntryRequest,
  EntryWrite,
  EntryWritten,
} from './entry.ts'
import { EntryNotFound, EntryNotNumber, EntryOutOfBounds, EntryVersionConflict } from './errors.ts'

/** The state of a key before a commit. */
export interface KeyState {
  readonly key: string
  /** Undefined when there is no such entry. */
  readonly entry: Entry | undefined
  /** The last version of the key; 0 when it never had one. */
  readonly version: number
}

export const bySystem: By = { actor: { kind: 'system', id: 'system', name: 'system' } }

/**
 * Decides requests one after the other on the entries of an account, as if each were a commit of its own. Holds all
 * entries that the requests concern, and the changes.
 */
export class WriteBatch {
  readonly changes: EntryChange[] = []
  readonly #keyStates: Map<string, KeyState>
  readonly #now: Date
  #revision: number

  constructor(keyStates: readonly KeyState[], revision: number, now: Date) {
    this.#keyStates = new Map(keyStates.map((one) => [one.key, one]))
    this.#revision = revision
    this.#now = now
    // What is over is gone before anything else happens.
    for (const { key, entry } of keyStates)
      if (entry?.expiresAt != null && entry.expiresAt <= now) this.#take([this.#end(key, 'EXPIRED', bySystem)])
  }

  get revision(): number {
    return this.#revision
  }

  /** @throws {AppError} that says why, with nothing changed. */
  decide({ by, checks, writes, otherwise }: EntryRequest): EntryOutcome {
    const failedChecks = checks.flatMap((check, index) => {
      const entry = this.#entry(check.key)
      return holds(check, entry) ? [] : [{ index, key: check.key, entry }]
    })
    const succeeded = failedChecks.length === 0
    const changes = (succeeded ? writes : otherwise).map((write) => this.#plan(write, by))
    const written = this.#take(changes)
    return { succeeded, revision: this.#revision, written, failedChecks }
  }

  /** The entries as they are after all that was decided, of keys that were changed; undefined where it is gone. */
  changed(): Map<string, Entry | undefined> {
    return new Map(this.changes.map(({ key }) => [key, this.#entry(key)]))
  }

  #entry(key: string): Entry | undefined {
    return this.#keyStates.get(key)?.entry
  }

  #plan(write: EntryWrite, by: By): EntryChange {
    const entry = this.#entry(write.key)
    const { key, ifVersion } = write
    if (ifVersion !== undefined && ifVersion !== (entry?.version ?? 0))
      throw new EntryVersionConflict(key, ifVersion, entry)
    if (write.kind === 'delete') {
      if (entry === undefined) throw new EntryNotFound(key)
      return this.#end(key, 'DELETED', by)
    }
    if (write.kind === 'increment') return this.#setting(key, this.#sum(write, entry), by)
    if (write.ifExists === true && entry === undefined) throw new EntryNotFound(key)
    const { value, text, sizeBytes, ttlMs } = write
    return this.#setting(key, { value, text, sizeBytes, expiresAt: this.#after(ttlMs) }, by)
  }

  #sum(write: EntryWrite & { kind: 'increment' }, entry: Entry | undefined): Omit<EntryContent, 'createdAt'> {
    const { key, by, min, max, initial, ttlMs } = write
    const current = entry === undefined ? initial : entry.value
    if (typeof current !== 'number' || !Number.isSafeInteger(current)) throw new EntryNotNumber(key)
    const value = current + by
    if (value < min || value > max || !Number.isSafeInteger(value))
      throw new EntryOutOfBounds(key, current, by, { min, max })
    const text = JSON.stringify(value)
    const expiresAt = entry === undefined ? this.#after(ttlMs) : entry.expiresAt
    return { value, text, sizeBytes: text.length, expiresAt }
  }

  #after(ttlMs: number | undefined): Date | null {
    return ttlMs === undefined ? null : new Date(this.#now.getTime() + ttlMs)
  }

  #setting(key: string, content: Omit<EntryContent, 'createdAt'>, by: By): EntryChange {
    const entry = this.#entry(key)
    const createdAt = entry?.createdAt ?? this.#now
    return { ...this.#next(key, by), kind: 'SET', content: { ...content, createdAt }, isNew: entry === undefined }
  }

  #end(key: string, kind: 'DELETED' | 'EXPIRED', by: By): EntryChange {
    return { ...this.#next(key, by), kind, isNew: false }
  }

  #next(key: string, by: By) {
    const version = (this.#keyStates.get(key)?.version ?? 0) + 1
    return { key, version, revision: this.#revision + 1, by, at: this.#now }
  }

  /** Lets changes of one revision come about. */
  #take(changes: readonly EntryChange[]): EntryWritten[] {
    if (changes.length > 0) this.#revision += 1
    this.changes.push(...changes)
    return changes.map((change) => {
      const entry = entryAfter(change)
      const { key, version } = change
      this.#keyStates.set(key, { key, entry, version })
      return { key, version, ...(entry && { entry }) }
    })
  }
}

function entryAfter({ key, version, revision, content, by, at }: EntryChange): Entry | undefined {
  if (content === undefined) return undefined
  const { value, sizeBytes, createdAt, expiresAt } = content
  return { key, value, version, revision, sizeBytes, createdAt, updatedAt: at, updatedBy: by.actor, expiresAt }
}

function holds({ version, exists, value }: EntryCheck, entry: Entry | undefined): boolean {
  if (version !== undefined && version !== (entry?.version ?? 0)) return false
  if (exists !== undefined && exists !== (entry !== undefined)) return false
  return value === undefined || (entry !== undefined && isDeepStrictEqual(plain(entry.value), plain(value.is)))
}

/** Without the prototypes in which parsers differ. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
