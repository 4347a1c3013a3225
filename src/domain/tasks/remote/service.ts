import { LRUCache } from 'lru-cache'
import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { BatchWindow } from '#domain/tasks/batch-window.ts'
import { taskIdOf } from '#domain/tasks/events.ts'
import type { ProgressBoard } from '#domain/tasks/progress-board.ts'
import { findServedTypes } from '#domain/tasks/store/workers.ts'
import type { Attempt, AttemptEnd, Priority } from '#domain/tasks/task.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Wake } from '#platform/wake/wake.ts'
import { createClaimCommands } from './claim-commands.ts'
import { ClaimDesk } from './claim-desk.ts'
import { listenForDue } from './due-hints.ts'
import { createHeartbeatCommands } from './heartbeat-commands.ts'
import { createLeaseCommands } from './lease-commands.ts'
import { LeaseReaper } from './lease-reaper.ts'
import { LeaseSignals } from './lease-signals.ts'
import type { JsonSchemas } from './registered-type.ts'
import { RegisteredTypes } from './registered-types.ts'
import { RemoteClaimer } from './remote-claimer.ts'
import { presentMs } from './remote-worker.ts'
import { createReporter } from './reporter.ts'
import { createTypeCommands } from './type-commands.ts'

export interface RemoteWorkDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
  readonly board: ProgressBoard
  readonly wake: Wake
  readonly clock: Clock
  readonly log: Logger
  readonly types: TaskTypes
  readonly schemas: JsonSchemas
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  /** When BATCH tasks may start; undefined: at any time. */
  readonly batchWindow: BatchWindow | undefined
  /** Called when tasks wait in the queue again, as a hint to the dispatcher. */
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
  /** Called at the end of each attempt of a remote worker, for metrics. */
  readonly onSettled: (attempt: Attempt, end: AttemptEnd) => void
}

/** Everything that remote workers do: programs of an account that claim tasks over the API. */
export type RemoteWorkService = ReturnType<typeof createRemoteWork>

/** What is known of the workers that are there is gone by for this long, in milliseconds. */
const believedMs = 500

/** Events after which tasks of their type may wait for a remote worker. */
const waitingTypes: ReadonlySet<string> = new Set(['task.submitted', 'task.retried', 'task.released'])
/** Events after which any tasks of the account may. */
const freeingTypes: ReadonlySet<string> = new Set(['task.resumed'])

export function createRemoteWork(deps: RemoteWorkDeps) {
  const { sql, log, wake } = deps
  const registered = new RegisteredTypes(deps)
  const signals = new LeaseSignals()
  const desk = new ClaimDesk({ sql, log })
  const claimer = new RemoteClaimer({ ...deps, registered })
  const reporter = createReporter(deps)
  const onSettled = (attempt: Attempt, end: AttemptEnd) => {
    deps.onSettled(attempt, end)
    // Its slot, and perhaps its concurrency key, is free.
    desk.hint(attempt.accountId)
  }
  const shared = { ...deps, registered, signals, desk, claimer, reporter, onSettled }
  const reaper = new LeaseReaper(shared)
  listenForDue(wake, (accountId) => desk.hint(accountId))

  /** To be called with each entry of the journal. */
  function onJournalEntry(entry: JournalEntry): void {
    registered.onJournalEntry(entry)
    signals.onJournalEntry(entry)
    if (waitingTypes.has(entry.type) && taskIdOf(entry.subject) !== undefined)
      desk.hint(entry.accountId, String(entry.data['type']))
    else if (freeingTypes.has(entry.type)) desk.hint(entry.accountId)
  }

  const served = new LRUCache<string, Promise<ReadonlySet<string>>>({ max: 1_000, ttl: believedMs })

  /** Whether a remote worker is there that claims tasks of this type. */
  async function isServed({ accountId }: Caller, type: string): Promise<boolean> {
    return (await servedTypes(accountId)).has(type)
  }

  /** The types that remote workers of an account claim which are there. */
  function servedTypes(accountId: string): Promise<ReadonlySet<string>> {
    const known = served.get(accountId)
    if (known !== undefined) return known
    const found = findServedTypes(sql, accountId, presentMs)
    served.set(accountId, found)
    found.catch(() => served.delete(accountId))
    return found
  }

  return {
    registered,
    onJournalEntry,
    isServed,
    ...createTypeCommands(deps),
    ...createClaimCommands(shared),
    ...createHeartbeatCommands(shared),
    ...createLeaseCommands(shared),
    reportTask: reporter.reportTask,
    start(): void {
      desk.start()
      reaper.start()
    },
    /** Answers all requests that wait, so that their connections can close. */
    async stop(): Promise<void> {
      signals.stop()
      await Promise.all([desk.stop(), reaper.stop()])
    },
  }
}
