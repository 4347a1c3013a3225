import { newId } from '#lib/ids.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { DatabaseSession } from '#platform/database/session.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import { Journal } from '#platform/journal/journal.ts'
import { addPartitions, continueCounting } from '#platform/journal/partitions.ts'
import { JournalTail } from '#platform/journal/tail.ts'
import { JournalWake, journalChannel } from '#platform/journal/wake.ts'
import { createLog } from '#platform/telemetry/log.ts'

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
  const tail = new JournalTail({ sql: database, log })
  const session = new DatabaseSession({
    url,
    channels: [journalChannel],
    onNotify: (_channel, origin) => wake.heard(origin),
    onConnect: () => tail.hint(),
    log,
  })
  const wake = new JournalWake({ session, tail, origin: newId() })
  const transact = createTransact(database.pool, (journalGrew) => journalGrew && wake.committed())
  await addPartitions(database, transact)
  await continueCounting(transact)
  await tail.start()
  await session.open()
  return {
    database,
    transact,
    journal: new Journal({ sql: database, tail }),
    async close() {
      wake.stop()
      await tail.stop()
      await session.close()
      await database.close()
    },
  }
}
