import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { NewJob, Queue } from '#platform/queue/queue.ts'
import { type AttemptJob, queueOf } from './jobs.ts'
import {
  addPlaces,
  findRankedShares,
  findUnfilledShares,
  type Lane,
  lockShares,
  openLanes,
  takeByRank,
  takeFromLanes,
} from './store/lanes.ts'
import { readClock, restartClock, type ShareCount, type ShareRef, takeTurns } from './store/shares.ts'
import type { NewTask } from './store/tasks.ts'
import type { Priority } from './task.ts'

/*
 * Who gets the next free slot. Within a priority, accounts take turns (start-time fair queueing): each job has a turn,
 * which is its account's next one, and not before the turn that the priority has come to. The queue hands out jobs in the
 * order of their turns, so one index is the fair order, and a claim costs the same however many tasks and accounts wait.
 *
 * Tasks with a fairness key wait in lanes, outside of the queue. A few jobs of the account are in the queue for all of
 * them, and whose turn it is is decided when such a job is claimed: a task of the lane that is most behind by its weight,
 * and of that the one with the highest rank. Tasks with a rank and without a key wait in the same way, each with a job of
 * its own, and go before those without a rank that were submitted earlier, or after those that were submitted later.
 */

/** How many jobs for lanes of an account are in the queue of a priority at most. */
const maxPlaces = 32

/** What the queue has to know of a task that waits for its first attempt. */
export type QueuedTask = Pick<
  NewTask,
  | 'accountId'
  | 'id'
  | 'jobId'
  | 'type'
  | 'priority'
  | 'fairnessKey'
  | 'fairnessWeight'
  | 'rank'
  | 'status'
  | 'runAt'
  | 'isRemote'
>

/** Whether a new task waits in a lane; one that is due later has its job from the beginning, and its turn with it. */
export function waitsInLane({
  fairnessKey,
  rank,
  status,
  isRemote,
}: Pick<NewTask, 'fairnessKey' | 'rank' | 'status' | 'isRemote'>): boolean {
  return !isRemote && status === 'PENDING' && (fairnessKey !== undefined || rank !== 0)
}

/** Sends the jobs of tasks that wait for their first attempts, and opens the lanes of those that wait in one. */
export async function enqueue(tx: Transaction, queue: Queue, tasks: readonly QueuedTask[]): Promise<void> {
  const inLanes = tasks.filter(waitsInLane)
  if (inLanes.length > 0) await openLanes(tx, lanesOf(inLanes))
  const own = tasks.filter((task) => !waitsInLane(task) || task.fairnessKey === undefined)
  if (own.length > 0) await queue.send(tx, await withTurns(tx, own))
  const keyed = inLanes.filter(({ fairnessKey }) => fairnessKey !== undefined)
  if (keyed.length > 0)
    await sendPlaces(
      tx,
      queue,
      sharesOf(keyed).map((share) => ({ ...share, used: 0 })),
    )
}

async function withTurns(tx: Sql, tasks: readonly QueuedTask[]): Promise<NewJob[]> {
  const turns = await takeTurns(tx, sharesOf(tasks))
  const next = new Map(turns.map(({ first, ...share }) => [shareKey(share), first]))
  return tasks.map((task) => {
    const { accountId, id: taskId, jobId: id, priority, runAt: startAfter } = task
    const key = shareKey({ accountId, priority })
    const turn = next.get(key) ?? 0
    next.set(key, turn + 1)
    const data: AttemptJob = waitsInLane(task) ? { accountId, standsFor: 'rank' } : { accountId, taskId }
    return { queue: queueOf[priority], id, data, turn, startAfter }
  })
}

async function sendPlaces(
  tx: Transaction,
  queue: Queue,
  wanted: readonly (ShareCount & { readonly used: number })[],
): Promise<void> {
  const added = await addPlaces(tx, wanted, maxPlaces)
  const jobs = added.flatMap(({ accountId, priority, first, count }) =>
    Array.from({ length: count }, (_, place) => {
      const data: AttemptJob = { accountId, standsFor: 'lanes' }
      return { queue: queueOf[priority], id: newId(), data, turn: first + place }
    }),
  )
  await queue.send(tx, jobs)
}

/** A claimed job, and for what it stands: a task, or whichever task has its turn now. */
export interface TurnJob extends ShareRef {
  readonly jobId: string
  readonly taskId?: string | undefined
  readonly standsFor?: 'lanes' | 'rank' | undefined
}

/** A task whose turn has come. */
export interface TurnOfTask extends ShareRef {
  readonly taskId: string
  readonly jobId: string
}

/** Decides which tasks have their turns with these jobs; in `ranked` accounts, tasks wait by their ranks. */
export async function chooseTasks(
  tx: Transaction,
  queue: Queue,
  jobs: readonly TurnJob[],
  ranked: RankedShares,
): Promise<TurnOfTask[]> {
  const chosen: TurnOfTask[] = []
  const rest: TurnJob[] = []
  for (const job of jobs) {
    if (job.standsFor === 'lanes' || job.standsFor === 'rank' || ranked.has(job)) rest.push(job)
    else if (job.taskId !== undefined) chosen.push({ ...job, taskId: job.taskId })
  }
  if (rest.length === 0) return chosen
  for (const own of Map.groupBy(rest, shareKey).values()) {
    const lanes = own.filter(({ standsFor }) => standsFor === 'lanes')
    const byRank = own.filter(({ standsFor }) => standsFor !== 'lanes')
    if (lanes.length > 0) chosen.push(...(await takeLaneTurns(tx, queue, lanes)))
    if (byRank.length > 0) chosen.push(...(await takeRankTurns(tx, byRank)))
  }
  return chosen
}

