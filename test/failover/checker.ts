import { setTimeout as sleep } from 'node:timers/promises'
import type { Receiver } from '#test/support/receiver.ts'
import { until } from '#test/support/until.ts'
import { checkAudit, checkDeliveries, checkReaders, countEvents, findUndelivered, unaudited } from './journal-checks.ts'
import { checkLeases } from './lease-checks.ts'
import type { Ledger } from './ledger.ts'
import type { JournalReader } from './readers.ts'
import type { Stage } from './stage.ts'
import { checkTasks, checkWaits } from './task-checks.ts'
import { checkDocuments, checkEntries, checkEvents, checkSeen } from './version-checks.ts'

/** All that there is to compare once the database stays where it is. */
export interface Evidence {
  readonly stage: Stage
  readonly ledger: Ledger
  readonly readers: readonly JournalReader[]
  readonly receiver: Receiver
}

/** Everything that is wrong, in sentences; none when all holds. Waits until the servers have caught up, within a bound. */
export async function findProblems(evidence: Evidence, patienceMs: number): Promise<string[]> {
  const { stage, ledger } = evidence
  const problems = ledger.unexpected.map((text) => `unexpected answer: ${text}`)
  await until(() => isQuiet(evidence), patienceMs).catch((error: unknown) => {
    problems.push(`the servers have not caught up within ${patienceMs / 1000} seconds: ${error}`)
  })
  for (const check of [
    checkTasks,
    checkWaits,
    checkDocuments,
    checkEntries,
    checkEvents,
    checkReaders,
    checkDeliveries,
  ])
    problems.push(...(await check(evidence)))
  problems.push(...checkSeen(ledger), ...checkLeases(ledger), ...(await checkAudit(stage)))
  return problems
}

const lookIntervalMs = 250

async function isQuiet(evidence: Evidence): Promise<boolean> {
  await sleep(lookIntervalMs)
  const { stage, readers } = evidence
  const [row] = await stage.query<{ open: number; unaudited: number }>(`SELECT
    (SELECT count(*)::int FROM task WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')) AS open,
    (SELECT count(*)::int FROM (${unaudited}) AS differences) AS unaudited`)
  if (row?.open !== 0 || row.unaudited !== 0 || (await findUndelivered(evidence)).length > 0) return false
  for (const reader of readers) if (reader.log.items.length < (await countEvents(stage, reader))) return false
  return true
}
