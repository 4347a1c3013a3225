import { newId } from '#lib/ids.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { DatabaseSession } from '#platform/database/session.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import { JournalHistories } from '#platform/journal/histories.ts'
import { Journal } from '#platform/journal/journal.ts'
import { JournalWake } from '#platform/journal/journal-wake.ts'
import { addPartitions, isMissingPartition } from '#platform/journal/partitions.ts'
import { JournalTail } from '#platform/journal/tail.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { PostgresWake } from '#platform/wake/postgres-wake.ts'

export interface JournalStack {
  readonly database: Database
  readonly transact: Transact
  readonly journal: Journal
  close(): Promise<void>
}

/** A journal as a server has it, without the server. */
export async function openJournal(url: string, poolSize = 10): Promise<JournalStack> {
  const log = createLog({ level: 'silent', format: 'json' })
  const database = openDatabase({ url, poolSize, onError: () => {} })
  const transact = createTransact(database.pool, (entries) => entries.length > 0 && wake.committed(), makePartition)
  const histories = new JournalHistories({ sql: database, transact: transact.quiet('histories of the journal') })
  const tail = new JournalTail({ sql: database, histories, log })
  const session = new DatabaseSession({
    url,
    onConnect: () => tail.reconnected(),
    patienceMs: 40_000,
    log,
  })
  const wake = new JournalWake({ wake: new PostgresWake({ session, log }), tail, origin: newId() })
  await addPartitions(database, transact)
  await tail.start()
  await session.open()
  return {
    database,
    transact,
    journal: new Journal({ sql: database, tail, histories }),
    async close() {
      wake.stop()
      await tail.stop()
      await session.close()
      await database.close()
    },
  }

  async function makePartition(error: unknown): Promise<boolean> {
    if (isMissingPartition(error)) await addPartitions(database, transact)
    return isMissingPartition(error)
  }
}
