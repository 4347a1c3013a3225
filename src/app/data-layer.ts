import { ProgressBoard } from '#domain/tasks/progress-board.ts'
import { newId } from '#lib/ids.ts'
import { within } from '#lib/within.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { PooledConnections } from '#platform/database/pooled-connections.ts'
import { DatabaseSession } from '#platform/database/session.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import { WriteHealth } from '#platform/database/write-health.ts'
import type { NewEntry } from '#platform/journal/entry.ts'
import { JournalHistories } from '#platform/journal/histories.ts'
import { Journal } from '#platform/journal/journal.ts'
import { JournalWake } from '#platform/journal/journal-wake.ts'
import { addPartitions, isMissingPartition } from '#platform/journal/partitions.ts'
import { JournalTail } from '#platform/journal/tail.ts'
import { JournalUsage } from '#platform/journal/usage.ts'
import { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { PostgresWake } from '#platform/wake/postgres-wake.ts'
import type { Wake } from '#platform/wake/wake.ts'
import type { Config } from '#src/config.ts'
import type { CleanupStack } from './cleanup.ts'
import { queueNames } from './queues.ts'

/** How much longer than a worker's lease the database keeps the locks of a machine that it can't reach, in milliseconds. */
const patienceBeyondLeaseMs = 10_000
/** How long a stop waits for the journal usage of the last seconds to be saved, in milliseconds. */
const lastFlushMs = 1_000

/** Everything that stands on the database and that all roles share. */
export interface DataLayer {
  readonly database: Database
  readonly connections: PooledConnections
  readonly session: DatabaseSession
  readonly tail: JournalTail
  readonly journal: Journal
  readonly journalUsage: JournalUsage
  readonly transact: Transact
  readonly queue: Queue
  readonly wake: Wake
  readonly board: ProgressBoard
  readonly writeHealth: WriteHealth
}

/** Opens the database, and all that reads and writes it together. `onJournaled` gets the entries of each commit. */
export async function openDataLayer(
  config: Config,
  url: string,
  {
    log,
    cleanup,
    onJournaled,
  }: { log: Logger; cleanup: CleanupStack; onJournaled: (entries: readonly NewEntry[]) => void },
): Promise<DataLayer> {
  const onError = (error: Error) => log.debug({ err: error }, 'a database connection broke')
  // A worker has stopped what it runs before the database lets others have it.
  const patienceMs = config.workerLeaseMs + patienceBeyondLeaseMs
  const connections = new PooledConnections({ patienceMs, onError })
  const database = openDatabase({ url, poolSize: config.databasePool, onError, connections })
  const journalUsage = new JournalUsage(database)
  cleanup.add(async () => {
    const saved = journalUsage
      .flush()
      .catch((error: unknown) => log.debug({ err: error }, 'journal usage was not saved'))
    await within(lastFlushMs, saved)
    await database.close()
  })
  const writeHealth = new WriteHealth({ sql: database, log })
  cleanup.add(() => writeHealth.stop())
  const onCommit = (entries: readonly NewEntry[], journaledBytes: ReadonlyMap<string, number>) => {
    journalUsage.add(journaledBytes)
    if (entries.length === 0) return
    journalWake.committed()
    onJournaled(entries)
  }
  const transact = createTransact(database.pool, onCommit, repair)
  const histories = new JournalHistories({ sql: database, transact: transact.quiet('histories of the journal') })
  const tail = new JournalTail({ sql: database, histories, log })
  const session = new DatabaseSession({
    url,
    onConnect: (server) => {
      connections.keepOnly(server)
      tail.reconnected()
    },
    // Where this connection is silent, the others are likely to be.
    onLost: (reason) => reason === 'silent' && connections.breakAll(),
    patienceMs,
    log,
  })
  connections.onSuspicion((suspicion) => (suspicion === 'other-server' ? session.renew() : session.check()))
  const wake = new PostgresWake({ session, log })
  const journalWake = new JournalWake({ wake, tail, origin: newId() })
  const board = new ProgressBoard({ sql: database, log, wake })
  await addPartitions(database, transact)
  await tail.start()
  await session.open()
  cleanup.add(async () => {
    board.stop()
    journalWake.stop()
    await tail.stop()
    await session.close()
  })
  const queue = await Queue.start({ database, queues: queueNames, log })
  cleanup.add(() => queue.stop())
  const journal = new Journal({ sql: database, tail, histories })
  // After the journal, whose streams thus have a step before the board speaks of it.
  tail.listen((entry) => board.heard(entry))
  return { database, connections, session, tail, journal, journalUsage, transact, queue, wake, board, writeHealth }

  async function repair(error: unknown): Promise<boolean> {
    writeHealth.failed(error)
    if (!isMissingPartition(error)) return false
    log.warn('the journal has no partition for the database’s current day; creating it')
    await addPartitions(database, transact)
    return true
  }
}
