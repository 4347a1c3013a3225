import { LRUCache } from 'lru-cache'
import type { Caller } from '#domain/access/service.ts'
import { countRemoteWorkers, signOfLife } from '#domain/tasks/store/workers.ts'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Claim } from './claim-request.ts'
import { maxRemoteWorkers } from './remote-worker.ts'
import { workerEvent } from './worker-events.ts'

/** A worker that was noted as present so lately is not noted again, in milliseconds. */
const signIntervalMs = 2_000
/** Where it is noted which remote workers are there. */
export function createPresence({ transact }: { readonly transact: Transact }) {
  const known = new LRUCache<string, { readonly id: number; readonly as: string }>({ max: 10_000, ttl: signIntervalMs })

  /** Notes that a worker is there; returns its number. */
  async function present(caller: Caller, { worker: name, version, slots, max, types }: Claim): Promise<number> {
    const { accountId, principalId } = caller
    const signs = { accountId, principalId, name, version, slots: slots ?? max, types }
    const key = keyOf(caller, { worker: name })
    const as = JSON.stringify(signs)
    const kept = known.get(key)
    if (kept?.as === as) return kept.id
    const id = await transact(async (tx) => {
      tx.quiet('a sign of life')
      const { id, isNew } = await signOfLife(tx, signs)
      if (!isNew) return id
      if ((await countRemoteWorkers(tx, accountId)) > maxRemoteWorkers)
        throw new InvalidInput(`An account can have at most ${maxRemoteWorkers} remote workers at once.`)
      tx.journal(
        workerEvent('worker.joined', { id, accountId, name }, caller.by(), { types, version, slots: signs.slots }),
      )
      return id
    })
    known.set(key, { id, as })
    return id
  }

  /** Lets the next sign of life of a worker be noted in any case. */
  function forget(caller: Caller, claim: Pick<Claim, 'worker'>): void {
    known.delete(keyOf(caller, claim))
  }

  return { present, forget }
}

function keyOf({ accountId, principalId }: Caller, { worker }: Pick<Claim, 'worker'>): CompositeKey {
  return compositeKey(accountId, principalId, worker)
}
