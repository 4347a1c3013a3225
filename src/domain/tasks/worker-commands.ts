import type { Caller } from '#domain/access/service.ts'
import { invalidValue } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { WorkerNotFound } from './errors.ts'
import { workerEvent } from './remote/worker-events.ts'
import {
  drainWorker,
  findInstallationAccount,
  findWorker,
  listWorkers,
  removeWorker,
  saveWorkerSlots,
} from './store/worker-list.ts'
import type { WorkerRow } from './worker-row.ts'

export interface WorkerCommandsDeps {
  readonly sql: Sql
  readonly transact: Transact
}

const maxSlots = 1_000

/** What operators see of workers, and do with them. */
export function createWorkerCommands({ sql, transact }: WorkerCommandsDeps) {
  /** The workers that run tasks of the caller's account, after the one with this id, up to `limit`. */
  async function workers(caller: Caller, after: number, limit: number): Promise<WorkerRow[]> {
    caller.must('tasks:read')
    return listWorkers(sql, caller.accountId, after, limit)
  }

  /**
   * Lets a worker claim nothing more; what it runs goes on. A remote worker that drains itself and runs nothing leaves.
   * @throws {WorkerNotFound} @throws {Forbidden}
   */
  async function drain(caller: Caller, id: string): Promise<WorkerRow> {
    const worker = await change(caller, id)
    await transact(async (tx) => {
      const event = { id: worker.id, accountId: caller.accountId, name: worker.name }
      if (await drainWorker(tx, worker.id)) tx.journal(workerEvent('worker.draining', event, caller.by()))
      if (isOwn(caller, worker) && (await removeWorker(tx, worker.id)))
        tx.journal(workerEvent('worker.drained', event, caller.by()))
    })
    return (await findWorker(sql, caller.accountId, worker.id)) ?? { ...worker, drainingAt: new Date() }
  }

  /** Says how many slots a worker has from now on. @throws {WorkerNotFound} @throws {InvalidInput} @throws {Forbidden} */
  async function setSlots(caller: Caller, id: string, slots: number): Promise<WorkerRow> {
    caller.must('tasks:admin')
    if (slots < 1 || slots > maxSlots)
      throw invalidValue('The number of slots', 'slots', `must be 1 to ${maxSlots}; got ${slots}`)
    const worker = await change(caller, id)
    await transact(async (tx) => {
      await saveWorkerSlots(tx, worker.id, slots)
      const event = { id: worker.id, accountId: caller.accountId, name: worker.name }
      tx.journal(workerEvent('worker.slots_changed', event, caller.by(), { slots }))
    })
    return { ...worker, slots }
  }

  /** A worker that the caller may change. */
  async function change(caller: Caller, id: string): Promise<WorkerRow> {
    const worker = /^[1-9]\d{0,8}$/.test(id) ? await findWorker(sql, caller.accountId, Number(id)) : undefined
    if (worker !== undefined && isOwn(caller, worker)) {
      caller.must(caller.can('tasks:admin') ? 'tasks:admin' : 'tasks:work')
      return worker
    }
    caller.must('tasks:admin')
    if (worker === undefined) throw new WorkerNotFound(id)
    // Processes of the server run the tasks of all accounts.
    if (worker.accountId === null && (await findInstallationAccount(sql)) !== caller.accountId)
      caller.must('installation:admin')
    return worker
  }

  return { workers, drainWorker: drain, setWorkerSlots: setSlots }
}

/** Whether it is the caller's own program. */
function isOwn(caller: Caller, { principalId }: WorkerRow): boolean {
  return principalId === caller.principalId && caller.can('tasks:work')
}
