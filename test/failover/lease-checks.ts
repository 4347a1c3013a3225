import type { Lease, Ledger } from './ledger.ts'

/** No fence was given twice, no two held the lock at once, and no fence was good for a write after a later one was given. */
export function checkLeases(ledger: Ledger): string[] {
  const { leases } = ledger
  const twice = [...Map.groupBy(leases, ({ fence }) => fence)].filter(([, { length }]) => length > 1)
  const lasting = leases.filter(({ acquired }) => !ledger.mayBeLost(acquired)).toSorted((a, b) => a.fence - b.fence)
  return [
    ...twice.map(([fence]) => `the fence ${fence} was given twice`),
    ...lasting.flatMap((lease, index) => {
      const next = lasting[index + 1]
      return next !== undefined && next.acquired.answeredAt < endOf(lease, ledger)
        ? [`the fences ${lease.fence} and ${next.fence} were held at once`]
        : []
    }),
    ...leases.flatMap(({ fence, writes }) => {
      const later = lasting.find((one) => one.fence > fence)?.acquired.answeredAt ?? Number.POSITIVE_INFINITY
      return writes.some(({ sentAt }) => sentAt > later)
        ? [`a write with the fence ${fence} was accepted after a later fence was given`]
        : []
    }),
  ]
}

/** Until when its holder had it for certain: each lease begins after it was asked for. */
function endOf({ acquired, renewals, ttlMs, releasedAt }: Lease, ledger: Ledger): number {
  const last = renewals.filter((renewal) => !ledger.mayBeLost(renewal)).at(-1) ?? acquired
  return Math.min(last.sentAt + ttlMs, releasedAt ?? Number.POSITIVE_INFINITY)
}
