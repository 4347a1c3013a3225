import type { Caller } from '#domain/access/service.ts'
import { endable } from '#lib/endable.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { JournalItem, JournalStream } from '#platform/journal/journal.ts'
import type { EnvironmentDeps } from './deps.ts'
import { type Environment, environmentOfLock } from './environment.ts'
import type { EnvironmentReads } from './environment-reads.ts'
import { environmentOfSubject } from './events.ts'

type UpdateKind =
  | ('CREATED' | 'UPDATED' | 'DELETED' | 'ASSIGNED')
  | ('ACQUIRED' | 'EXTENDED' | 'RELEASED' | 'EXPIRED' | 'FORCED' | 'LAGGED')

/** One update that a subscriber receives about an account's environments. */
export interface EnvironmentUpdate {
  readonly kind: UpdateKind
  /** Where a later stream goes on. */
  readonly cursor: string
  readonly at: Date
  readonly id?: string
  readonly actor?: Actor
  /** As it is when the update is sent; undefined once it is deleted. */
  readonly environment?: Environment | undefined
  /** LAGGED: how many updates were dropped. */
  readonly skipped?: number | undefined
}

const kinds: Readonly<Record<string, EnvironmentUpdate['kind']>> = {
  'salesforce.environment_created': 'CREATED',
  'salesforce.environment_updated': 'UPDATED',
  'salesforce.environment_deleted': 'DELETED',
  'salesforce.environment_assigned': 'ASSIGNED',
  'lock.acquired': 'ACQUIRED',
  'lock.renewed': 'EXTENDED',
  'lock.released': 'RELEASED',
  'lock.expired': 'EXPIRED',
  'lock.forced': 'FORCED',
}

/** The change feed of environments. */
export function createEnvironmentChanges({ journal }: EnvironmentDeps, { find }: EnvironmentReads) {
  /** Each change once, from now on or after a cursor. @throws {InvalidCursor} @throws {CursorExpired} */
  async function changes(caller: Caller, after: string | undefined): Promise<AsyncGenerator<EnvironmentUpdate>> {
    caller.must('salesforce:use')
    const stream = await journal.open({ accountId: caller.accountId, types: Object.keys(kinds) }, { after })
    return endable(tell(caller, stream), () => stream.close())
  }

  async function* tell(caller: Caller, stream: JournalStream<never>): AsyncGenerator<EnvironmentUpdate> {
    try {
      for await (const item of stream) {
        const update = await toUpdate(caller, item)
        if (update !== undefined) yield update
      }
    } finally {
      stream.close()
    }
  }

  async function toUpdate(caller: Caller, item: JournalItem<never>): Promise<EnvironmentUpdate | undefined> {
    if (item.kind === 'lagged') return { kind: 'LAGGED', cursor: item.cursor, at: new Date(), skipped: item.skipped }
    if (item.kind === 'passing') return undefined
    const { entry, cursor } = item
    const kind = kinds[entry.type]
    const id = environmentOfSubject(entry.subject) ?? environmentOfLock(String(entry.data['name']))
    if (kind === undefined || id === undefined) return undefined
    return { kind, cursor, at: entry.at, id, actor: entry.actor, environment: await find(caller, id) }
  }

  return { changes }
}
