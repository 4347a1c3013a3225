import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { within } from '#lib/within.ts'
import type { Database } from '#platform/database/client.ts'
import type { DatabaseSession } from '#platform/database/session.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { watchTransact } from '#platform/database/watched-transact.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { JournalTail } from '#platform/journal/tail.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { Wake } from '#platform/wake/wake.ts'
import { startLoop } from '#platform/work/work-loop.ts'
import { type OwnWorker, WorkerLiveness } from '#platform/work/worker-liveness.ts'
import { insertWorker, ownWorkerProcess } from '#platform/work/worker-process.ts'
import type { SlotPlan } from './claim-policy.ts'
import { Dispatcher } from './dispatcher.ts'
import { AwaitedTasks } from './durable/awaited-tasks.ts'
import { type TaskEventData, taskIdOf } from './events.ts'
import { OwnWorkerSigns } from './own-worker.ts'
import type { ProgressBoard } from './progress-board.ts'
import { Reaper } from './reaper.ts'
import { OutputRecorder } from './recorder.ts'
import type { Runner } from './runner.ts'
import type { Attempt, AttemptEnd } from './task.ts'
import type { TaskTypes } from './task-type.ts'

export interface WorkerOptions {
  readonly database: Database
  readonly session: DatabaseSession
  readonly transact: Transact
  readonly queue: Queue
  readonly wake: Wake
  readonly tail: JournalTail
  readonly board: ProgressBoard
  readonly runner: Runner
  readonly quotas: Pick<QuotaService, 'takeRunning'>
  readonly plan: SlotPlan
  /** Of the server. */
  readonly version: string
  readonly types: TaskTypes
  /** The installation whose embedded database this process has started, if it has. */
  readonly embeddedIn: string | undefined
  /** For how long this process may be without the database before it stops what it runs, in milliseconds. */
  readonly leaseMs: number
  readonly clock: Clock
  readonly log: Logger
  readonly onSettled: (attempt: Attempt, end: AttemptEnd) => void
}

/** While it lives, this process's session holds the lock of its id. */
export interface Worker extends OwnWorker {
  readonly dispatcher: Dispatcher
  /** Lets what runs end for up to `limitMs`, and hands the rest back; ends soon after that without a database, too. */
  stop(limitMs: number): Promise<void>
}

/** How long a look for lost workers that is under way may still take when this one stops. */
const lastLookMs = 1_000
const leaseLookMs = 500
/** How often all tasks are looked at that wait for others. */
const awaitedLookMs = 60_000

/** Makes this process a worker: known by a row, alive while its session holds the row's lock, fed by the dispatcher. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { database, session, queue, tail, board, runner, leaseMs, clock, log } = options
  // An operator may change the number of slots.
  const plan = { ...options.plan }
  const { transact, stalledMs } = watchTransact(options.transact)
  const ownProcess = await ownWorkerProcess(options.embeddedIn)
  const id = await insertWorker(database, ownProcess, { slots: options.plan.slots, version: options.version })
  await session.holdAlive(id)
  const actor: Actor = { kind: 'system', id: `worker-${id}`, name: `worker-${id}` }
  const recorder = new OutputRecorder({
    transact,
    board,
    actor,
    log,
    onLost: ({ taskId, fence }) => dispatcher.stopAttempt(taskId, 'lost', { fence }),
  })
  const shared = { sql: database, transact, queue, clock, log, actor }
  const dispatcher: Dispatcher = new Dispatcher({
    ...shared,
    session,
    wake: options.wake,
    runner,
    quotas: options.quotas,
    recorder,
    board,
    plan,
    types: options.types,
    workerId: id,
    stalledMs,
    onSettled: options.onSettled,
  })
  const awaited = new AwaitedTasks({ ...shared, onWoken: (priority) => dispatcher.expect(priority, 'now') })
  const liveness = new WorkerLiveness({ session, worker: { id, process: ownProcess }, leaseMs })
  const reaper = new Reaper({ ...shared, liveness, leaseMs })
  const lease = watchLease(session, dispatcher, { leaseMs, log })
  const signs = new OwnWorkerSigns({
    sql: database,
    workerId: id,
    log,
    running: () => dispatcher.running,
    onWanted: ({ slots, isDraining }) => {
      plan.slots = slots
      dispatcher.setDraining(isDraining)
    },
  })
  const unlisten = tail.listen((entry) => {
    onJournalEntry(dispatcher, entry)
    awaited.onJournalEntry(entry)
    signs.onJournalEntry(entry)
  })
  const looking = startLoop({
    name: 'tasks that wait for others',
    intervalMs: awaitedLookMs,
    log,
    work: async () => {
      await awaited.look()
      return undefined
    },
  })
  dispatcher.start()
  reaper.start()
  signs.start()
  return {
    id,
    process: ownProcess,
    dispatcher,
    async stop(limitMs) {
      await dispatcher.drain(limitMs)
      await lease.stop()
      unlisten()
      await looking.stop()
      await awaited.stop()
      await within(
        lastLookMs,
        signs.stop().catch(() => undefined),
      )
      await within(lastLookMs, reaper.stop())
    },
  }
}

/** Stops what runs here when this process has been without the database for `leaseMs`: soon others take it over. */
function watchLease(
  session: DatabaseSession,
  dispatcher: Dispatcher,
  { leaseMs, log }: { leaseMs: number; log: Logger },
): { stop(): Promise<void> } {
  let isExpired = false
  const look = async () => {
    const wasExpired = isExpired
    isExpired = session.lostForMs >= leaseMs
    if (!isExpired) return leaseMs - session.lostForMs
    if (wasExpired || dispatcher.running === 0) return undefined
    log.warn(
      { attempts: dispatcher.running, leaseMs },
      'this process has been without the database for too long: it stops the tasks that it runs, before others take them',
    )
    dispatcher.expireAll()
    return undefined
  }
  return startLoop({ name: 'worker lease', intervalMs: leaseLookMs, log, work: look })
}

/** What the journal tells a dispatcher: that a task waits, that one is to stop, that one was taken from it. */
function onJournalEntry(dispatcher: Dispatcher, entry: JournalEntry): void {
  if (entry.type === 'task.paused') return dispatcher.expectPaused(entry.accountId)
  if (entry.type === 'task.resumed') return dispatcher.expectAll()
  const taskId = taskIdOf(entry.subject)
  if (taskId === undefined) return
  const data = entry.data as unknown as TaskEventData
  switch (entry.type) {
    case 'task.submitted':
    case 'task.ready':
      if (data.rank !== undefined) dispatcher.expectRanked({ accountId: entry.accountId, priority: data.priority })
      return dispatcher.expect(data.priority, data.status === 'SCHEDULED' ? 'later' : 'now')
    case 'task.retried':
    case 'task.released':
    case 'task.waiting':
    case 'task.approved':
    case 'task.rejected':
    case 'task.signalled':
    case 'task.continued':
    case 'task.preempted':
      return dispatcher.expect(data.priority, data.status === 'PENDING' ? 'now' : 'later')
    case 'task.cancel_requested':
      return dispatcher.stopAttempt(taskId, 'cancelled', { number: data.attempt })
    case 'task.lost':
      return dispatcher.stopAttempt(taskId, 'lost', { number: data.attempt })
  }
}
