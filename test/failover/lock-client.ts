import { setTimeout as sleep } from 'node:timers/promises'
import { entriesOf } from '#test/support/entries.ts'
import type { Random } from '#test/support/random.ts'
import type { Lease } from './ledger.ts'
import { attempted, type Clientele } from './writers.ts'

const ttlMs = 2_000
const name = 'the-lock'

/** Takes the lock that all lock clients want, writes with its fence, renews it, and releases it. */
export async function runLockClient(client: string, clientele: Clientele, random: Random): Promise<void> {
  const { servers, ledger } = clientele
  const any = () => entriesOf(random.pick(servers))
  for (let turn = 0; !clientele.isOver(); turn += 1) {
    let lease: Lease | undefined
    await attempted(ledger, async () => {
      const { answer, ...acquired } = await ledger.exchange(() => any().acquire(name, { ttlMs, waitMs: 500 }))
      if (answer.lock === undefined) return
      lease = { name, fence: answer.lock.fence, acquired, renewals: [], writes: [], ttlMs, releasedAt: undefined }
      ledger.leases.push(lease)
    })
    if (lease !== undefined) await use(lease, `${client}-${turn}`, clientele, any)
    await sleep(random.below(100))
  }
}

/** Works with the lock until it is released, or lost. */
async function use(
  lease: Lease,
  value: string,
  { ledger }: Clientele,
  any: () => ReturnType<typeof entriesOf>,
): Promise<void> {
  const { fence } = lease
  for (let step = 0; step < 3; step += 1) {
    let isHeld = true
    const isAnswered = await attempted(ledger, async () => {
      const written = await ledger.exchange(() =>
        any().set('guarded', `${value}-${step}`, { fence: { lock: name, fence } }),
      )
      const { entry } = written.answer
      isHeld = entry !== undefined
      if (entry === undefined) return
      lease.writes.push(written)
      ledger.entries.push({ ...written, key: entry.key, version: entry.version, value: `${value}-${step}` })
      const renewed = await ledger.exchange(() => any().renew(name, fence, ttlMs))
      isHeld = renewed.answer.lock !== undefined
      if (isHeld) lease.renewals.push(renewed)
    })
    // Without an answer the client can't know, and lets the lease end.
    if (!isAnswered || !isHeld) return
    await sleep(100)
  }
  lease.releasedAt = Date.now()
  await attempted(ledger, async () => void (await any().release(name, fence)))
}
