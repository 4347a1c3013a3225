import { setTimeout as sleep } from 'node:timers/promises'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import type { ApiUsage, AttemptOrg } from './attempt-org.ts'

/** Waits between two looks, in milliseconds; the last one repeats. */
const backoffMs = [250, 500, 1_000, 1_000, 2_000, 3_000, 4_000, 5_000]
const maxWaitMs = 60_000
/** The share of an org's remaining API calls of the day that one attempt's looks may use in an hour. */
const hourlyShare = 0.05
const hourMs = 60 * 60 * 1000
/** For how long Salesforce may be unavailable before the attempt fails, in milliseconds. */
const patienceMs = 10 * 60 * 1000

/** How long to wait after so many looks: longer and longer, and longer still when few API calls are left for the day. */
export function pollWaitMs(looks: number, usage: ApiUsage | undefined): number {
  const waitMs = backoffMs[Math.min(looks, backoffMs.length - 1)] ?? maxWaitMs
  if (usage === undefined) return waitMs
  const hourly = Math.max(0, usage.max - usage.used) * hourlyShare
  const shareMs = hourly < 1 ? maxWaitMs : hourMs / hourly
  // What takes a few seconds is seen at once, unless the day's calls are nearly used up.
  const isSoon = looks < 5 && shareMs < maxWaitMs
  return Math.min(maxWaitMs, isSoon ? waitMs : Math.max(waitMs, shareMs))
}

/**
 * Looks again and again until `look` finds something. Faults of Salesforce that pass are waited out for ten minutes.
 * @throws {SalesforceFailure} @throws the signal's AbortError
 */
export async function poll<T>(
  org: Pick<AttemptOrg, 'usage'>,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T> {
  let failingSince: number | undefined
  for (let looks = 0; ; looks += 1) {
    try {
      const found = await look()
      if (found !== undefined) return found
      failingSince = undefined
    } catch (error) {
      if (!(error instanceof SalesforceFailure && error.mayPass)) throw error
      failingSince ??= performance.now()
      if (performance.now() - failingSince > patienceMs) throw error
    }
    await sleep(pollWaitMs(looks, org.usage), undefined, { signal })
  }
}
