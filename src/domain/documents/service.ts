import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { createCollectionService } from './collection-service.ts'
import { createDocumentCommands } from './document-commands.ts'
import { createDocumentReads } from './document-reads.ts'
import { readDue } from './store/retention.ts'
import { type Change, system } from './write.ts'
import { createDocumentWriter, type DocumentWriterDeps } from './writer.ts'

export interface DocumentServiceDeps extends DocumentWriterDeps {
  readonly sql: Sql
  readonly quotas: Pick<QuotaService, 'hold'>
}

/** Everything that can be done with documents; the only way in for callers. */
export type DocumentService = ReturnType<typeof createDocumentService>

const expiredAtOnce = 200
const expiry: Change = { kind: 'delete', reason: 'expired' }

export function createDocumentService({ sql, transact, quotas, locks, schemas }: DocumentServiceDeps) {
  const writer = createDocumentWriter({ transact, locks, schemas })
  const collections = createCollectionService({ sql, transact, schemas })

  /** Deletes documents whose time has come; to be called a few times a second, by any number of processes. */
  async function expire(): Promise<void> {
    for (let due = await readDue(sql, expiredAtOnce); due.length > 0; due = await readDue(sql, expiredAtOnce)) {
      // A second process finds the document deleted already, and leaves it so.
      await writer.writeGroup(due.map((name) => ({ ...name, by: system, change: expiry, expectedVersion: undefined })))
      if (due.length < expiredAtOnce) return
    }
  }

  /** Whether the caller may see an entry of the journal; true for entries that are not about documents. */
  function mayHear(caller: Caller, { subject }: Pick<JournalEntry, 'subject'>): boolean {
    const [kind = ''] = subject.split(':', 1)
    const name = subject.slice(kind.length + 1)
    if (kind === 'document') return caller.can('documents:read', name)
    return kind !== 'collection' || (caller.can('documents:read') && collections.isVisible(caller, name))
  }

  return {
    ...createDocumentCommands({ transact, quotas, writer }),
    ...createDocumentReads({ sql }),
    expire,
    mayHear,
    collections,
  }
}