async function takeLaneTurns(tx: Transaction, queue: Queue, jobs: readonly TurnJob[]): Promise<TurnOfTask[]> {
  const { accountId, priority } = jobs[0] as TurnJob
  const chosen = await takeFromLanes(
    tx,
    { accountId, priority },
    jobs.map(({ jobId }) => jobId),
  )
  // As long as tasks wait, others take the places of those that have left the queue.
  await sendPlaces(tx, queue, [{ accountId, priority, used: jobs.length, count: jobs.length }])
  return chosen.map((task) => ({ ...task, accountId, priority }))
}

async function takeRankTurns(tx: Transaction, jobs: readonly TurnJob[]): Promise<TurnOfTask[]> {
  const { accountId, priority } = jobs[0] as TurnJob
  const taskIds = jobs.flatMap(({ taskId }) => taskId ?? [])
  const jobIds = jobs.map(({ jobId }) => jobId)
  const chosen = await takeByRank(tx, { accountId, priority }, taskIds, jobIds)
  return chosen.map((task) => ({ ...task, accountId, priority }))
}

/** Accounts in which tasks without a fairness key wait by their ranks, as far as this process knows. */
export class RankedShares {
  #known = new Set<CompositeKey>()

  /** Reads them from the database. */
  async read(sql: Sql): Promise<void> {
    this.#known = new Set((await findRankedShares(sql, rankedAtOnce)).map(shareKey))
  }

  add(share: ShareRef): void {
    this.#known.add(shareKey(share))
  }

  has(share: ShareRef): boolean {
    return this.#known.size > 0 && this.#known.has(shareKey(share))
  }
}

/** More are served in the order in which they were submitted. */
const rankedAtOnce = 10_000

export interface LaneDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Queue
}

const sharesAtOnce = 100

/** Sends jobs for lanes in which tasks may wait without any; returns of which priorities. Harmless to repeat. */
export async function admitWhereRoom({ sql, transact, queue }: LaneDeps): Promise<ReadonlySet<Priority>> {
  const filled = new Set<Priority>()
  for (const share of await findUnfilledShares(sql, sharesAtOnce)) {
    await transact.quiet('turns of lanes')(async (tx) => {
      await lockShares(tx, [share])
      await sendPlaces(tx, queue, [{ ...share, used: 0, count: maxPlaces }])
    })
    filled.add(share.priority)
  }
  return filled
}

/** The job of a task that has waited for its turn before. */
export interface WaitedJob extends Omit<NewJob, 'turn' | 'queue' | 'data'> {
  readonly priority: Priority
  readonly data: { readonly accountId: string; readonly taskId: string }
  /** Of a task for a remote worker. */
  readonly isRemote: boolean
}

/** Gives jobs of tasks that have waited for their turn before, such as for another attempt, the present one. */
export async function atPresentTurn(sql: Sql, jobs: readonly WaitedJob[]): Promise<NewJob[]> {
  if (jobs.length === 0) return []
  const clock = await readClock(sql)
  return jobs.map(({ priority, id, data, startAfter }) => {
    const turn = clock.get(priority) ?? 0
    return { queue: queueOf[priority], id, data, turn, startAfter }
  })
}

/** So far from the largest number of a job that the queue can keep that the turns of a day are no matter. */
const lastTurn = 1_000_000_000

/** Counts turns from 0 again where they have become large; returns of which priorities. */
export async function restartTurns({ sql, transact, queue }: LaneDeps): Promise<Priority[]> {
  const late = [...(await readClock(sql))].flatMap(([priority, now]) => (now > lastTurn ? [priority] : []))
  for (const priority of late)
    await transact.quiet('turns that are counted from 0 again')(async (tx) => {
      const now = await restartClock(tx, priority)
      await queue.shiftTurns(tx, queueOf[priority], -now)
    })
  return late
}

function sharesOf(tasks: readonly ShareRef[]): ShareCount[] {
  const shares = new Map<CompositeKey, ShareCount>()
  for (const { accountId, priority } of tasks) {
    const key = shareKey({ accountId, priority })
    shares.set(key, { accountId, priority, count: (shares.get(key)?.count ?? 0) + 1 })
  }
  return [...shares.values()]
}

function lanesOf(tasks: readonly QueuedTask[]): Lane[] {
  const lanes = new Map<CompositeKey, Lane>()
  for (const { accountId, priority, fairnessKey: key = '', fairnessWeight: weight } of tasks)
    lanes.set(compositeKey(accountId, priority, key), { accountId, priority, key, weight })
  return [...lanes.values()]
}

/** Of the tasks of one account and priority. */
function shareKey({ accountId, priority }: ShareRef): CompositeKey {
  return compositeKey(accountId, priority)
}
