import { endable } from '#lib/endable.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { Journal, JournalItem, JournalStream } from '#platform/journal/journal.ts'
import type { Entry } from './entry.ts'
import { type EntryEventData, kindOfEvent } from './events.ts'
import type { Stretch } from './store.ts'

export const entryUpdateKinds = ['STATE', 'SYNCED', 'SET', 'DELETED', 'EXPIRED', 'LAGGED'] as const

/** One update that a subscriber receives about an account's entries. */
export interface EntryUpdate {
  readonly kind: (typeof entryUpdateKinds)[number]
  /** Where a later stream goes on; undefined while what is has not been told entirely. */
  readonly cursor: string | undefined
  readonly at: Date
  readonly key?: string | undefined
  readonly version?: number | undefined
  readonly revision?: number | undefined
  /** Undefined: there is none, or it is not known any more. */
  readonly value?: { readonly is: unknown } | undefined
  readonly expiresAt?: Date | undefined
  readonly actor?: Actor | undefined
  /** LAGGED: how many changes were dropped. */
  readonly skipped?: number | undefined
}

export interface ChangesDeps {
  readonly journal: Journal
  /** Entries behind a key, as they are when it is asked. */
  readonly readStretch: (after: string) => Promise<Stretch>
  /** The value of a version that the journal does not carry. */
  readonly findValue: (key: string, version: number) => Promise<{ value: unknown } | undefined>
  /** Whether the reader receives updates of this key. */
  readonly isTold: (key: string) => boolean
}

/**
 * First the existing entries in key order, then SYNCED, then each change once; after a cursor, only changes. The snapshot
 * is read in chunks while it is sent, so that a slow reader holds nothing up; a change that a chunk already contains is
 * not sent again. @throws {InvalidCursor} @throws {CursorExpired}
 */
export async function followEntries(
  deps: ChangesDeps,
  accountId: string,
  after: string | undefined,
): Promise<AsyncGenerator<EntryUpdate>> {
  const stream = await deps.journal.open({ accountId, types: ['entry.*'] }, { after })
  return endable(tell(deps, stream, after === undefined), () => stream.close())
}

async function* tell(deps: ChangesDeps, stream: JournalStream<never>, isNew: boolean): AsyncGenerator<EntryUpdate> {
  try {
    const shown = new Shown()
    if (isNew) yield* tellState(deps, stream, shown)
    for await (const item of stream) {
      const update = await toUpdate(deps, item, shown)
      if (update !== undefined) yield update
    }
  } finally {
    stream.close()
  }
}

async function* tellState(deps: ChangesDeps, stream: JournalStream<never>, shown: Shown): AsyncGenerator<EntryUpdate> {
  for (let after = ''; ; ) {
    const { entries, revision, upTo } = await deps.readStretch(after)
    if (after === '') stream.skipTo(upTo)
    for (const entry of entries) if (deps.isTold(entry.key)) yield stateOf(entry)
    const last = entries.at(-1)?.key
    shown.add(last, revision)
    if (last === undefined) break
    after = last
  }
  yield { kind: 'SYNCED', cursor: stream.cursor, at: new Date() }
}

/** Up to which revision each stretch of keys was shown. */
class Shown {
  readonly #stretches: { readonly upTo: string | undefined; readonly revision: number }[] = []

  /** The next stretch, up to and with this key; without one, up to the end. */
  add(upTo: string | undefined, revision: number): void {
    this.#stretches.push({ upTo, revision })
  }

  has({ key, revision }: EntryEventData): boolean {
    if (this.#stretches.length === 0) return false
    const place = Buffer.from(key)
    // The order of bytes, as the database has it.
    const isBehind = (upTo: string | undefined) => upTo !== undefined && Buffer.compare(place, Buffer.from(upTo)) > 0
    let [low, high] = [0, this.#stretches.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBehind(this.#stretches[middle]?.upTo)) low = middle + 1
      else high = middle
    }
    return revision <= (this.#stretches[low]?.revision ?? 0)
  }
}

function stateOf({ key, version, revision, value, updatedAt, updatedBy, expiresAt }: Entry): EntryUpdate {
  const known = { key, version, revision, value: { is: value }, actor: updatedBy, expiresAt: expiresAt ?? undefined }
  return { kind: 'STATE', cursor: undefined, at: updatedAt, ...known }
}

async function toUpdate(deps: ChangesDeps, item: JournalItem<never>, shown: Shown): Promise<EntryUpdate | undefined> {
  if (item.kind === 'lagged') return { kind: 'LAGGED', cursor: item.cursor, at: new Date(), skipped: item.skipped }
  if (item.kind === 'passing') return undefined
  const { entry, cursor } = item
  const kind = kindOfEvent(entry.type)
  const data = entry.data as unknown as EntryEventData
  if (kind === undefined || !deps.isTold(data.key) || shown.has(data)) return undefined
  const { key, version, revision, expiresAt } = data
  const value = kind === 'SET' ? await valueIn(deps, entry) : undefined
  const known = { key, version, revision, value, actor: entry.actor }
  return { kind, cursor, at: entry.at, ...known, ...(expiresAt && { expiresAt: new Date(expiresAt) }) }
}

async function valueIn({ findValue }: ChangesDeps, { data }: JournalEntry): Promise<{ is: unknown } | undefined> {
  const { key, version, value } = data as unknown as EntryEventData
  if (value !== undefined) return { is: value }
  const found = await findValue(key, version)
  return found && { is: found.value }
}
