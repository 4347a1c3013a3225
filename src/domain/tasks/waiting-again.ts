import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { NewJob, Queue } from '#platform/queue/queue.ts'
import { remoteQueue } from './jobs.ts'
import type { JobRef } from './store/attempts.ts'
import { holdForWorkers, openWorkerLanes, type WorkerLane } from './store/worker-lanes.ts'
import { atPresentTurn, enqueue, type QueuedTask, type WaitedJob } from './turns.ts'

/**
 * Lets tasks wait that have waited for their turn before, such as for another attempt: in their queue, at the present
 * turn, or for a remote worker.
 */
export async function waitAgain(tx: Transaction, queue: Queue, jobs: readonly WaitedJob[]): Promise<void> {
  const own = jobs.filter(({ isRemote }) => !isRemote)
  if (own.length > 0) await queue.send(tx, await atPresentTurn(tx, own))
  const later = jobs.filter(({ isRemote, startAfter }) => isRemote && startAfter !== undefined)
  if (later.length > 0) await queue.send(tx, later.map(toRemoteJob))
  const due = jobs.filter(({ isRemote, startAfter }) => isRemote && startAfter === undefined)
  await waitForWorkers(
    tx,
    due.map(({ id: jobId, data }) => ({ ...data, jobId })),
  )
}

/** The job of a task for a remote worker that is due later. */
function toRemoteJob({ id, data, startAfter }: Pick<WaitedJob, 'id' | 'data' | 'startAfter'>): NewJob {
  return { queue: remoteQueue, id, data, startAfter }
}

/** Lets tasks that are due wait for a remote worker, unless they wait for another job by now. */
export async function waitForWorkers(tx: Transaction, jobs: readonly JobRef[]): Promise<void> {
  if (jobs.length === 0) return
  const lanes = distinct(await holdForWorkers(tx, jobs))
  if (lanes.length > 0) await openWorkerLanes(tx, lanes, { isWeighed: false })
}

/** Each lane once, with the weight that was named last. */
function distinct(lanes: readonly WorkerLane[]): WorkerLane[] {
  const known = new Map<CompositeKey, WorkerLane>()
  for (const lane of lanes) known.set(compositeKey(lane.accountId, lane.priority, lane.type, lane.key), lane)
  return [...known.values()]
}

/** Lets tasks wait for their first attempts: in their queue or lane, or for a remote worker. */
export async function enqueueNew(tx: Transaction, queue: Queue, tasks: readonly QueuedTask[]): Promise<void> {
  const remote = tasks.filter(({ isRemote }) => isRemote)
  const own = remote.length === 0 ? tasks : tasks.filter(({ isRemote }) => !isRemote)
  if (own.length > 0) await enqueue(tx, queue, own)
  if (remote.length === 0) return
  const later = remote.filter(({ status }) => status === 'SCHEDULED')
  if (later.length > 0) await queue.send(tx, later.map(firstJob))
  const lanes = distinct(remote.filter(({ status }) => status === 'PENDING').map(laneOf))
  if (lanes.length > 0) await openWorkerLanes(tx, lanes, { isWeighed: true })
}

function firstJob({ accountId, id: taskId, jobId: id, runAt: startAfter }: QueuedTask): NewJob {
  return toRemoteJob({ id, data: { accountId, taskId }, startAfter })
}

function laneOf({ accountId, priority, type, fairnessKey: key = '', fairnessWeight: weight }: QueuedTask): WorkerLane {
  return { accountId, priority, type, key, weight }
}
